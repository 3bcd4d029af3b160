"""What is told of a file, in parts that a program prints under a heading of their own."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part: sentences, then a table.

    Attributes:
        title: the heading, as ``activation memory``.
        lines: sentences before the table.
        columns: headings of the table; empty where there is none.
        rows: cells as text, as many as columns.
        figures: columns that hold numbers, aligned to the right.
        left_out: rows that there would be besides.
    """

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figures: frozenset[str] = frozenset()
    left_out: int = 0
