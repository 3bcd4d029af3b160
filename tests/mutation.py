"""Spoils files in the ways that a reader of files from anywhere must survive."""

import random
from collections.abc import Callable

LONGEST_PIECE = 256
"""Bytes that are taken from another file."""


def mutated(
    content: bytes, draw: random.Random, *, other: bytes, fields: Callable[[bytearray, random.Random], None]
) -> bytes:
    """Bit flips, a cut, a piece of another file, or what ``fields`` does; the last twice as often.

    Args:
        content: a sound file.
        draw: decides.
        other: a file of the same kind, or the same.
        fields: sets one of the format's numbers to an extreme, in place.
    """
    kind, changed = draw.randrange(5), bytearray(content)
    if kind == 0:
        for _ in range(draw.choice([1, 2, 8, 64])):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del changed[draw.randrange(len(changed)) :]
    elif kind == 2:
        start, length = draw.randrange(len(changed)), draw.randrange(1, LONGEST_PIECE)
        source = draw.randrange(len(other))
        changed[start : start + length] = other[source : source + length]
    else:
        fields(changed, draw)
    return bytes(changed)
