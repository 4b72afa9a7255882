"""The earliest waits of a partition, in memory: what falls due next is known without asking the database.

Nothing here talks to the database; what is beyond the window is the store's to fetch.
"""

from __future__ import annotations

import heapq

WINDOW = 4096
"""Earliest waits of a partition kept in memory."""

WaitRows = list[tuple[int, str, str]]
"""(due, key, name) in that order."""


class DueWindow:
    """The earliest waits of a partition: every armed wait up to `bound` is here; bound None: all are."""

    __slots__ = ("_due", "_heap", "bound", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._heap: WaitRows = []
        self._due: dict[tuple[str, str], int] = {}
        self.bound: tuple[int, str, str] | None = (-(2**63), "", "")

    def fill(self, rows: WaitRows, bound: tuple[int, str, str] | None) -> None:
        """Start anew with the earliest waits in order, all up to `bound`."""
        self._heap = rows
        self._due = {(key, name): due for due, key, name in rows}
        self.bound = bound

    def arm(self, due: int, key: str, name: str) -> None:
        """Arm or move a wait."""
        place = (due, key, name)
        if self.bound is not None and place > self.bound:
            self._due.pop((key, name), None)
            return
        self._due[(key, name)] = due
        heapq.heappush(self._heap, place)
        if len(self._heap) > 4 * self.size:
            self._shrink()

    def disarm(self, key: str, name: str) -> None:
        """Forget a wait."""
        self._due.pop((key, name), None)

    def first(self) -> tuple[int, str, str] | None:
        """The earliest wait in the window, or None when the window is empty."""
        heap, due = self._heap, self._due
        while heap:
            top = heap[0]
            if due.get((top[1], top[2])) == top[0]:
                return top
            heapq.heappop(heap)
        return None

    def _shrink(self) -> None:
        live = sorted((due, key, name) for (key, name), due in self._due.items())
        if len(live) > 2 * self.size:
            live = live[: self.size]
            self.bound = live[-1]
            self._due = {(key, name): due for due, key, name in live}
        self._heap = live
