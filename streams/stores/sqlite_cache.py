"""What a SQLite store keeps in memory: rows of lately used keys and their waits.

Memory is bounded by two generations: what is used moves to the young one. When both together are more than
the capacity, keys of the old one are dropped, and when it is empty, the young one is the old. A pack stays as
it is until one of its buckets is asked for, a row stays encoded until it is read. Nothing here talks to the
database.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.stores.sqlite_db import Database
from streams.stores.sqlite_disk import Packed, unpacked
from streams.stores.sqlite_due import WINDOW
from streams.stores.sqlite_journal import Journal

_decode = msgspec.msgpack.Decoder().decode

CAPACITY = 400_000
"""Rows kept in memory."""

FEW = 8
"""Waits of a key among which the first is looked for one by one."""

LEAST_DROP = 0.05
"""Share of the old generation that is dropped at once."""

PACKED_ROW = 400
"""Bytes of a pack that count as a row: about what a row takes that stands in memory by itself."""


class Bucket(msgspec.Struct, gc=False):
    """Rows of one bucket.

    `None` is a name known to be absent; complete: names not in `rows` are absent too.
    """

    rows: dict[str, Any]
    complete: bool
    ordered: bool = True

    def delete(self, name: str) -> int:
        """Delete a row; returns by how many the number of kept rows grew."""
        if self.complete:
            return 0 if self.rows.pop(name, None) is None else -1
        grown = name not in self.rows
        self.rows[name] = None
        self.ordered = False
        return int(grown)

    def sort(self) -> None:
        """Bring the rows in name order."""
        if not self.ordered:
            self.rows = dict(sorted(self.rows.items()))
            self.ordered = True


class KeyWaits(msgspec.Struct, gc=False):
    """All armed waits of one key: name -> (due, floor). To be changed by `arm` and `disarm` only."""

    armed: dict[str, tuple[int, int]]
    _least: tuple[int, str] | None = None
    _heap: list[tuple[int, str]] | None = None

    @classmethod
    def of(cls, rows: dict[str, Any]) -> KeyWaits:
        """The waits in rows, encoded or not."""
        waits = ((name, _decode(row) if row.__class__ is bytes else row) for name, row in rows.items())
        return cls({name: (due, floor) for name, (due, floor) in waits})

    def arm(self, name: str, due: int, floor: int) -> None:
        """Arm or move."""
        self.armed[name] = (due, floor)
        self._least = None
        if self._heap is not None:
            heapq.heappush(self._heap, (due, name))
            if len(self._heap) > 2 * len(self.armed) + 16:
                self._heap = None

    def disarm(self, name: str) -> None:
        """Forget a wait."""
        del self.armed[name]
        self._least = None

    def first(self) -> tuple[int, str] | None:
        """(due, name) of the earliest, or None."""
        if self._least is None and self.armed:
            few = len(self.armed) <= FEW
            self._least = min(self._all()) if few else self._top()
        return self._least

    def _all(self) -> list[tuple[int, str]]:
        return [(due, name) for name, (due, _) in self.armed.items()]

    def _top(self) -> tuple[int, str] | None:
        """The least of many; entries of moved and disarmed waits are dropped as they come up."""
        if self._heap is None:
            self._heap = self._all()
            heapq.heapify(self._heap)
        heap, armed = self._heap, self.armed
        while heap:
            top = heap[0]
            found = armed.get(top[1])
            if found is not None and found[0] == top[0]:
                return top
            heapq.heappop(heap)
        return None


class CachedKey(msgspec.Struct, gc=False):
    """What is known of one key.

    packed: buckets that nobody has asked for, in layers as the pack has them, the lowest first; they are
    those of the database, with no change on top. whole: a bucket neither in `buckets` nor in `packed` has no
    rows. layers: of its pack in the database; wide: its rows stand there one by one. old: buckets that were
    not used lately. misses: reads that memory could not answer. weight: of `packed`, in rows.
    """

    buckets: dict[str, Bucket]
    waits: KeyWaits
    layers: int
    wide: bool = False
    whole: bool = True
    old: dict[str, Bucket] | None = None
    misses: int = 0
    packed: Packed = {}
    weight: int = 0

    def size(self) -> int:
        """Number of rows and waits kept."""
        return 1 + self.weight + len(self.waits.armed) + sum(len(b.rows) for b in self.buckets.values())

    def unpack(self, bucket: str) -> Bucket | None:
        """Take a bucket out of `packed`; None if it is not there."""
        layers = self.packed.pop(bucket, None)
        if layers is None:
            return None
        found = self.buckets[bucket] = Bucket(unpacked(layers), complete=True, ordered=False)
        return found

    def unpack_all(self) -> None:
        """Take everything out of `packed`."""
        for bucket in list(self.packed):
            self.unpack(bucket)

    def age(self, large: int) -> None:
        """A wide key with more than `large` rows forgets the buckets that nobody used for a generation."""
        if self.wide and (not self.whole or self.size() > large):
            self.old, self.buckets = self.buckets, {}
            self.packed, self.weight = {}, 0
            self.whole = False
            self.misses = 0


class Aged:
    """The old generation of a store. keys: those not used since they aged."""

    __slots__ = ("_leaving", "keys")

    def __init__(self, keys: dict[str, CachedKey] | None = None) -> None:
        self.keys = keys or {}
        self._leaving = list(reversed(self.keys))

    def __bool__(self) -> bool:
        return bool(self._leaving)

    def drop(self, share: float) -> int:
        """Forget a share (0 to 1) of it, what aged first; returns how many rows that were."""
        kept = len(self._leaving) - math.ceil(len(self._leaving) * share)
        dropped = [self.keys.pop(key) for key in self._leaving[kept:] if key in self.keys]
        del self._leaving[kept:]
        return sum(cached.size() for cached in dropped)


@dataclass(slots=True)
class Pool:
    """The memory that all stores of a workspace share, counted in rows: `used` in the young generation, about
    `aged` in the old one.

    bucket: rows of a wide key's bucket that are loaded at once; after `patience` single reads all rows of the
    key are, if it has no more than `huge`. large: a wide key with more rows is kept bucket by bucket when it
    gets old. spill: a key with more rows becomes wide. layers: of a pack at most. window: earliest waits of a
    partition that are kept. unmerged: bytes of changes after which they begin to be merged.
    """

    capacity: int = CAPACITY
    bucket: int = 64
    patience: int = 32
    huge: int = 100_000
    large: int = 4096
    spill: int = 256
    layers: int = 8
    window: int = WINDOW
    unmerged: int = 16_000_000
    used: int = 0
    aged: int = 0
    stores: list[Any] = field(default_factory=list)
    _journal: Journal | None = None

    def journal(self, database: Database) -> Journal:
        """The one journal of all stores."""
        if self._journal is None:
            self._journal = Journal(database, self.unmerged)
        return self._journal

    def flush(self) -> None:
        """Write what the stores have changed to the open transaction (begun if need be)."""
        if self._journal is not None:
            self._journal.write()

    def close(self) -> None:
        """Let go of the stores, which hold on to the pool: no collector need come by for their memory."""
        self.stores.clear()
        if self._journal is not None:
            self._journal.close()

    def trim(self) -> None:
        """Drop what was not used lately, if need be; call when nothing is unflushed."""
        if self.used + self.aged <= self.capacity:
            return
        if not any(store.aged for store in self.stores):
            self.aged, self.used = self.used, 0
            for store in self.stores:
                store.rotate()
        excess = (self.used + self.aged - self.capacity) / max(self.aged, 1)
        share = min(1.0, max(LEAST_DROP, excess))
        self.aged -= sum(store.aged.drop(share) for store in self.stores)
