"""Puts a plan into an app: nothing of the user's is overwritten, and a run that is killed can be repeated.

Everything is written into a folder of its own in the app first, so that a full disk is noticed before
anything is changed; then the receipt says what is about to come, then file after file is moved to its
place. Wherever that is interrupted, the next run knows its own files and goes on. Nothing is forced out of
the system's caches: after a power failure, files may be missing, which the next run puts back.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import sha256
from pipeline.embedding import obstacles, receipt, staging
from pipeline.embedding.plan import Content, Copied, Plan
from pipeline.embedding.receipt import Files, Receipt, Slot
from pipeline.errors import BusyError, StepError, StorageError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an app's files; paths below its root, sorted.

    Attributes:
        written: new, or in the place of another content.
        removed: that an earlier bundle had left.
        unchanged: that were there already, and were not touched.
        kept: that an earlier bundle had brought and nobody needs, but that were edited since: they stay, and
            are the user's from now on.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]


def write(plan: Plan, *, bundle: str, model_sha256: str, force: bool) -> Outcome:
    """Puts the plan's files into the app and removes what an earlier bundle left in the same slot.

    Args:
        plan: what goes where.
        bundle: its name, for the receipt.
        model_sha256: of its model, for the receipt.
        force: whether files may be overwritten that are not as a bundle left them. None such is removed.

    Raises:
        StepError: files are in the way, or the receipt is damaged; nothing was changed.
        StorageError: the app cannot be written, or the disk is full.
        BusyError: another embed is at work in the app.
    """
    root = plan.destination.root
    wanted = {**plan.core, **plan.files}
    with _alone(root):
        before = receipt.read(root, plan.destination.kind)
        obstacles.check_owners(plan, bundle, before)
        slot = Slot(bundle=bundle, model_sha256=model_sha256, files=_digests(plan.files))
        brought = {plan.destination.module: Files(files=_digests(plan.core))} if plan.core else {}
        after = Receipt(
            slots={**before.slots, plan.slot: slot}, readers={**_present(root, before.readers), **brought}
        )
        left = {name for name in before.names() - after.names() if os.path.lexists(root / name)}
        left -= obstacles.other_names(root, left, wanted)
        changed = sorted(
            name for name, content in wanted.items() if not obstacles.has(root / name, content.digest)
        )
        obstacles.check_paths(root, (*wanted, *sorted(left)))
        if not force:
            obstacles.check_in_the_way(root, before, (*changed, *sorted(left)))
        obstacles.check_room(root, changed)
        stale = sorted(name for name in left if obstacles.as_left(root, name, before))
        try:
            staging.discard(root)
            if changed or stale or before != after:
                _apply(root, {name: wanted[name] for name in changed}, stale, before, after)
        except OSError as error:
            raise StorageError(f"{error.filename or root}: {error.strerror}{_remedy(error)}") from error
    return Outcome(
        written=tuple(changed),
        removed=tuple(stale),
        unchanged=tuple(sorted({*wanted} - {*changed})),
        kept=tuple(sorted(left - {*stale})),
    )


def _present(root: Path, readers: Mapping[str, Files]) -> dict[str, Files]:
    """Those of which something is left: the user may have moved a reader, or removed it."""
    return {
        module: record
        for module, record in readers.items()
        if any(os.path.lexists(root / name) for name in record.files)
    }


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds the folder itself, so that no lock file is left in the app."""
    try:
        folder = os.open(root, os.O_RDONLY)
    except OSError as error:
        raise StorageError(f"{root}: {error.strerror}{_remedy(error)}") from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{root}: another embed is at work in it; try again when it is done") from error
        except OSError as error:
            raise StorageError(
                f"{root}: cannot be locked against a second embed ({error.strerror}), as some network file "
                "systems cannot; embed into a copy on a local disk"
            ) from error
        yield
    finally:
        os.close(folder)


def _apply(
    root: Path, changed: Mapping[str, Content], stale: list[str], before: Receipt, after: Receipt
) -> None:
    try:
        folder = staging.make(root)
        for number, content in enumerate(changed.values()):
            _stage(content, folder / str(number))
        pending = {**before.pending.files, **_digests(changed)}
        _put(root, folder, before.model_copy(update={"pending": Files(files=pending)}))
        for number, name in enumerate(changed):
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (folder / str(number)).replace(place)
        for name in stale:
            (root / name).unlink(missing_ok=True)
            _prune(root, (root / name).parent)
        _put(root, folder, after)
    finally:
        with suppress(OSError):  # the next run removes it, and what went wrong before is what must be told
            staging.discard(root)


def _stage(content: Content, path: Path) -> None:
    if isinstance(content, Copied):
        shutil.copyfile(content.path, path)
        if sha256(path) != content.digest:
            raise StepError(f"{content.path}: changed while it was copied; run the command again")
    else:
        path.write_bytes(content.text.encode())


def _put(root: Path, folder: Path, what: Receipt) -> None:
    """Writes the receipt as one step."""
    draft = folder / receipt.FILE
    draft.write_text(what.text(), "utf-8")
    draft.replace(root / receipt.FILE)


def _prune(root: Path, folder: Path) -> None:
    """Removes folders that have become empty."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _remedy(error: OSError) -> str:
    remedies = {
        errno.ENOSPC: "; free some space and run the same command again",
        errno.EDQUOT: "; free some space and run the same command again",
        errno.EROFS: "; the app is on a read-only file system",
        errno.EACCES: "; the app's folder must be writable",
        errno.EPERM: "; the app's folder must be writable",
    }
    return remedies.get(error.errno or 0, "")


def _digests(files: Mapping[str, Content]) -> dict[str, str]:
    return {name: content.digest for name, content in sorted(files.items())}
