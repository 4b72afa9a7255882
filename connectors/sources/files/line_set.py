"""A growing set of line numbers kept as ranges, so that millions of lines in a row cost two numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator


class LineSet:
    """Line numbers in the order they were added; neighbours are merged into ranges.

    Example:
        >>> lines = LineSet()
        >>> for number in (2, 3, 4, 9): lines.add(number)
        >>> str(lines), len(lines)
        ('2-4, 9', 4)
    """

    __slots__ = ("_bounds", "_count")

    def __init__(self) -> None:
        self._bounds = array("Q")
        self._count = 0

    def add(self, line: int) -> None:
        """One more line; the line that was added last is not counted twice."""
        bounds = self._bounds
        if bounds and bounds[-1] == line:
            return
        self._count += 1
        if bounds and bounds[-1] + 1 == line:
            bounds[-1] = line
        else:
            bounds.extend((line, line))

    def ranges(self) -> list[tuple[int, int]]:
        """First and last line of each range."""
        return list(zip(self._bounds[::2], self._bounds[1::2], strict=True))

    def __len__(self) -> int:
        """How many lines."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Every line."""
        for first, last in self.ranges():
            yield from range(first, last + 1)

    def __contains__(self, line: object) -> bool:
        """Whether the line was added."""
        return isinstance(line, int) and any(first <= line <= last for first, last in self.ranges())

    def __str__(self) -> str:
        """`2-4, 9`."""
        return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges())
