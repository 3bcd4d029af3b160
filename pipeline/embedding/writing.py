"""Puts a plan into an app: nothing of the user's is overwritten, and nothing is ever half there.

Everything is written into a folder of its own in the app first, so that a full disk is noticed before
anything is changed; then the receipt says what is about to come, then file after file is moved to its
place. Whatever interrupts that, the next run knows its own files and goes on.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import sha256
from pipeline.embedding import receipt
from pipeline.embedding.plan import Content, Copied, Plan
from pipeline.embedding.receipt import Files, Receipt, Slot
from pipeline.errors import BusyError, StepError, StorageError, several

STAGING = ".embedding"
"""Folder in the app's root that holds what is about to come; gone when a run ends."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an app's files; paths below its root, sorted.

    Attributes:
        written: new, or in the place of another content.
        removed: that an earlier bundle had left.
        unchanged: that were there already, and were not touched.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def write(plan: Plan, *, bundle: str, model_sha256: str, force: bool) -> Outcome:
    """Puts the plan's files into the app and removes what an earlier bundle left in the same slot.

    Args:
        plan: what goes where.
        bundle: its name, for the receipt.
        model_sha256: of its model, for the receipt.
        force: whether files may be overwritten, or removed, that are not as a bundle left them.

    Raises:
        StepError: files are in the way, or the receipt is damaged; nothing was changed.
        StorageError: the app cannot be written, or the disk is full.
        BusyError: another embed is at work in the app.
    """
    wanted = {**plan.core, **plan.files}
    with _alone(plan.root):
        before = receipt.read(plan.root)
        slot = Slot(bundle=bundle, model_sha256=model_sha256, files=_digests(plan.files))
        core = before.core if not plan.core and plan.keeps_core else Files(files=_digests(plan.core))
        after = Receipt(slots={**before.slots, plan.slot: slot}, core=core)
        left = _left_behind(before, after)
        stale = sorted(name for name in left if os.path.lexists(plan.root / name))
        for name in (*wanted, *stale):
            _check_inside(plan.root, name)
        changed = sorted(
            name for name, content in wanted.items() if not _is(plan.root / name, content.digest)
        )
        if not force:
            _check_in_the_way(plan, before, changed, stale)
        if changed or stale or before != after:
            try:
                _apply(plan.root, {name: wanted[name] for name in changed}, stale, before, after)
            except OSError as error:
                raise StorageError(
                    f"{error.filename or plan.root}: {error.strerror}{_remedy(error)}"
                ) from error
    return Outcome(
        written=tuple(changed), removed=tuple(stale), unchanged=tuple(sorted({*wanted} - {*changed}))
    )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds the folder itself, so that no lock file is left in the app; an earlier run's leavings go."""
    try:
        folder = os.open(root, os.O_RDONLY)
    except OSError as error:
        raise StorageError(f"{root}: {error.strerror}{_remedy(error)}") from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{root}: another embed is at work in it; try again when it is done") from error
        _discard(root / STAGING)
        yield
    finally:
        os.close(folder)


def _discard(staging: Path) -> None:
    try:
        if staging.is_symlink():
            staging.unlink()
        elif staging.exists():
            shutil.rmtree(staging)
    except OSError as error:
        raise StorageError(
            f"{error.filename or staging}: {error.strerror}; an earlier embed left it, remove it"
        ) from error


def _left_behind(before: Receipt, after: Receipt) -> set[str]:
    """Files of the earlier receipt that no record has any longer."""
    had = {name for record in (*before.slots.values(), before.core, before.pending) for name in record.files}
    return had - {name for record in (*after.slots.values(), after.core) for name in record.files}


def _check_inside(root: Path, name: str) -> None:
    """No link in the app leads the way out of it."""
    parent = (root / name).parent.resolve()
    if not parent.is_relative_to(root.resolve()):
        raise StepError(f"{root / name}: a link on the way leads out of the app, to {parent}; remove it")


def _check_in_the_way(plan: Plan, before: Receipt, changed: list[str], stale: list[str]) -> None:
    """Refuses where a file is neither what is wanted nor what an earlier bundle left."""
    edited, foreign = [], []
    for name in (*changed, *stale):
        path = plan.root / name
        if not os.path.lexists(path):
            continue
        owned = before.owned(name)
        if not owned:
            foreign.append(name)
        elif not any(_is(path, digest) for digest in owned):
            edited.append(name)
    told = []
    if edited:
        told.append(f"changed since they were embedded: {several(edited)}")
    if foreign:
        told.append(f"there already, and not from a bundle: {several(foreign)}")
    if told:
        raise StepError(f"{plan.root}: {'; '.join(told)}; nothing was written, --force replaces them")


def _is(path: Path, digest: str) -> bool:
    """Whether it is a plain file with this content."""
    try:
        return path.is_file() and not path.is_symlink() and sha256(path) == digest
    except OSError:
        return False  # it cannot be read: then it is not known to be ours, and stands in the way


def _apply(
    root: Path, changed: Mapping[str, Content], stale: list[str], before: Receipt, after: Receipt
) -> None:
    staging = root / STAGING
    try:
        staging.mkdir()
        # Apps are under version control: what is half done must not be added to it.
        (staging / ".gitignore").write_text("*\n", "utf-8")
        for number, content in enumerate(changed.values()):
            _stage(content, staging / str(number))
        pending = {**before.pending.files, **_digests(changed)}
        _put(root, staging, before.model_copy(update={"pending": Files(files=pending)}))
        for number, name in enumerate(changed):
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir() and not place.is_symlink():
                raise IsADirectoryError(21, "a folder stands where a file must go; remove it", str(place))
            (staging / str(number)).replace(place)
        for name in stale:
            (root / name).unlink(missing_ok=True)
            _prune(root, (root / name).parent)
        _put(root, staging, after)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _stage(content: Content, path: Path) -> None:
    if isinstance(content, Copied):
        shutil.copyfile(content.path, path)
        if sha256(path) != content.digest:
            raise StepError(f"{content.path}: changed while it was copied; run the command again")
    else:
        path.write_bytes(content.text.encode())


def _put(root: Path, staging: Path, what: Receipt) -> None:
    """Writes the receipt as one step."""
    draft = staging / receipt.FILE
    draft.write_text(what.text(), "utf-8")
    draft.replace(root / receipt.FILE)


def _prune(root: Path, folder: Path) -> None:
    """Removes folders that have become empty."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _remedy(error: OSError) -> str:
    import errno

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
