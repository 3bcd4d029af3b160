"""Downloads that survive a cut connection: resumed, hashed, with progress. Built on pooch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.console import Console
from pipeline.errors import DataError

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 30
PROBE_SECONDS = 5
ATTEMPTS = 8
"""A connection that is cut is taken up again so often; each attempt keeps what came before."""

PAUSE_SECONDS = 1.0


def answers(url: str) -> bool:
    """Whether the server gives the file right now."""
    import requests

    try:
        return requests.head(url, timeout=PROBE_SECONDS, allow_redirects=True).ok
    except requests.RequestException:
        return False


def download(
    url: str, target: Path, *, sha256: str, console: Console, pause_seconds: float = PAUSE_SECONDS
) -> Path:
    """Downloads a file unless it is there already, and checks its hash.

    What has arrived stays beside the target as ``NAME.part`` when the connection breaks or the program
    is killed, and the next call goes on from there.

    Raises:
        DataError: the server does not answer, or what it sent is not the expected file.
    """
    import pooch
    import requests

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    pooch.get_logger().setLevel("WARNING")  # what it announces, the console says already
    with _alone(target, console):
        try:
            found = pooch.retrieve(
                url,
                known_hash=f"sha256:{sha256}",
                fname=target.name,
                path=target.parent,
                downloader=_Resuming(part, console, pause_seconds),
            )
        # Before ValueError: that of a malformed address is one, too.
        except requests.RequestException as error:
            raise DataError(f"{url}: {_reason(error)}; {_way_on(part, target)}") from error
        except ValueError as error:
            part.unlink(missing_ok=True)
            raise DataError(
                f"{url}: the downloaded file is not the expected one (sha256 differs): {error}"
            ) from error
        part.unlink(missing_ok=True)
    return Path(found)


@contextmanager
def _alone(target: Path, console: Console) -> Iterator[None]:
    """Keeps two processes from writing into the same part file."""
    lock = FileLock(target.with_name(target.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.say(f"  another process is downloading {target}; waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _reason(error: Any) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    return f"no connection, or it broke ({error})"


def _way_on(part: Path, target: Path) -> str:
    if part.exists() and part.stat().st_size:
        return f"{part.stat().st_size:,} bytes are kept in {part}, the same command goes on from there"
    return (
        f"try again later, name a mirror with `pipeline data get --url`, or put the file at {target} "
        "and give the command again"
    )


class _Resuming:
    """A pooch downloader that keeps a part file and asks for the rest with a Range header."""

    def __init__(self, part: Path, console: Console, pause_seconds: float) -> None:
        self._part, self._console, self._pause = part, console, pause_seconds

    def __call__(self, url: str, output_file: Any, _pooch: Any) -> None:
        import requests

        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._get(url)
                break
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,  # what a cut in the body is called
            ) as error:
                if attempt == ATTEMPTS:
                    raise
                self._console.say(f"  connection lost ({type(error).__name__}), going on")
                time.sleep(self._pause)
        # pooch gives the temporary file that it hashes and renames.
        with self._part.open("rb") as source:
            if hasattr(output_file, "write"):
                while block := source.read(CHUNK_BYTES):
                    output_file.write(block)
                return
        self._part.replace(output_file)

    def _get(self, url: str) -> None:
        import requests

        have = self._part.stat().st_size if self._part.exists() else 0
        # Never compressed on the way: bytes are counted, and a part must fit what follows it.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if have and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # the part is whole; the hash will tell
            response.raise_for_status()
            if have and response.status_code != requests.codes.partial_content:
                have = 0  # the server does not resume: from the start
            total = have + int(response.headers.get("Content-Length", 0))
            name = self._part.name.removesuffix(".part")
            with (
                self._part.open("ab" if have else "wb") as sink,
                self._console.task(name, total, "bytes") as task,
            ):
                task.advance(have)
                for block in response.iter_content(CHUNK_BYTES):
                    sink.write(block)
                    task.advance(len(block))
            if total and self._part.stat().st_size < total:
                raise requests.ConnectionError("the connection ended early")
