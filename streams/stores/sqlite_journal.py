"""What changed and is not merged into packs, rows and dues yet: in memory, and in the table `changes`.

Every batch appends its changes there as one blob. When they have grown, they become the ageing generation,
which later batches merge key by key; the table forgets it with its last key. A new process reads the table
and goes on: merging the same changes twice does no harm, for they are merged in their order.

Nothing here decides how a key stands in the database, nor begins or commits a transaction by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from streams.stores.sqlite_db import Database

Rows = dict[str, dict[str, Any]]
"""bucket -> name -> encoded value; None deletes. The bucket "" has waits: (due, floor)."""

Place = tuple[str, str]
"""(key, name) of a wait."""

Written = tuple[int, dict[str, Rows], list[tuple[str, str, int | None]]]
"""(part, key -> rows, moved waits with the due of before) as it stands in `changes`."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Written]).decode

_READ = "SELECT id, data FROM changes ORDER BY id"
_APPEND = "INSERT INTO changes (data) VALUES (?)"
_FORGET = "DELETE FROM changes WHERE id <= ?"

MERGES = 2
"""How much faster the ageing generation is merged than the young one grows."""


class Changes:
    """Changed rows by key. moved: waits, and the dues under which the index may have them."""

    __slots__ = ("keys", "moved")

    def __init__(self) -> None:
        self.keys: dict[str, Rows] = {}
        self.moved: dict[Place, set[int]] = {}

    def add(self, later: Changes) -> None:
        """Take what changed later; the rows of `later` are not to be used any more."""
        mine = self.keys
        for key, rows in later.keys.items():
            known = mine.setdefault(key, rows)
            if known is not rows:
                for bucket, names in rows.items():
                    if known.setdefault(bucket, names) is not names:
                        known[bucket].update(names)
        for place, dues in later.moved.items():
            self.moved.setdefault(place, dues)

    def read(self, keys: dict[str, Rows], moved: Iterable[tuple[str, str, int | None]]) -> None:
        """Take a batch back from the table: which of its dues the index has, nobody knows any more."""
        later = Changes()
        later.keys = keys
        self.add(later)
        for key, name, due in moved:
            dues = self.moved.setdefault((key, name), set())
            if due is not None:
                dues.add(due)
            now = keys[key][""][name]
            if now is not None:
                dues.add(now[0])


class Pending:
    """One store's changes: of the batch in hand, of the young and of the ageing generation."""

    __slots__ = ("aging", "fresh", "young")

    def __init__(self) -> None:
        self.fresh, self.young, self.aging = Changes(), Changes(), Changes()

    def of(self, key: str) -> list[Rows]:
        """The changed rows of a key, oldest first."""
        generations = (self.aging.keys, self.young.keys, self.fresh.keys)
        return [rows for changed in generations if (rows := changed.get(key)) is not None]

    def has(self, key: str) -> bool:
        """Whether the key has changed rows."""
        return key in self.young.keys or key in self.aging.keys or key in self.fresh.keys

    def waits(self) -> dict[Place, tuple[int, int] | None]:
        """All waits that moved, as they are now."""
        found: dict[Place, tuple[int, int] | None] = {}
        for changes in (self.aging, self.young, self.fresh):
            for key, name in changes.moved:
                found[(key, name)] = changes.keys[key][""][name]
        return found

    def written(self, part: int) -> Written:
        """The batch in hand as it is written."""
        moved = [(key, name, next(iter(dues), None)) for (key, name), dues in self.fresh.moved.items()]
        return part, self.fresh.keys, moved

    def shift(self) -> None:
        """The batch in hand is written."""
        self.young.add(self.fresh)
        self.fresh = Changes()


class Keeper(Protocol):
    """A store, as the journal sees it."""

    part: int
    pending: Pending

    def shift(self) -> None:
        """The batch in hand is written."""
        ...

    def merge(self, keys: list[str], layer: int) -> None:
        """Write what the ageing generation has of `keys` to packs, rows and dues, and forget it."""
        ...


class Journal:
    """The table `changes`, for all stores of a workspace.

    unmerged: bytes after which a generation begins to be merged.
    """

    def __init__(self, database: Database, unmerged: int) -> None:
        self._db = database
        self._unmerged = unmerged
        self._stores: list[Keeper] = []
        self._left: list[tuple[Keeper, str]] = []
        self._aging = 0
        self._layer = 0
        self._last = 0
        self._bytes = 0
        self._found: dict[int, Changes] = {}
        for number, data in database.rows(_READ):
            self._last = number
            self._bytes += len(data)
            for part, keys, moved in _decode(data):
                self._found.setdefault(part, Changes()).read(keys, moved)

    def join(self, store: Keeper) -> None:
        """A store begins; it gets what the table has for it."""
        self._stores.append(store)
        store.pending.young = self._found.pop(store.part, store.pending.young)

    def close(self) -> None:
        """Let go of the stores."""
        self._stores.clear()
        self._left.clear()

    def write(self) -> None:
        """Write the batch in hand to the open transaction (begun if need be); merge some of what is old."""
        batch = [store.pending.written(store.part) for store in self._stores if store.pending.fresh.keys]
        if not batch:
            return
        data = _encode(batch)
        self._last = self._db.insert(_APPEND, (data,))
        for store in self._stores:
            store.shift()
        self._bytes += len(data)
        if self._left:
            self._merge(1 + MERGES * self._aging * len(data) // self._unmerged)
        elif self._bytes >= self._unmerged:
            self._begin()

    def _begin(self) -> None:
        """The young generation is the ageing one now."""
        left: list[tuple[Keeper, str]] = []
        for store in self._stores:
            store.pending.aging, store.pending.young = store.pending.young, Changes()
            left += [(store, key) for key in sorted(store.pending.aging.keys)]
        left.reverse()
        self._left, self._aging, self._layer, self._bytes = left, len(left), self._last, 0

    def _merge(self, count: int) -> None:
        some = self._left[-count:]
        del self._left[-count:]
        for store in self._stores:
            keys = [key for owner, key in some if owner is store]
            if keys:
                store.merge(keys, self._layer)
        if not self._left:
            self._db.write(_FORGET, [(self._layer,)])
