"""The held records of a partition: rows of their keys in the order of `at`, and which of them are next. Pure.

Two reasons to hold a record: its key has a wait that goes first, or it is late (`Record.late`) and a slower
feed may still send what is older. The first ends when the wait has fired, the second when the clock has come
to its `at`. It must not decide when to look, nor call a machine.
"""

from __future__ import annotations

import heapq
from bisect import insort
from typing import Any, Final

from streams.kernel.contract import SHARED, Record, Step, Store
from streams.kernel.outcome import NEVER

HELD, HELD_KEYS = "h", "held"

EARLIEST: Final = 1 << 62
"""Added to an `at` (us), so that digits order as numbers do, those before 1970 included."""

LATE_KEPT: Final = 100_000
"""Late records that a partition holds, some 100 MB on disk; for one more the oldest goes in any case."""


class Held:
    """`put`, `first`, `look`, `take`. kept: so many late records are held at most. passed: those up to that
    `at` (us) are not held any more, since there were too many.

    In memory are the names of the rows (at, number), not the records.
    """

    def __init__(self, store: Store, passed: int, kept: int = LATE_KEPT) -> None:
        self._store, self._kept = store, kept
        self.passed = passed
        self._names: dict[str, list[str]] = {}
        self._late: list[tuple[int, str]] = []
        """Heap of (at, key) of late records; some of them may have gone."""
        for key, _ in list(store.scan(SHARED, HELD_KEYS)):
            rows = list(store.scan(key, HELD))
            self._names[key] = [name for name, _ in rows]
            self._late += [(row[3], key) for _, row in rows if _is_late(row)]
        heapq.heapify(self._late)

    def __contains__(self, key: str) -> bool:
        return key in self._names

    def __len__(self) -> int:
        """Number of keys with held records."""
        return len(self._names)

    def first(self, key: str) -> int:
        """`at` (us) of the first of the key's records; NEVER when it has none."""
        names = self._names.get(key)
        return int(names[0][:19]) - EARLIEST if names else NEVER

    def look(self, key: str) -> Record:
        """The first of the key's records."""
        row: list[Any] = self._store.get(key, HELD, self._names[key][0]) or []
        return Record(row[0], key, *row[1:])

    def put(self, record: Record) -> None:
        """Hold a record: behind those of its key that are not younger. Late ones of one instant come by
        number and feed, so that it does not matter which feed was faster.
        """
        key = record.key
        count: int = self._store.get(SHARED, HELD_KEYS, key) or 0
        row = [record.topic, record.kind, record.value, record.at, record.feed, record.n]
        place = f"{record.at + EARLIEST:019d}"
        if record.late:
            row.append(True)
            place += f"|{record.n:012d}|{record.feed:06d}"
            heapq.heappush(self._late, (record.at, key))
        name = f"{place}|{count:012d}"
        self._store.apply(Step(rows={(key, HELD, name): row, (SHARED, HELD_KEYS, key): count + 1}), 0)
        insort(self._names.setdefault(key, []), name)
        if len(self._late) > self._kept:
            self.passed = max(self.passed, self._late[0][0])

    def take(self, key: str) -> None:
        """The first of the key's records is held no longer."""
        names = self._names[key]
        step = Step(rows={(key, HELD, names.pop(0)): None})
        if not names:
            del self._names[key]
            step.rows[(SHARED, HELD_KEYS, key)] = None
        self._store.apply(step, 0)

    # -- late records -------------------------------------------------------------------------------------

    def next_late(self) -> int:
        """Clock (us) at which the next late record goes; -1: at once, NEVER: there is none."""
        if not self._late:
            return NEVER
        at = self._late[0][0]
        return -1 if at <= self.passed else at

    def pop_late(self) -> str:
        """The key of the next late record, which is looked at now."""
        return heapq.heappop(self._late)[1]

    def look_again(self, key: str) -> None:
        """Not all late records of the key could go at once."""
        heapq.heappush(self._late, (self.first(key), key))


def _is_late(row: list[object]) -> bool:
    return len(row) > 6
