"""Merges changed rows of keys into the database: into packs, or one by one where a key is wide.

A key's rows stand together in `packs`, as a blob, with the changes of later generations as further layers
on top; when there are many layers they become one. A key with many rows is wide: its pack is a mark, its rows
stand one by one in `rows`, so that it need not be written as a whole. Layers are numbered upwards as time
goes on.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.kernel.contract import WAITS
from streams.stores.sqlite_cache import CachedKey, Pool
from streams.stores.sqlite_db import Database
from streams.stores.sqlite_disk import WIDE, unpacked
from streams.stores.sqlite_journal import Place, Rows

_encode = msgspec.msgpack.Encoder().encode

_DROP = "DELETE FROM packs WHERE part = ? AND key = ? AND layer < ?"
_PACK = "INSERT OR REPLACE INTO packs VALUES (?, ?, ?, ?)"
_ROW = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM rows WHERE part = ? AND key = ? AND bucket = ? AND name = ?"
_ARM = "INSERT OR IGNORE INTO dues VALUES (?, ?, ?, ?)"
_DISARM = "DELETE FROM dues WHERE part = ? AND due = ? AND key = ? AND name = ?"


class Merge:
    """Collects what is to be written for keys of one part; `write` writes it. layer: of this generation."""

    def __init__(self, database: Database, part: int, pool: Pool, layer: int) -> None:
        self._db = database
        self._part = part
        self._pool = pool
        self._layer = layer
        self._drops: list[tuple[int, str, int]] = []
        self._packs: list[tuple[int, str, int, bytes]] = []
        self._rows: list[tuple[int, str, str, str, bytes]] = []
        self._deletes: list[tuple[int, str, str, str]] = []
        self._new: list[tuple[int, int, str, str]] = []
        self._gone: list[tuple[int, int, str, str]] = []

    def key(
        self,
        key: str,
        rows: Rows,
        moved: dict[Place, set[int]],
        shape: tuple[int, bool],
        cached: CachedKey | None,
    ) -> None:
        """Take the changed rows of a key.

        moved: as in `Changes`, used up. shape: (layers, wide) in the database. cached: what is in memory.
        """
        if WAITS in rows:
            self._dues(key, rows[WAITS], moved)
        layers, wide = shape
        if wide:
            self._one_by_one(key, rows)
        elif layers == 0:
            layers = self._first(key, without_deleted(rows), cached)
        elif layers < self._pool.layers or cached is None:
            self._packs.append((self._part, key, self._layer, _encode(rows)))
            layers += 1
        else:
            self._drops.append((self._part, key, self._layer + 1))
            layers = self._first(key, _encoded(cached), cached)
        if cached is not None:
            cached.layers = layers

    def write(self) -> None:
        """Write what was collected to the open transaction."""
        for sql, values in (
            (_DROP, self._drops),
            (_PACK, self._packs),
            (_ROW, self._rows),
            (_DELETE, self._deletes),
            (_DISARM, self._gone),
            (_ARM, self._new),
        ):
            if values:
                self._db.write(sql, values)

    def _first(self, key: str, rows: Rows, cached: CachedKey | None) -> int:
        """Write all rows of a key that has no layers, or none that are kept; the number of its layers."""
        count = sum(map(len, rows.values()))
        if count > self._pool.spill:
            self._packs.append((self._part, key, WIDE, b""))
            self._drops.append((self._part, key, self._layer + 1))
            self._one_by_one(key, rows)
            if cached is not None:
                cached.wide = True
            return 0
        if count:
            self._packs.append((self._part, key, self._layer, _encode(rows)))
        return 1 if count else 0

    def _one_by_one(self, key: str, rows: Rows) -> None:
        part = self._part
        for bucket, names in rows.items():
            for name, value in names.items():
                if value is None:
                    self._deletes.append((part, key, bucket, name))
                else:
                    data = value if value.__class__ is bytes else _encode(value)
                    self._rows.append((part, key, bucket, name, data))

    def _dues(self, key: str, waits: dict[str, Any], moved: dict[Place, set[int]]) -> None:
        part = self._part
        for name, wait in waits.items():
            due = None if wait is None else wait[0]
            self._gone += [(part, old, key, name) for old in moved.pop((key, name), ()) if old != due]
            if due is not None:
                self._new.append((part, due, key, name))


def without_deleted(rows: Rows) -> Rows:
    """The rows that are there."""
    if not any(None in names.values() for names in rows.values()):
        return rows
    kept = {b: {n: v for n, v in names.items() if v is not None} for b, names in rows.items()}
    return {bucket: names for bucket, names in kept.items() if names}


def _encoded(cached: CachedKey) -> Rows:
    """All rows of a key that is whole in memory."""
    found: Rows = {
        bucket: {n: v if v.__class__ is bytes else _encode(v) for n, v in names.rows.items()}
        for bucket, names in cached.buckets.items()
        if names.rows
    }
    for bucket, layers in cached.packed.items():
        if rows := unpacked(layers):
            found[bucket] = rows
    if cached.waits.armed:
        found[WAITS] = dict(cached.waits.armed)
    return found
