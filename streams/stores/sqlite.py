"""A partition's rows and due index in SQLite: the store of the embedded runtime.

Changes stay in memory until `flush`, which the runtime calls in the one transaction of a batch; reads see
them at once. After a failed batch the store is thrown away and a new one opened. It must not begin or commit
a batch by itself: `flush` takes the write lock, `Database.commit` is the runtime's.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.kernel.contract import SHARED, WAITS, Step
from streams.stores.sqlite_cache import PACKED_ROW, Aged, Bucket, CachedKey, KeyWaits, Pool
from streams.stores.sqlite_db import Database, Row
from streams.stores.sqlite_disk import WIDE, Disk, unpacked
from streams.stores.sqlite_due import DueWindow
from streams.stores.sqlite_journal import Pending, Rows
from streams.stores.sqlite_merge import Merge
from streams.stores.sqlite_wide import Wide

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class SqliteStore:
    """Implements `streams.kernel.contract.Store`. Values must be JSON-able; a tuple comes back as a list.

    part: number of this (machine, partition) in the file. pool: memory shared with the other stores.
    """

    def __init__(self, database: Database, part: int, pool: Pool) -> None:
        self._db = database
        self.part = part
        self._pool = pool
        pool.stores.append(self)
        self._keys: dict[str, CachedKey] = {}
        self.aged = Aged()
        self.pending = Pending()
        self._disk = Disk(database, part, self.pending)
        self._wide = Wide(self._disk, pool)
        self._journal = pool.journal(database)
        self._journal.join(self)
        self._order: list[str] | None = None
        self._asked = False
        self._window = DueWindow(pool.window)
        self.armed = 0
        """Waits armed less waits disarmed since this store was opened."""
        self.checking = False
        """Encode at once what is emitted: the step that cannot be stored raises, not the batch. Slower."""

    # -- rows ------------------------------------------------------------------------------------------------

    def get(self, key: str, bucket: str, name: str) -> Any | None:
        cached = self._keys.get(key) or self._key(key)
        found = cached.buckets.get(bucket)
        if found is None:
            if cached.whole and bucket not in cached.packed:
                return None
            found = self._wide.bucket(cached, key, bucket)
        rows = found.rows
        value = rows.get(name)
        if value.__class__ is bytes:
            value = rows[name] = _decode(value)
        elif value is None and not found.complete and name not in rows:
            return self._wide.row(cached, key, bucket, name)
        return value

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        cached = self._keys.get(key) or self._key(key)
        found = cached.buckets.get(bucket)
        if found is None:
            if cached.whole and bucket not in cached.packed:
                return iter(())
            found = self._wide.bucket(cached, key, bucket)
        if not found.complete:
            self._wide.complete(cached, key, bucket)
        found.sort()
        rows = found.rows
        for name, value in rows.items():
            if value.__class__ is bytes:
                rows[name] = _decode(value)
        return iter(list(rows.items()))

    def scan_key(self, key: str, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        cached = self._keys.get(key) or self._key(key)
        place = after or (WAITS, "")
        if not cached.whole:
            found = self._disk.page(key, place, limit)
            return [(bucket, name, _decode(value)) for bucket, name, value in found]
        cached.unpack_all()
        places = sorted(
            (bucket, name)
            for bucket, names in cached.buckets.items()
            for name in names.rows
            if (bucket, name) > place
        )
        return [(bucket, name, self.get(key, bucket, name)) for bucket, name in places[:limit]]

    def next_key(self, after: str | None) -> str | None:
        key = SHARED if after is None else after
        while True:
            found = self._next_known(key)
            if found is None or self._has_rows(found):
                return found
            key = found

    def expect(self, keys: Iterable[str]) -> None:
        """Load keys that will soon be asked for, some with each statement; others are loaded one by one."""
        wanted = sorted({key for key in keys if key not in self._keys and key not in self.aged.keys})
        for key, layers in self._disk.layers_of_many(wanted).items():
            cached = self._keys[key] = self._made(key, layers)
            self._pool.used += cached.size()

    def walk(self) -> Iterator[tuple[str, str, str, Any]]:
        key: str | None = SHARED
        while key is not None:
            armed = (self._keys.get(key) or self._key(key)).waits.armed.items()
            yield from ((key, WAITS, name, [due, floor]) for name, (due, floor) in sorted(armed))
            after = None
            while page := self.scan_key(key, after, self._pool.huge):
                yield from ((key, *row) for row in page)
                after = page[-1][:2]
            self._pool.trim()
            key = self._next_known(key)

    # -- waits -----------------------------------------------------------------------------------------------

    def waits_of(self, key: str) -> list[tuple[str, int]]:
        armed = (self._keys.get(key) or self._key(key)).waits.armed
        return sorted(((name, wait[0]) for name, wait in armed.items()), key=lambda wait: (wait[1], wait[0]))

    def key_due(self, key: str) -> int | None:
        waits = (self._keys.get(key) or self._key(key)).waits
        if not waits.armed:
            return None
        first = waits.first()
        return None if first is None else first[0]

    def key_first(self, key: str) -> tuple[int, str] | None:
        return (self._keys.get(key) or self._key(key)).waits.first()

    def next_due(self) -> tuple[int, str, str] | None:
        first = self._window.first()
        while first is None and self._window.bound is not None:
            self._window.fill(*self._disk.dues(self._window.bound, self._window.size))
            first = self._window.first()
        return first

    def pop_wait(self, due: int, key: str, name: str) -> int:
        floor = (self._keys.get(key) or self._key(key)).waits.armed[name][1]
        self._arm(key, name, None, 0)
        return floor

    # -- writing ---------------------------------------------------------------------------------------------

    def apply(self, step: Step, floor: int) -> None:
        if self.checking:
            _encode([(emit.topic, emit.key, emit.kind, emit.value) for emit in step.emits])
        if step.rows:
            self.put(step.rows, [None if v is None else _encode(v) for v in step.rows.values()])
        for (key, name), due in step.waits.items():
            self._arm(key, name, due, floor)

    def put(self, rows: dict[tuple[str, str, str], Any], written: Sequence[bytes | None]) -> None:
        """Write rows. written: their values, packed; None deletes."""
        fresh = self.pending.fresh.keys
        used = 0
        last: str | None = None
        for ((key, bucket, name), value), data in zip(rows.items(), written, strict=True):
            if key is not last:
                last, cached = key, self._keys.get(key) or self._key(key)
                changed = fresh.get(key) or self._touched(key)
            found = cached.buckets.get(bucket)
            if found is None:
                found = self._wide.bucket(cached, key, bucket)
            if data is None:
                used += found.delete(name)
            else:
                known = found.rows
                if name in known:
                    known[name] = value
                else:
                    found.ordered = found.ordered and (not known or next(reversed(known)) < name)
                    known[name] = data  # most rows are never read again
                    used += 1
            names = changed.get(bucket)
            if names is None:
                changed[bucket] = {name: data}
            else:
                names[name] = data
        self._pool.used += used

    def flush(self) -> None:
        """Write all changes of all stores of the pool, in the open transaction (begun if need be)."""
        self._journal.write()

    def shift(self) -> None:
        """The batch in hand is written."""
        self.pending.shift()
        if not self._asked:
            self._order = None
        self._asked = False

    def merge(self, keys: list[str], layer: int) -> None:
        """Write what the ageing generation has of `keys` to packs, rows and dues, and forget it."""
        merge = Merge(self._db, self.part, self._pool, layer)
        aging = self.pending.aging
        for key in keys:
            cached = self._keys.get(key) or self.aged.keys.get(key)
            shape = self._disk.shape(key) if cached is None else (cached.layers, cached.wide)
            if cached is None and shape[0] >= self._pool.layers:
                cached = self._key(key)
            merge.key(key, aging.keys.pop(key), aging.moved, shape, cached)
        merge.write()

    def rotate(self) -> None:
        """All keys have aged, but the shared one. Nothing may be unflushed, no key still be aged."""
        shared = self._keys.pop(SHARED, None)
        self.aged, self._keys = Aged(self._keys), {}
        if shared is not None:
            self._keys[SHARED] = shared
            self._pool.used += shared.size()

    # -- inside ----------------------------------------------------------------------------------------------

    def _key(self, key: str) -> CachedKey:
        cached = self.aged.keys.pop(key, None)
        if cached is None:
            cached = self._made(key, self._disk.layers(key))
        else:
            self._pool.aged -= cached.size()
            cached.age(self._pool.large)
        self._keys[key] = cached
        self._pool.used += cached.size()
        return cached

    def _made(self, key: str, layers: Sequence[Row]) -> CachedKey:
        """What memory keeps of a key with these layers in the database."""
        if not layers and not self.pending.has(key):
            return CachedKey({}, KeyWaits({}), 0)
        wide = bool(layers) and layers[0][0] == WIDE
        if wide:
            waits = self._disk.bucket(key, WAITS, -1)[0]
            return CachedKey({}, KeyWaits.of(waits), 0, wide=True, whole=False)
        packed, rows = self._disk.opened(key, layers)
        waits = rows.pop(WAITS, {}) or unpacked(packed.pop(WAITS, []))
        buckets = {bucket: Bucket(names, complete=True, ordered=False) for bucket, names in rows.items()}
        weight = sum(len(value) for _, value in layers) // PACKED_ROW
        return CachedKey(buckets, KeyWaits.of(waits), len(layers), packed=packed, weight=weight)

    def _next_known(self, after: str) -> str | None:
        """The next key that has changes in memory or something in the database; perhaps no rows any more."""
        if self._order is None:
            changes = (self.pending.aging, self.pending.young, self.pending.fresh)
            self._order = sorted(set().union(*(one.keys for one in changes)))
        self._asked = True
        order = self._order
        index = bisect.bisect_right(order, after)
        found = self._disk.next_key(after)
        return min([*order[index : index + 1], *([] if found is None else [found])], default=None)

    def _has_rows(self, key: str) -> bool:
        cached = self._keys.get(key) or self._key(key)
        if cached.whole:
            cached.unpack_all()
            return any(found.rows for found in cached.buckets.values())
        return bool(self._disk.page(key, (WAITS, ""), 1))

    def _touched(self, key: str) -> Rows:
        """Where the changes of a key go that the batch in hand has not changed yet."""
        made: Rows = {}
        self.pending.fresh.keys[key] = made
        if self._order is not None:
            index = bisect.bisect_left(self._order, key)
            if self._order[index : index + 1] != [key]:
                self._order.insert(index, key)
        return made

    def _arm(self, key: str, name: str, due: int | None, floor: int) -> None:
        waits = (self._keys.get(key) or self._key(key)).waits
        old = waits.armed.get(name)
        if due is None and old is None:
            return
        self.armed += (due is not None) - (old is not None)
        fresh = self.pending.fresh
        if (key, name) not in fresh.moved:
            fresh.moved[(key, name)] = set() if old is None else {old[0]}
        changed = fresh.keys.get(key) or self._touched(key)
        if due is None:
            waits.disarm(name)
            self._window.disarm(key, name)
        else:
            waits.arm(name, due, floor)
            self._window.arm(due, key, name)
        changed.setdefault(WAITS, {})[name] = None if due is None else (due, floor)
