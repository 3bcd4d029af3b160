"""Reads the head of a native library: which machine it is for, and how its parts are aligned.

The layout is that of the System V ABI's ELF; see ``man 5 elf``.
"""

import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"

LOAD = 1
"""Kind of a part that is mapped into memory."""

MACHINES = {3: "x86", 40: "armeabi-v7a", 62: "x86_64", 183: "arm64-v8a", 243: "riscv64"}
"""Number of a machine to Android's name of its ABI."""

PAGE_16K = 0x4000
"""Bytes of a memory page on newer phones: Android 15 asks of 64-bit libraries to be aligned to it."""

LARGE_PAGE_ABIS = frozenset({"arm64-v8a", "x86_64", "riscv64"})
"""ABIs of which 16 KB pages are asked: phones that have them run no 32-bit code."""

MOST_PARTS = 1_000
"""Program headers of one library; compilers write some ten."""


class DamagedElfError(Exception):
    """Not an ELF file, or damaged."""


@dataclass(frozen=True, kw_only=True)
class ElfFacts:
    """What the head says.

    Attributes:
        abi: Android's name of the machine; ``machine 8`` where it has none.
        alignments: ``p_align`` of the parts that are loaded, in their order.
    """

    abi: str
    alignments: tuple[int, ...]

    @property
    def alignment(self) -> int:
        """The least of them; 0 where nothing is loaded."""
        return min(self.alignments, default=0)


def read(content: bytes) -> ElfFacts:
    """Reads a library.

    Raises:
        DamagedElfError: it is none, or damaged.
    """
    if content[:4] != MAGIC or len(content) < 52:
        raise DamagedElfError("not an ELF file")
    wide, order = content[4] == 2, content[5]
    if content[4] not in (1, 2) or order not in (1, 2):
        raise DamagedElfError("neither 32 nor 64 bits, or of no byte order")
    end = "<" if order == 1 else ">"
    try:
        (machine,) = struct.unpack_from(f"{end}H", content, 18)
        (parts,) = struct.unpack_from(f"{end}Q" if wide else f"{end}I", content, 32 if wide else 28)
        size, count = struct.unpack_from(f"{end}HH", content, 54 if wide else 42)
        if count > MOST_PARTS or size < (56 if wide else 32) or parts + size * count > len(content):
            raise DamagedElfError(f"{count} program headers do not fit")
        # p_align is the last field of a program header in both widths.
        form, place = (f"{end}Q", 48) if wide else (f"{end}I", 28)
        alignments = tuple(
            struct.unpack_from(form, content, parts + size * number + place)[0]
            for number in range(count)
            if struct.unpack_from(f"{end}I", content, parts + size * number)[0] == LOAD
        )
    except struct.error as error:
        raise DamagedElfError(f"cut off ({error})") from error
    return ElfFacts(abi=MACHINES.get(machine, f"machine {machine}"), alignments=alignments)
