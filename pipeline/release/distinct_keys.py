"""JSON whose objects have no key twice: of two equal ones one reader takes the first and another the last."""

import json


class TwiceError(ValueError):
    """A key that stands twice in one object; the message is the key."""


def check(content: bytes) -> None:
    """Looks through JSON that has been read already, and so can be.

    Raises:
        TwiceError: two keys of an object are the same once their escapes are read.
    """
    # Numbers stay text: an integer of any length is read so.
    json.loads(content, object_pairs_hook=_distinct, parse_int=str, parse_float=str)


def _distinct(pairs: list[tuple[str, object]]) -> None:
    found: set[str] = set()
    for key, _ in pairs:
        if key in found:
            raise TwiceError(key)
        found.add(key)
