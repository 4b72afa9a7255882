"""What memory takes of a key: of a pack the buckets that are asked for; so of a wide key, or all of it when
many reads have missed.

Nothing here writes; rows stay encoded until they are read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.kernel.contract import SHARED, WAITS
from streams.stores.sqlite_cache import Bucket, CachedKey, Pool
from streams.stores.sqlite_disk import Disk

_decode = msgspec.msgpack.Decoder().decode


class Wide:
    """Loads what memory has not."""

    def __init__(self, disk: Disk, pool: Pool) -> None:
        self._disk = disk
        self._pool = pool

    def bucket(self, cached: CachedKey, key: str, bucket: str) -> Bucket:
        """The bucket of a key that has none in `buckets`; an empty one if there are no rows."""
        found = cached.unpack(bucket)
        if found is None and cached.old:
            found = cached.old.pop(bucket, None)
        if found is None and not cached.whole:
            self._miss(cached, key)
            found = cached.buckets.get(bucket)
            if found is None and not cached.whole:
                limit = -1 if key == SHARED else self._pool.bucket
                rows, complete = self._disk.bucket(key, bucket, limit)
                found = Bucket(rows, complete=complete, ordered=False)
        if found is None:
            found = Bucket({}, complete=True)
        cached.buckets[bucket] = found
        self._pool.used += len(found.rows)
        return found

    def row(self, cached: CachedKey, key: str, bucket: str, name: str) -> Any | None:
        """A row of an incomplete bucket that is not in memory."""
        self._miss(cached, key)
        found = cached.buckets[bucket]
        complete = found.complete
        value = found.rows.get(name) if complete else self._disk.row(key, bucket, name)
        if value.__class__ is bytes:
            value = _decode(value)
        if not complete:
            found.rows[name] = value
            found.ordered = False
            self._pool.used += 1
        return value

    def complete(self, cached: CachedKey, key: str, bucket: str) -> None:
        """Load all rows of a bucket."""
        self._settle(cached, bucket, self._disk.bucket(key, bucket, -1)[0])

    def _miss(self, cached: CachedKey, key: str) -> None:
        """Count a read that memory could not answer; a key with many is loaded whole if it is not huge."""
        cached.misses += 1
        if cached.misses != self._pool.patience or key == SHARED:
            return
        loaded = self._disk.rows(key, self._pool.huge)
        if loaded is None:
            return
        for bucket in cached.buckets:
            loaded.setdefault(bucket, {})
        loaded.pop(WAITS, None)
        for bucket, names in loaded.items():
            self._settle(cached, bucket, names)
        cached.whole, cached.old = True, None

    def _settle(self, cached: CachedKey, bucket: str, rows: dict[str, Any]) -> None:
        """Make a bucket complete with its rows; those in memory win, they may be newer."""
        found = cached.buckets.setdefault(bucket, Bucket({}, complete=False))
        if not found.complete:
            before = len(found.rows)
            rows.update(found.rows)
            found.rows = {name: value for name, value in rows.items() if value is not None}
            found.complete, found.ordered = True, False
            self._pool.used += len(found.rows) - before
