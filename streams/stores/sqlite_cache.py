"""What a SQLite store keeps in memory: rows of lately used keys, their waits, and the earliest waits.

Memory is bounded by two generations: what is used moves to the young one; when that is half of the capacity,
the old one is dropped. Rows stay encoded until they are read. Nothing here talks to the database.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

WINDOW = 4096
"""Earliest waits of a partition kept in memory."""

WaitRows = list[tuple[int, str, str]]
"""(due, key, name) in that order."""


class Bucket:
    """Rows of one bucket.

    `None` is a name known to be absent; complete: names not in `rows` are absent too.
    """

    __slots__ = ("complete", "ordered", "rows")

    def __init__(self, rows: dict[str, Any], *, complete: bool) -> None:
        self.rows = rows
        self.complete = complete
        self.ordered = True

    def put(self, name: str, value: Any | None) -> int:
        """Set or (None) delete a row; returns by how many the number of kept rows grew."""
        rows = self.rows
        if value is None and self.complete:
            return 0 if rows.pop(name, None) is None else -1
        if name in rows:
            rows[name] = value
            return 0
        if self.ordered and rows and next(reversed(rows)) > name:
            self.ordered = False
        rows[name] = value
        return 1

    def sort(self) -> None:
        """Bring the rows in name order."""
        if not self.ordered:
            self.rows = dict(sorted(self.rows.items()))
            self.ordered = True


class KeyWaits:
    """All armed waits of one key: name -> (due, floor)."""

    __slots__ = ("_heap", "armed")

    def __init__(self, armed: dict[str, tuple[int, int]]) -> None:
        self.armed = armed
        self._heap = [(due, name) for name, (due, _) in armed.items()]
        heapq.heapify(self._heap)

    def arm(self, name: str, due: int, floor: int) -> None:
        """Arm or move."""
        self.armed[name] = (due, floor)
        heapq.heappush(self._heap, (due, name))
        if len(self._heap) > 2 * len(self.armed) + 16:
            self._heap = [(due, name) for name, (due, _) in self.armed.items()]
            heapq.heapify(self._heap)

    def first(self) -> tuple[int, str] | None:
        """(due, name) of the earliest, or None.

        Entries of moved and disarmed waits are dropped as they come up.
        """
        heap, armed = self._heap, self.armed
        while heap:
            top = heap[0]
            found = armed.get(top[1])
            if found is not None and found[0] == top[0]:
                return top
            heapq.heappop(heap)
        return None


class CachedKey:
    """What is known of one key.

    A bucket not in `buckets` is absent if the key is `whole` or it sorts before `upto`.
    """

    __slots__ = ("buckets", "misses", "old", "upto", "waits", "whole")

    def __init__(self, buckets: dict[str, Bucket], waits: KeyWaits, *, whole: bool, upto: str) -> None:
        self.buckets = buckets
        self.old: dict[str, Bucket] = {}
        self.misses = 0
        self.waits = waits
        self.whole = whole
        self.upto = upto

    def size(self) -> int:
        """Number of rows and waits kept."""
        return 1 + len(self.waits.armed) + sum(len(b.rows) for b in self.buckets.values())

    def age(self, large: int) -> None:
        """A key with more than `large` rows forgets the buckets that nobody used for a generation."""
        if not self.whole or self.size() > large:
            self.old, self.buckets = self.buckets, {}
            self.whole, self.upto = False, ""
            self.misses = 0


@dataclass(slots=True)
class Pool:
    """The memory that all stores of a workspace share, counted in rows; `used` are in the young generation.

    whole: a key of up to so many rows and waits is loaded at once; a larger one after `patience` single
    reads, if it has no more than `huge` rows. large: a key with more rows is kept bucket by bucket when it
    gets old. window: earliest waits of a partition that are kept.
    """

    capacity: int = 200_000
    whole: int = 64
    patience: int = 32
    huge: int = 100_000
    large: int = 4096
    window: int = WINDOW
    used: int = 0
    stores: list[Any] = field(default_factory=list)

    def trim(self) -> None:
        """Drop what was not used lately, if need be; call when nothing is unflushed."""
        if self.used > self.capacity // 2:
            self.used = 0
            for store in self.stores:
                store.rotate()


class DueWindow:
    """The earliest waits of a partition: every armed wait up to `bound` is here; bound None: all are."""

    __slots__ = ("_due", "_heap", "bound", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._heap: WaitRows = []
        self._due: dict[tuple[str, str], int] = {}
        self.bound: tuple[int, str, str] | None = (-(2**63), "", "")

    def fill(self, rows: WaitRows, *, everything: bool) -> None:
        """Start anew with the earliest waits in order."""
        self._heap = rows
        self._due = {(key, name): due for due, key, name in rows}
        self.bound = None if everything else rows[-1]

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
