"""What the database says of a partition's keys, together with the changes that are not merged into it yet.

Values are encoded; a pack is all rows of a key, taken apart bucket by bucket when they are asked for; a wide
key's rows are read bucket by bucket or one by one.
Nothing here remembers what it has read, and nothing writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from streams.kernel.contract import WAITS
from streams.stores.sqlite_db import Database, Row
from streams.stores.sqlite_journal import Pending, Rows

WIDE = 0
"""The layer that marks a wide key."""

AT_ONCE = 64
"""Keys that are read with one statement."""

Due = tuple[int, str, str]
"""(due, key, name)"""

Packed = dict[str, list[msgspec.Raw]]
"""bucket -> its rows as they stand in the layers of a pack, the lowest first."""

_decode_pack = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_names = msgspec.msgpack.Decoder(dict[str, Any]).decode

_PACK = "SELECT layer, value FROM packs WHERE part = ? AND key = ? ORDER BY layer"
_PACKS = "SELECT key, layer, value FROM packs WHERE part = ? AND key IN (?)".replace(
    "(?)", f"({', '.join('?' * AT_ONCE)})"
)
_SHAPE = "SELECT min(layer), count(*) FROM packs WHERE part = ? AND key = ?"
_ALL = "SELECT bucket, name, value FROM rows WHERE part = ? AND key = ? LIMIT ?"
_BUCKET = "SELECT name, value FROM rows WHERE part = ? AND key = ? AND bucket = ? LIMIT ?"
_ROW = "SELECT value FROM rows WHERE part = ? AND key = ? AND bucket = ? AND name = ?"
_AFTER = (
    "SELECT bucket, name, value FROM rows WHERE part = ? AND key = ? AND (bucket, name) > (?, ?)"
    " AND bucket > '' ORDER BY bucket, name LIMIT ?"
)
_NEXT_KEY = "SELECT key FROM packs WHERE part = ? AND key > ? ORDER BY key LIMIT 1"
_DUES = (
    "SELECT due, key, name FROM dues WHERE part = ? AND (due, key, name) > (?, ?, ?)"
    " ORDER BY due, key, name LIMIT ?"
)


class Disk:
    """One part of the file. pending: the changes that go on top of it."""

    def __init__(self, database: Database, part: int, pending: Pending) -> None:
        self._db = database
        self._part = part
        self._pending = pending

    def layers(self, key: str) -> list[Row]:
        """(layer, pack) of a key, the lowest first; of a wide key the mark alone."""
        return self._db.rows(_PACK, (self._part, key))

    def layers_of_many(self, keys: Sequence[str]) -> dict[str, list[Row]]:
        """The same of each key, with as few statements as can be."""
        found: dict[str, list[Row]] = {key: [] for key in keys}
        for begin in range(0, len(keys), AT_ONCE):
            some = [*keys[begin : begin + AT_ONCE]]
            some += some[:1] * (AT_ONCE - len(some))
            for key, layer, value in self._db.rows(_PACKS, (self._part, *some)):
                found[key].append((layer, value))
        for layers in found.values():
            if len(layers) > 1:
                layers.sort()
        return found

    def shape(self, key: str) -> tuple[int, bool]:
        """(number of layers, whether the key is wide)"""
        least, count = self._db.row(_SHAPE, (self._part, key)) or (None, 0)
        return count, least == WIDE

    def opened(self, key: str, layers: Sequence[Row]) -> tuple[Packed, Rows]:
        """The buckets of a key as its layers have them, and the rows of those that have changes on top."""
        packed: Packed = {}
        for _, value in layers:
            for bucket, names in _decode_pack(value).items():
                packed.setdefault(bucket, []).append(names)
        pending = self._pending.of(key)
        changed = {bucket for rows in pending for bucket in rows if bucket in packed}
        return packed, joined([{bucket: unpacked(packed.pop(bucket)) for bucket in changed}], pending)

    # -- wide keys -------------------------------------------------------------------------------------------

    def bucket(self, key: str, bucket: str, limit: int) -> tuple[dict[str, Any], bool]:
        """Rows of a bucket, and whether they are all; if they are not, None is a row that is gone."""
        found: dict[str, Any] = dict(self._db.rows(_BUCKET, (self._part, key, bucket, limit)))
        complete = limit < 0 or len(found) < limit
        for changed in self._pending.of(key):
            found.update(changed.get(bucket, {}))
        if complete:
            found = {name: value for name, value in found.items() if value is not None}
        return found, complete

    def row(self, key: str, bucket: str, name: str) -> Any | None:
        """One row."""
        for changed in reversed(self._pending.of(key)):
            names = changed.get(bucket, {})
            if name in names:
                return names[name]
        row = self._db.row(_ROW, (self._part, key, bucket, name))
        return None if row is None else row[0]

    def rows(self, key: str, limit: int) -> Rows | None:
        """All rows, waits among them; None if there are more than `limit`."""
        found = self._db.rows(_ALL, (self._part, key, limit + 1))
        if len(found) > limit:
            return None
        rows: Rows = {}
        for bucket, name, value in found:
            rows.setdefault(bucket, {})[name] = value
        return joined([rows], self._pending.of(key))

    def page(self, key: str, after: tuple[str, str], limit: int) -> list[tuple[str, str, Any]]:
        """Up to `limit` rows beyond `after` in order, without waits."""
        page: list[tuple[str, str, Any]] = []
        more = True
        while more and len(page) < limit:
            rows = self._db.rows(_AFTER, (self._part, key, *after, limit))
            more = len(rows) == limit
            last = (rows[-1][0], rows[-1][1]) if more else None
            found = {(bucket, name): value for bucket, name, value in rows}
            found.update(self._changed(key, after, last))
            page += [(*place, found[place]) for place in sorted(found) if found[place] is not None]
            after = last or after
        return page[:limit]

    def _changed(
        self, key: str, after: tuple[str, str], last: tuple[str, str] | None
    ) -> dict[tuple[str, str], Any]:
        """Changed rows of a key beyond `after`, up to `last`."""
        found: dict[tuple[str, str], Any] = {}
        for changed in self._pending.of(key):
            for bucket, names in changed.items():
                if bucket != WAITS:
                    found.update({(bucket, name): value for name, value in names.items()})
        return {p: value for p, value in found.items() if p > after and (last is None or p <= last)}

    # -- all keys --------------------------------------------------------------------------------------------

    def next_key(self, after: str) -> str | None:
        """The next key that the database has something of."""
        row = self._db.row(_NEXT_KEY, (self._part, after))
        return None if row is None else str(row[0])

    def dues(self, after: Due, size: int) -> tuple[list[Due], Due | None]:
        """At least `size` earliest waits beyond `after`, and up to which place they are all (None: all)."""
        moved = self._pending.waits()
        rows: list[Due] = []
        bound: Due | None = after
        while bound is not None and len(rows) < size:
            found = self._db.rows(_DUES, (self._part, *bound, size))
            rows += [(due, key, name) for due, key, name in found if (key, name) not in moved]
            bound = (found[-1][0], found[-1][1], found[-1][2]) if len(found) == size else None
        new = [(wait[0], *place) for place, wait in moved.items() if wait is not None]
        rows += [place for place in new if place > after and (bound is None or place <= bound)]
        return sorted(rows), bound


def unpacked(layers: Sequence[msgspec.Raw]) -> dict[str, Any]:
    """The rows of a bucket from its layers, encoded."""
    rows: dict[str, Any] = {}
    for layer in layers:
        rows.update(_decode_names(layer))
    if None in rows.values():
        rows = {name: value for name, value in rows.items() if value is not None}
    return rows


def joined(layers: list[Rows], pending: list[Rows]) -> Rows:
    """Rows of all layers, the later ones on top. `layers` are used up, `pending` are not."""
    rows: Rows = layers[0] if layers else {}
    for layer in [*layers[1:], *pending]:
        for bucket, names in layer.items():
            mine = rows.setdefault(bucket, {})
            for name, value in names.items():
                if value is None:
                    mine.pop(name, None)
                else:
                    mine[name] = value
    return rows
