"""What may stand in an embed's way: all of it is looked for before anything is written."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.artifacts import sha256
from pipeline.embedding import reach, receipt
from pipeline.embedding.plan import Plan
from pipeline.embedding.receipt import Receipt, Slot
from pipeline.errors import StepError, several


def check_owners(plan: Plan, bundle: str, before: Receipt) -> None:
    """No two bundles share a file: a class of the one would be that of the other.

    Names that differ in case alone are one file on the file systems of macOS and Windows.

    Raises:
        StepError: another slot's bundle has a file of the plan; or it is the same bundle, in another target
            of an iOS app: its golden vectors and their test are there once.
    """
    for slot, record in before.slots.items():
        if slot == plan.slot:
            continue
        theirs = {name.casefold() for name in record.files}
        shared = sorted(name for name in plan.files if name.casefold() in theirs)
        if shared and record.bundle == bundle:
            raise StepError(_moving(plan, slot, record))
        if shared:
            raise StepError(
                f"{plan.destination.root}: '{bundle}' (slot {plan.slot}) and '{record.bundle}' (slot {slot}, "
                f"embedded already) would both have {several(shared, limit=3)}; give one of the recipes "
                "another name and build its bundle anew"
            )


def _moving(plan: Plan, slot: str, record: Slot) -> str:
    """What to say of a bundle that is in another target already, and how it gets into this one."""
    target = slot.removesuffix(f":{record.bundle}")
    where = f"target '{target}'" if target else "the app's root"
    kind = plan.destination.kind
    homes = dict.fromkeys(reach.own(kind, name) or name for name in sorted(record.files))
    return (
        f"{plan.destination.root}: '{record.bundle}' is embedded into {where} already, and its test can be "
        f"of one target alone; to move it, remove {', '.join(homes)} and slot '{slot}' of {receipt.FILE}, "
        "and embed it again"
    )


def check_paths(root: Path, names: Iterable[str]) -> None:
    """No link in the app leads the way out of it.

    Raises:
        StepError: one does.
    """
    inside = Path(os.path.realpath(root))
    for name in names:
        parent = Path(os.path.realpath((root / name).parent))
        if not parent.is_relative_to(inside):
            raise StepError(f"{root / name}: a link on the way leads out of the app, to {parent}; remove it")


def check_room(root: Path, names: Iterable[str]) -> None:
    """Folders are where folders must be, and no folder is where a file goes.

    Raises:
        StepError: something else is there, which is nobody's to remove but the user's.
    """
    for name in names:
        for above in reversed(PurePosixPath(name).parents):
            folder = root / above
            if os.path.lexists(folder) and not folder.is_dir():
                what = "a link that leads nowhere" if folder.is_symlink() else "a file"
                raise StepError(f"{folder}: {what} stands where a folder must go; remove it")
        place = root / name
        if place.is_dir() and not place.is_symlink():
            raise StepError(f"{place}: a folder stands where a file must go; remove it")


def check_in_the_way(root: Path, before: Receipt, names: Iterable[str]) -> None:
    """Each file that is to be replaced or removed is as an earlier bundle left it.

    Raises:
        StepError: some are the user's, or were edited.
    """
    edited, foreign = [], []
    for name in names:
        if not os.path.lexists(root / name):
            continue
        if not before.owned(name):
            foreign.append(name)
        elif not as_left(root, name, before):
            edited.append(name)
    told = []
    if edited:
        told.append(f"changed since they were embedded: {several(edited)}")
    if foreign:
        told.append(f"there already, and not from a bundle: {several(foreign)}")
    if told:
        raise StepError(
            f"{root}: {'; '.join(told)}; nothing was written; --force replaces what the bundle brings, and "
            "leaves the rest where it is"
        )


def as_left(root: Path, name: str, before: Receipt) -> bool:
    """Whether a file is as an earlier bundle left it."""
    return any(has(root / name, digest) for digest in before.owned(name))


def has(path: Path, digest: str) -> bool:
    """Whether it is a plain file with this content."""
    try:
        return path.is_file() and not path.is_symlink() and sha256(path) == digest
    except OSError:
        return False  # it cannot be read: then it is not known to be ours, and stands in the way


def other_names(root: Path, stale: Iterable[str], wanted: Iterable[str]) -> set[str]:
    """Those of the stale names under which a wanted file is reached too.

    As by a link between folders, or where a file system takes two cases of a letter for one.
    """
    kept = {_identity(root / name) for name in wanted}
    return {name for name in stale if (found := _identity(root / name)) is not None and found in kept}


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None  # it is not there
    return found.st_dev, found.st_ino
