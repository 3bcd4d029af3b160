"""Downloads: whole, cut, killed, wrong, refused; against a server on this machine."""

import hashlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from pipeline.console import Console
from pipeline.datasets import _download, emnist
from pipeline.datasets._download import ATTEMPTS, CHUNK_BYTES, answers, download
from pipeline.errors import DataError
from tests.listening import listening
from tests.pipeline.datasets.emnist_files import archive, upright_images, write_variant
from tests.pipeline.datasets.mirror import Mirror, serve

PADDING_BYTES = 2_000_000
"""Some thirty blocks of the download: enough to cut it in several places."""

WAIT_SECONDS = 60
"""For another process to get somewhere; generous, because machines are busy."""

RESTART = """
import sys
from pathlib import Path
from pipeline.console import Console
from pipeline.datasets._download import download
url, target, sha256 = sys.argv[1:]
download(url, Path(target), sha256=sha256, console=Console())
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """NIST's zip with two variants of eleven images, and padding."""
    folder = tmp_path_factory.mktemp("archive")
    for variant in ("bymerge", "letters"):
        write_variant(folder, variant)
    return archive(folder, padding_bytes=PADDING_BYTES)


@pytest.fixture
def mirror(content: bytes) -> Iterator[Mirror]:
    """A server that gives it."""
    with serve(Mirror(content=content)) as running:
        yield running


def sha256(content: bytes) -> str:
    """Of bytes, as the download wants it."""
    return hashlib.sha256(content).hexdigest()


def fetch(mirror: Mirror, target: Path, *, expected: str | None = None) -> Path:
    """Downloads without pauses between attempts."""
    return download(
        mirror.url,
        target,
        sha256=expected or sha256(mirror.content),
        console=Console(),
        pause_seconds=0,
    )


def left(folder: Path) -> set[str]:
    """Names in a folder, but for the lock file, which holds nothing."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_whole_download_is_made_once(mirror: Mirror, tmp_path: Path) -> None:
    """One request, each byte once; nothing else is left behind."""
    path = fetch(mirror, tmp_path / "new" / "gzip.zip")
    assert path.read_bytes() == mirror.content
    assert (mirror.starts, mirror.sent) == ([0], len(mirror.content))
    assert left(path.parent) == {"gzip.zip"}


def test_a_file_that_is_there_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    """Its hash is enough."""
    (tmp_path / "gzip.zip").write_bytes(mirror.content)
    fetch(mirror, tmp_path / "gzip.zip")
    assert mirror.starts == []


def test_a_damaged_file_that_is_there_is_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    """Its name is not enough."""
    (tmp_path / "gzip.zip").write_bytes(mirror.content[:-1])
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content


def test_a_connection_cut_several_times_is_resumed(mirror: Mirror, tmp_path: Path, capfd: Any) -> None:
    """Each byte is sent about once: a cut costs the block that was under way."""
    cuts = [700_001, 300_000, 1, 500_000]
    mirror.cut_after = list(cuts)
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content
    assert mirror.starts[0] == 0
    assert mirror.starts[1] > 0
    assert mirror.starts == sorted(mirror.starts)
    assert len(mirror.starts) == len(cuts) + 1
    assert len(mirror.content) <= mirror.sent <= len(mirror.content) + len(cuts) * CHUNK_BYTES
    assert capfd.readouterr().err.count("connection lost") == len(cuts)


def test_a_server_that_cannot_resume_is_asked_from_the_start(mirror: Mirror, tmp_path: Path) -> None:
    """What came before is not put in front of what comes now."""
    mirror.ranges = False
    mirror.cut_after = [700_000, 1_500_000, 400_000]
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content
    assert mirror.starts == [0, 0, 0, 0]


def test_a_connection_that_is_always_cut_ends_with_what_came_kept(mirror: Mirror, tmp_path: Path) -> None:
    """After so many attempts; the next call goes on from there."""
    mirror.cut_after = [150_000] * ATTEMPTS
    with pytest.raises(DataError, match=r"bytes are kept in .*gzip\.zip\.part, the same command goes on"):
        fetch(mirror, tmp_path / "gzip.zip")
    assert left(tmp_path) == {"gzip.zip.part"}
    kept = (tmp_path / "gzip.zip.part").stat().st_size
    assert kept > 150_000
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content
    assert mirror.starts[-1] == kept


def test_a_part_that_is_whole_is_taken_without_a_byte_sent(mirror: Mirror, tmp_path: Path) -> None:
    """The program was killed between the last byte and the check."""
    (tmp_path / "gzip.zip.part").write_bytes(mirror.content)
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content
    assert mirror.sent == 0


@pytest.mark.parametrize("part", [b"", b"other bytes", bytes(3_000_000)])
def test_a_wrong_part_is_found_by_the_hash_and_thrown_away(
    mirror: Mirror, tmp_path: Path, part: bytes
) -> None:
    """Empty, of another file, longer than the file: at the latest the second call has the file."""
    (tmp_path / "gzip.zip.part").write_bytes(part)
    if part:
        with pytest.raises(DataError, match="sha256 differs"):
            fetch(mirror, tmp_path / "gzip.zip")
        assert left(tmp_path) == set()
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == mirror.content


def test_another_file_is_refused_and_nothing_of_it_is_kept(mirror: Mirror, tmp_path: Path) -> None:
    """A later run must not take it for the right one, nor go on from it."""
    expected = sha256(mirror.content)
    right, mirror.content = mirror.content, b"<html>moved</html>" * 9
    with pytest.raises(DataError) as caught:
        fetch(mirror, tmp_path / "gzip.zip", expected=expected)
    assert str(caught.value).startswith(f"{mirror.url}: the downloaded file is not the expected one")
    assert expected in str(caught.value)
    assert left(tmp_path) == set()
    mirror.content = right
    assert fetch(mirror, tmp_path / "gzip.zip").read_bytes() == right


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "the server answered 404 Not Found"), (500, "the server answered 500 Internal Server Error")],
)
def test_a_refusal_names_the_answer_and_the_way_on(
    mirror: Mirror, tmp_path: Path, status: int, says: str
) -> None:
    """At once: asking again gives the same answer."""
    mirror.status = status
    with pytest.raises(DataError) as caught:
        fetch(mirror, tmp_path / "gzip.zip")
    assert str(caught.value) == (
        f"{mirror.url}: {says}; try again later, name a mirror with `pipeline data get --url`, "
        f"or put the file at {tmp_path / 'gzip.zip'} and give the command again"
    )
    assert left(tmp_path) == set()


def test_a_refusal_in_the_middle_keeps_what_came(mirror: Mirror, tmp_path: Path) -> None:
    """The server goes away after a part."""
    (tmp_path / "gzip.zip.part").write_bytes(mirror.content[:1000])
    mirror.status = 503
    with pytest.raises(DataError, match=r"503 Service Unavailable; 1,000 bytes are kept in"):
        fetch(mirror, tmp_path / "gzip.zip")
    mirror.status = 200
    fetch(mirror, tmp_path / "gzip.zip")
    assert mirror.starts == [1000]


def closed_port() -> str:
    """Address of a port on this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/gzip.zip"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, "Connection refused"),
        ("not-an-address", "No scheme supplied"),
        ("file:///gzip.zip", "No connection adapters"),
    ],
)
def test_a_server_that_does_not_answer_is_said_with_the_way_on(
    tmp_path: Path, address: str | None, says: str
) -> None:
    """Down, or an address that is none."""
    url = address or closed_port()
    with pytest.raises(DataError) as caught:
        fetch(Mirror(content=b"", url=url), tmp_path / "gzip.zip")
    assert str(caught.value).startswith(f"{url}: no connection, or it broke (")
    assert says in str(caught.value)
    assert "name a mirror with `pipeline data get --url`" in str(caught.value)


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False), (500, False)])
def test_whether_a_server_answers_is_asked_without_fetching(mirror: Mirror, status: int, there: bool) -> None:
    """What build asks before it decides what to build."""
    mirror.status = status
    assert answers(mirror.url) is there
    assert mirror.starts == []
    assert answers(closed_port()) is False


def test_the_console_alone_speaks(mirror: Mirror, tmp_path: Path, capfd: Any) -> None:
    """No other package's log lines: one line of progress off a terminal, nothing on stdout."""
    fetch(mirror, tmp_path / "gzip.zip")
    output = capfd.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith(f"  gzip.zip: {len(mirror.content):,} bytes in ")


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_killed_in_mid_download_is_taken_up_again(
    mirror: Mirror, tmp_path: Path, with_signal: signal.Signals
) -> None:
    """The next run asks for the rest alone."""
    target = tmp_path / "gzip.zip"
    mirror.stall_after = 1_000_000
    arguments = listening("-c", RESTART, mirror.url, str(target), sha256(mirror.content))
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    assert mirror.stalled.wait(WAIT_SECONDS)
    part = tmp_path / "gzip.zip.part"
    deadline = threading.Event()
    for _ in range(WAIT_SECONDS * 20):
        if part.exists() and part.stat().st_size >= 1_000_000 - CHUNK_BYTES:
            break
        deadline.wait(0.05)
    process.send_signal(with_signal)
    assert process.wait(WAIT_SECONDS) != 0
    kept = part.stat().st_size
    assert not target.exists()
    mirror.stall_after = None
    mirror.resume.set()
    subprocess.run(arguments, check=True, capture_output=True, timeout=WAIT_SECONDS)
    assert target.read_bytes() == mirror.content
    assert kept >= 1_000_000 - CHUNK_BYTES
    assert mirror.starts == [0, kept]


def test_a_second_process_waits_for_the_first(mirror: Mirror, tmp_path: Path, capfd: Any) -> None:
    """Two that write into one part file would spoil it; the second finds the file there."""
    target = tmp_path / "gzip.zip"
    lock = FileLock(tmp_path / "gzip.zip.lock")
    lock.acquire()
    second = threading.Thread(target=fetch, args=(mirror, target), daemon=True)
    second.start()
    second.join(0.5)
    assert second.is_alive()
    assert mirror.starts == []
    target.write_bytes(mirror.content)
    lock.release()
    second.join(WAIT_SECONDS)
    assert not second.is_alive()
    assert mirror.starts == []
    assert f"another process is downloading {target}; waiting" in capfd.readouterr().err


def fetch_emnist(mirror: Mirror, data: Path, **options: Any) -> None:
    """Fetches the set from the mirror."""
    emnist.fetch(
        emnist.Options.model_validate(options),
        data,
        Console(),
        url=mirror.url,
        sha256=sha256(mirror.content),
    )


@pytest.mark.parametrize("variant", ["bymerge", "letters"])
def test_fetching_emnist_unpacks_one_variant_that_can_be_read(
    mirror: Mirror, tmp_path: Path, variant: str
) -> None:
    """Into DATA/emnist, which is made; upright; the other variant stays in the zip."""
    fetch_emnist(mirror, tmp_path / "data", variant=variant)
    source = emnist.locate(emnist.Options.model_validate({"variant": variant}), tmp_path / "data")
    assert (source.count("train"), source.count("test")) == (8, 3)
    np.testing.assert_array_equal(next(source.batches("train")).pixels, upright_images(8))
    names = left(tmp_path / "data" / "emnist")
    assert {name for name in names if not name.startswith(f"emnist-{variant}-")} == {"gzip.zip"}
    assert len(names) == 6


def test_fetching_another_variant_uses_the_archive_that_is_there(mirror: Mirror, tmp_path: Path) -> None:
    """All variants are in one zip."""
    fetch_emnist(mirror, tmp_path)
    fetch_emnist(mirror, tmp_path, variant="letters")
    assert mirror.starts == [0]


def test_fetching_mends_a_file_that_was_unpacked_by_half(mirror: Mirror, tmp_path: Path) -> None:
    """Unpacking is done anew, and whole or not at all."""
    fetch_emnist(mirror, tmp_path)
    images = tmp_path / "emnist" / "emnist-bymerge-train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:-5])
    images.with_name(images.name + ".partial").write_bytes(b"old")
    fetch_emnist(mirror, tmp_path)
    assert images.read_bytes() == whole
    assert not [name for name in left(images.parent) if name.endswith(".partial")]


def test_an_archive_without_the_variant_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    """A mirror's own zip."""
    with pytest.raises(DataError, match=r"gzip\.zip: holds no file emnist-balanced-\*"):
        fetch_emnist(mirror, tmp_path, variant="balanced")


@pytest.mark.parametrize("damage", ["no zip", "member damaged"])
def test_an_archive_that_is_damaged_is_refused_with_the_remedy(
    mirror: Mirror, tmp_path: Path, damage: str
) -> None:
    """A mirror's own file with a mirror's own hash: no half-unpacked file takes a right name."""
    middle = mirror.content.index(b"emnist-bymerge-test-labels-idx1-ubyte.gz") + 60
    mirror.content = (
        b"no zip" if damage == "no zip" else mirror.content[:middle] + b"\xff" + mirror.content[middle + 1 :]
    )
    with pytest.raises(DataError, match=r"gzip\.zip: not a whole zip file .*; remove it and fetch again"):
        fetch_emnist(mirror, tmp_path)
    assert not (tmp_path / "emnist" / "emnist-bymerge-test-labels-idx1-ubyte.gz").exists()


def test_nists_own_address_is_the_default() -> None:
    """An address and hash that only the tests replace."""
    assert emnist.ARCHIVE_URL.startswith("https://biometrics.nist.gov/")
    assert len(bytes.fromhex(emnist.ARCHIVE_SHA256)) == 32


def test_build_asks_nists_server_whether_it_answers(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """``fetchable`` of the shelf."""
    monkeypatch.setattr(emnist, "ARCHIVE_URL", mirror.url)
    assert emnist.fetchable(emnist.Options()) is True
    mirror.status = 404
    assert emnist.fetchable(emnist.Options()) is False
    assert _download.PROBE_SECONDS < _download.TIMEOUT_SECONDS
