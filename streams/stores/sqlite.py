"""A partition's rows and due index in SQLite: the store of the embedded runtime.

Changes stay in memory until `flush`, which the runtime calls in the one transaction of a batch; reads see
them at once. After a failed batch the store is thrown away and a new one opened. It must not begin or commit
a batch by itself: `flush` takes the write lock, `Database.commit` is the runtime's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from streams.kernel.contract import SHARED, Step
from streams.stores.sqlite_cache import Bucket, CachedKey, DueWindow, KeyWaits, Pool
from streams.stores.sqlite_db import Database

WAITS = ""
"""The bucket of the waits: name -> [due, floor]. It sorts before all buckets of machines."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_wait = msgspec.msgpack.Decoder(tuple[int, int]).decode

_LOAD = "SELECT bucket, name, value FROM rows WHERE part = ? AND key = ? LIMIT ?"
_BUCKET = "SELECT name, value FROM rows WHERE part = ? AND key = ? AND bucket = ? LIMIT ?"
_ROW = "SELECT value FROM rows WHERE part = ? AND key = ? AND bucket = ? AND name = ?"
_AFTER = (
    "SELECT bucket, name, value FROM rows WHERE part = ? AND key = ? AND (bucket, name) > (?, ?)"
    " AND bucket > '' LIMIT ?"
)
_NEXT_KEY = "SELECT key FROM rows WHERE part = ? AND key > ? AND bucket > '' LIMIT 1"
_DUES = "SELECT due, key, name FROM dues WHERE part = ? LIMIT ?"
_UPSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM rows WHERE part = ? AND key = ? AND bucket = ? AND name = ?"
_ARM = "INSERT INTO dues VALUES (?, ?, ?, ?)"
_DISARM = "DELETE FROM dues WHERE part = ? AND due = ? AND key = ? AND name = ?"


class SqliteStore:
    """Implements `streams.kernel.contract.Store`. Values must be JSON-able; a tuple comes back as a list.

    part: number of this (machine, partition) in the file. pool: memory shared with the other stores.
    """

    def __init__(self, database: Database, part: int, pool: Pool) -> None:
        self._db = database
        self._part = part
        self._pool = pool
        pool.stores.append(self)
        self._keys: dict[str, CachedKey] = {}
        self._old: dict[str, CachedKey] = {}
        self._dirty: dict[tuple[str, str, str], Any] = {}
        self._moved: dict[tuple[str, str], int | None] = {}
        self._window = DueWindow(pool.window)
        self.armed = 0
        """Waits armed less waits disarmed since this store was opened."""
        self.checking = False
        """Encode at once what is applied: the step that cannot be stored raises, not the batch. Slower."""

    # -- rows ------------------------------------------------------------------------------------------------

    def get(self, key: str, bucket: str, name: str) -> Any | None:
        cached = self._keys.get(key) or self._key(key)
        found = cached.buckets.get(bucket)
        if found is None:
            if cached.whole:
                return None
            found = self._bucket(cached, key, bucket)
        rows = found.rows
        value = rows.get(name)
        if value.__class__ is bytes:
            value = rows[name] = _decode(value)
        elif value is None and not found.complete and name not in rows:
            return self._row(cached, key, bucket, name)
        return value

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        cached = self._keys.get(key) or self._key(key)
        found = cached.buckets.get(bucket)
        if found is None:
            if cached.whole:
                return iter(())
            found = self._bucket(cached, key, bucket)
        if not found.complete:
            self._settle(cached, bucket, dict(self._rows_of(key, bucket, -1)))
        found.sort()
        rows = found.rows
        for name, value in rows.items():
            if value.__class__ is bytes:
                rows[name] = _decode(value)
        return iter(list(rows.items()))

    def scan_key(self, key: str, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        self.flush()
        bucket, name = (WAITS, "") if after is None else after
        found = self._db.rows(_AFTER, (self._part, key, bucket, name, limit))
        return [(bucket, name, _decode(value)) for bucket, name, value in found]

    def next_key(self, after: str | None) -> str | None:
        self.flush()
        found = self._db.row(_NEXT_KEY, (self._part, SHARED if after is None else after))
        return None if found is None else str(found[0])

    # -- waits -----------------------------------------------------------------------------------------------

    def waits_of(self, key: str) -> list[tuple[str, int]]:
        armed = (self._keys.get(key) or self._key(key)).waits.armed
        return sorted(((name, due) for name, (due, _) in armed.items()), key=lambda wait: (wait[1], wait[0]))

    def key_due(self, key: str) -> int | None:
        first = self.key_first(key)
        return None if first is None else first[0]

    def key_first(self, key: str) -> tuple[int, str] | None:
        return (self._keys.get(key) or self._key(key)).waits.first()

    def next_due(self) -> tuple[int, str, str] | None:
        first = self._window.first()
        while first is None and self._window.bound is not None:
            self.flush()
            size = self._window.size
            rows = self._db.rows(_DUES, (self._part, size))
            self._window.fill(rows, everything=len(rows) < size)
            first = self._window.first()
        return first

    def pop_wait(self, due: int, key: str, name: str) -> int:
        waits = (self._keys.get(key) or self._key(key)).waits
        _, floor = waits.armed[name]
        self._arm(key, name, None, 0)
        return floor

    # -- writing ---------------------------------------------------------------------------------------------

    def apply(self, step: Step, floor: int) -> None:
        if self.checking:
            _encode([list(step.rows.items()), [(e.topic, e.key, e.kind, e.value) for e in step.emits]])
        dirty, pool = self._dirty, self._pool
        for address, value in step.rows.items():
            key, bucket, name = address
            cached = self._keys.get(key) or self._key(key)
            found = cached.buckets.get(bucket)
            if found is None:
                found = self._bucket(cached, key, bucket)
            pool.used += found.put(name, value)
            dirty[address] = value
        for (key, name), due in step.waits.items():
            self._arm(key, name, due, floor)

    def flush(self) -> None:
        """Write all changes to the database, in its open transaction (begun if need be)."""
        if self._dirty or self._moved:
            self._db.begin()
            self._flush_rows()
            self._flush_dues()

    def rotate(self) -> None:
        """Forget the keys not used for a generation; shared rows stay. Nothing may be unflushed."""
        shared = self._keys.pop(SHARED, None) or self._old.get(SHARED)
        self._old, self._keys = self._keys, {}
        if shared is not None:
            self._keys[SHARED] = shared
            self._pool.used += shared.size()

    # -- inside ----------------------------------------------------------------------------------------------

    def _key(self, key: str) -> CachedKey:
        cached = self._old.pop(key, None)
        if cached is None:
            cached = self._load(key)
        else:
            cached.age(self._pool.large)
        self._keys[key] = cached
        self._pool.used += cached.size()
        return cached

    def _load(self, key: str) -> CachedKey:
        limit = self._pool.whole + 1
        found = self._db.rows(_LOAD, (self._part, key, limit))
        whole = len(found) < limit
        upto = "" if whole else found[-1][0]
        buckets: dict[str, Bucket] = {}
        for bucket, name, value in found:
            if bucket in buckets:
                buckets[bucket].rows[name] = value
            elif whole or bucket < upto:
                buckets[bucket] = Bucket({name: value}, complete=True)
        if upto == WAITS and not whole:
            waits = dict(self._rows_of(key, WAITS, -1))
        else:
            waits = buckets.pop(WAITS, Bucket({}, complete=True)).rows
        armed = {name: _decode_wait(value) for name, value in waits.items()}
        return CachedKey(buckets, KeyWaits(armed), whole=whole, upto=upto)

    def _rows_of(self, key: str, bucket: str, limit: int) -> list[tuple[str, bytes]]:
        return self._db.rows(_BUCKET, (self._part, key, bucket, limit))

    def _bucket(self, cached: CachedKey, key: str, bucket: str) -> Bucket:
        """The bucket of a key that does not have it in memory; an empty one if there are no rows."""
        found = cached.old.pop(bucket, None)
        if found is None and not cached.whole and bucket >= cached.upto:
            self._miss(cached, key)
            found = cached.buckets.get(bucket)
            if found is None and not cached.whole:
                limit = -1 if key == SHARED else self._pool.whole
                rows = dict(self._rows_of(key, bucket, limit))
                found = Bucket(rows, complete=limit < 0 or len(rows) < limit)
        if found is None:
            found = Bucket({}, complete=True)
        cached.buckets[bucket] = found
        self._pool.used += len(found.rows)
        return found

    def _row(self, cached: CachedKey, key: str, bucket: str, name: str) -> Any | None:
        """A row of an incomplete bucket that is not in memory."""
        self._miss(cached, key)
        found = cached.buckets[bucket]
        value = found.rows.get(name)
        if not found.complete:
            row = self._db.row(_ROW, (self._part, key, bucket, name))
            value = None if row is None else row[0]
        if value.__class__ is bytes:
            value = _decode(value)
        if value is not None or not found.complete:
            self._pool.used += found.put(name, value)
        return value

    def _miss(self, cached: CachedKey, key: str) -> None:
        """Count a read that memory could not answer; a key with many is loaded whole if it is not huge."""
        cached.misses += 1
        if cached.misses != self._pool.patience or key == SHARED:
            return
        rows = self._db.rows(_LOAD, (self._part, key, self._pool.huge + 1))
        if len(rows) > self._pool.huge:
            return
        loaded: dict[str, dict[str, Any]] = {bucket: {} for bucket in cached.buckets}
        for bucket, name, value in rows:
            loaded.setdefault(bucket, {})[name] = value
        loaded.pop(WAITS, None)
        for bucket, names in loaded.items():
            self._settle(cached, bucket, names)
        cached.whole, cached.old = True, {}

    def _settle(self, cached: CachedKey, bucket: str, rows: dict[str, Any]) -> None:
        """Make a bucket complete with its rows from the database; rows in memory win, they may be newer."""
        found = cached.buckets.setdefault(bucket, Bucket({}, complete=False))
        if not found.complete:
            before = len(found.rows)
            rows.update(found.rows)
            found.rows = {name: value for name, value in rows.items() if value is not None}
            found.complete, found.ordered = True, False
            self._pool.used += len(found.rows) - before

    def _arm(self, key: str, name: str, due: int | None, floor: int) -> None:
        waits = (self._keys.get(key) or self._key(key)).waits
        old = waits.armed.get(name)
        if due is None and old is None:
            return
        self.armed += (due is not None) - (old is not None)
        self._moved.setdefault((key, name), None if old is None else old[0])
        if due is None:
            del waits.armed[name]
            self._window.disarm(key, name)
            self._dirty[(key, WAITS, name)] = None
        else:
            waits.arm(name, due, floor)
            self._window.arm(due, key, name)
            self._dirty[(key, WAITS, name)] = (due, floor)

    def _flush_rows(self) -> None:
        part = self._part
        puts: list[tuple[int, str, str, str, bytes]] = []
        deletes: list[tuple[int, str, str, str]] = []
        for address in sorted(self._dirty):
            value = self._dirty[address]
            if value is None:
                deletes.append((part, *address))
            else:
                puts.append((part, *address, _encode(value)))
        self._db.write(_UPSERT, puts)
        self._db.write(_DELETE, deletes)
        self._dirty = {}

    def _flush_dues(self) -> None:
        part = self._part
        gone: list[tuple[int, int, str, str]] = []
        new: list[tuple[int, int, str, str]] = []
        for (key, name), old in self._moved.items():
            armed = (self._keys.get(key) or self._key(key)).waits.armed.get(name)
            due = None if armed is None else armed[0]
            if due != old:
                if old is not None:
                    gone.append((part, old, key, name))
                if due is not None:
                    new.append((part, due, key, name))
        self._db.write(_DISARM, sorted(gone))
        self._db.write(_ARM, sorted(new))
        self._moved = {}
