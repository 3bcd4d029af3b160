"""Does every class, method and field that the APK's code names exist, and on the oldest Android too?

Reads the constant pools of class files (The Java Virtual Machine Specification, chapter 4). What lint's
NewApi and a linker would say: dx and ProGuard check neither, and a phone finds out only when it gets there.
"""

import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONSTANT_SIZES = {
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}
"""Tag to bytes after it, but for strings (1), which say their length."""

NEWER = "Api"
"""Calls to an API above the oldest stand in classes named ``...Api30``, entered behind a check alone."""

Member = tuple[str, str, str]
"""Owner, name, descriptor."""


@dataclass(frozen=True)
class ClassFile:
    """What one class file declares and names.

    Attributes:
        name: as ``java/lang/String``.
        parents: superclass and interfaces.
        declared: (name, descriptor) of its fields and methods.
        classes: classes that it names.
        members: fields and methods that it names.
        invokedynamic: whether it has a call that Android below API 26 cannot load.
    """

    name: str
    parents: tuple[str, ...]
    declared: frozenset[tuple[str, str]]
    classes: frozenset[str] = frozenset()
    members: frozenset[Member] = frozenset()
    invokedynamic: bool = False


def read(data: bytes) -> ClassFile:
    """Reads one class file."""
    count = struct.unpack_from(">H", data, 8)[0]
    pool: list[tuple[int, bytes]] = [(0, b"")] * count
    at, index = 10, 1
    while index < count:
        tag = data[at]
        size = struct.unpack_from(">H", data, at + 1)[0] + 2 if tag == 1 else CONSTANT_SIZES[tag]
        pool[index] = (tag, data[at + 1 : at + 1 + size])
        at += 1 + size
        index += 2 if tag in (5, 6) else 1  # long and double take two places

    def text(i: int) -> str:
        return pool[i][1][2:].decode("utf-8", "surrogatepass")

    def pair(i: int) -> tuple[int, int]:
        first, second = struct.unpack(">HH", pool[i][1])
        return first, second

    def class_name(i: int) -> str:
        return text(struct.unpack(">H", pool[i][1])[0])

    _, this, parent, interfaces = struct.unpack_from(">HHHH", data, at)
    at += 8
    parents = [class_name(parent)] if parent else []
    parents += [class_name(i) for i in struct.unpack_from(f">{interfaces}H", data, at)]
    at += 2 * interfaces
    declared: set[tuple[str, str]] = set()
    for _ in ("fields", "methods"):
        members = struct.unpack_from(">H", data, at)[0]
        at += 2
        for _ in range(members):
            _, name, descriptor, attributes = struct.unpack_from(">HHHH", data, at)
            declared.add((text(name), text(descriptor)))
            at += 8
            for _ in range(attributes):
                at += 6 + struct.unpack_from(">I", data, at + 2)[0]
    named: set[Member] = set()
    for tag, _raw in pool:
        if tag in (9, 10, 11):
            owner, nat = struct.unpack(">HH", _raw)
            name, descriptor = pair(nat)
            named.add((class_name(owner), text(name), text(descriptor)))
    return ClassFile(
        name=class_name(this),
        parents=tuple(parents),
        declared=frozenset(declared),
        classes=frozenset(class_name(i) for i, (tag, _) in enumerate(pool) if tag == 7),
        members=frozenset(named),
        invokedynamic=any(tag == 18 for tag, _ in pool),
    )


class Jar:
    """Classes of a jar, read when they are asked for."""

    def __init__(self, file: Path) -> None:
        self._archive = zipfile.ZipFile(file)

    def find(self, name: str) -> ClassFile | None:
        """The class, None where it is not here."""
        try:
            return read(self._archive.read(f"{name}.class"))
        except KeyError:  # not in this jar
            return None


class Signature:
    """What an API level has in public, as ``Signatures.java`` prints it."""

    def __init__(self, printed: str) -> None:
        self._classes: dict[str, ClassFile] = {}
        for block in printed.split("class\t")[1:]:
            head, *members = block.splitlines()
            name, *parents = head.split("\t")
            declared = frozenset(_member(line) for line in members if line)
            self._classes[name] = ClassFile(name, tuple(filter(None, parents)), declared)

    def find(self, name: str) -> ClassFile | None:
        """The class, None where it is not here."""
        return self._classes.get(name)


@dataclass
class World:
    """Classes of several places, of which the first that has one wins."""

    places: Sequence[Jar | Signature]
    _known: dict[str, ClassFile | None] = field(default_factory=dict)

    def find(self, name: str) -> ClassFile | None:
        """The class, None where it is nowhere."""
        if name not in self._known:
            found = (place.find(name) for place in self.places)
            self._known[name] = next((entry for entry in found if entry), None)
        return self._known[name]

    def has(self, member: Member) -> bool:
        """Whether the class, or one that it inherits from, declares the member."""
        owner, name, descriptor = member
        found = self.find(owner)
        if found is None:
            return False
        return (name, descriptor) in found.declared or any(
            self.has((p, name, descriptor)) for p in found.parents
        )


def problems(program: Path, *, oldest: Signature, newest: Path, allowed: Mapping[str, str]) -> Iterator[str]:
    """One line for every name that does not resolve.

    Args:
        program: the jar that becomes classes.dex.
        oldest: the lowest API level that the app runs on.
        newest: jar of the framework that it is compiled against.
        allowed: start of a class's name to the reason why it may name newer API.
    """
    own = Jar(program)
    old, new = World([own, oldest]), World([own, Jar(newest), oldest])
    with zipfile.ZipFile(program) as archive:
        entries = [read(archive.read(n)) for n in archive.namelist() if n.endswith(".class")]
    for entry in entries:
        if entry.invokedynamic:
            yield f"{entry.name}: has invokedynamic, which no Android below API 26 loads"
        guarded = _guarded(entry.name) or any(entry.name.startswith(start) for start in allowed)
        world = new if guarded else old
        for name in sorted(filter(None, map(_element, entry.classes))):
            if world.find(name) is None:
                yield f"{entry.name}: names {name}, {_where(new.find(name) is not None)}"
        for member in sorted(entry.members):
            owner = member[0]
            if not owner.startswith("[") and world.find(owner) is not None and not world.has(member):
                yield f"{entry.name}: calls {owner}.{member[1]}{member[2]}, {_where(new.has(member))}"


def _where(newer: bool) -> str:
    return (
        f"which is not in the oldest API: move it to a class named ...{NEWER}NN"
        if newer
        else "which is nowhere"
    )


def _guarded(name: str) -> bool:
    simple = name.rsplit("/", 1)[-1].split("$", 1)[0].removesuffix("Kt")
    return simple.rstrip("0123456789").endswith(NEWER) and simple[-1].isdigit()


def _element(name: str) -> str:
    """Class of an array's elements; the name itself if it is none; empty for primitives."""
    if not name.startswith("["):
        return name
    element = name.lstrip("[")
    return element[1:-1] if element.startswith("L") else ""


def _member(line: str) -> tuple[str, str]:
    """Name and descriptor of ``get(I)B`` or ``CREATOR#Ljava/lang/Object;``."""
    if "(" in line:
        name, _, rest = line.partition("(")
        return name, f"({rest}"
    name, _, descriptor = line.partition("#")
    return name, descriptor
