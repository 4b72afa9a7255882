"""A partition's rows and due index in plain dicts: the store of tests and of the backtest. Nothing is
durable here.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterator
from typing import Any

from streams.kernel.contract import SHARED, WAITS, Step


class MemoryStore:
    """Implements `streams.kernel.contract.Store` without a disk."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], dict[str, Any]] = {}
        self._keys: dict[str, set[str]] = {}
        self._sorted_keys: list[str] | None = None
        self._waits: dict[str, dict[str, tuple[int, int]]] = {}
        self._heap: list[tuple[int, str, str]] = []
        self._key_heaps: dict[str, list[tuple[int, str]]] = {}

    def get(self, key: str, bucket: str, name: str) -> Any | None:
        rows = self._buckets.get((key, bucket))
        return None if rows is None else rows.get(name)

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        rows = self._buckets.get((key, bucket))
        if not rows:
            return iter(())
        return iter([(name, rows[name]) for name in sorted(rows)])

    def scan_key(self, key: str, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        found: list[tuple[str, str, Any]] = []
        for bucket in sorted(self._keys.get(key, ())):
            if after is not None and bucket < after[0]:
                continue
            rows = self._buckets[(key, bucket)]
            for name in sorted(rows):
                if after is not None and (bucket, name) <= after:
                    continue
                found.append((bucket, name, rows[name]))
                if len(found) == limit:
                    return found
        return found

    def waits_of(self, key: str) -> list[tuple[str, int]]:
        waits = self._waits.get(key, {})
        return sorted(((name, due) for name, (due, _) in waits.items()), key=lambda w: (w[1], w[0]))

    def next_key(self, after: str | None) -> str | None:
        if self._sorted_keys is None:
            self._sorted_keys = sorted(k for k in self._keys if k != SHARED)
        index = 0 if after is None else bisect.bisect_right(self._sorted_keys, after)
        return self._sorted_keys[index] if index < len(self._sorted_keys) else None

    def apply(self, step: Step, floor: int) -> None:
        for (key, bucket, name), value in step.rows.items():
            if value is None:
                self._delete(key, bucket, name)
            else:
                rows = self._buckets.get((key, bucket))
                if rows is None:
                    rows = self._open_bucket(key, bucket)
                rows[name] = value
        for (key, name), due in step.waits.items():
            self._arm(key, name, due, floor)

    def _open_bucket(self, key: str, bucket: str) -> dict[str, Any]:
        if key not in self._keys:
            self._keys[key] = set()
            self._sorted_keys = None
        self._keys[key].add(bucket)
        rows: dict[str, Any] = {}
        self._buckets[(key, bucket)] = rows
        return rows

    def _delete(self, key: str, bucket: str, name: str) -> None:
        rows = self._buckets.get((key, bucket))
        if rows is None:
            return
        rows.pop(name, None)
        if not rows:
            del self._buckets[(key, bucket)]
            self._keys[key].discard(bucket)
            if not self._keys[key]:
                del self._keys[key]
                self._sorted_keys = None

    def _arm(self, key: str, name: str, due: int | None, floor: int) -> None:
        waits = self._waits.setdefault(key, {})
        if due is None:
            waits.pop(name, None)
            if not waits:
                self._forget(key)
        else:
            waits[name] = (due, floor)
            heapq.heappush(self._heap, (due, key, name))
            heapq.heappush(self._key_heaps.setdefault(key, []), (due, name))

    def _forget(self, key: str) -> None:
        del self._waits[key]
        self._key_heaps.pop(key, None)

    def next_due(self) -> tuple[int, str, str] | None:
        heap = self._heap
        while heap:
            due, key, name = heap[0]
            armed = self._waits.get(key, {}).get(name)
            if armed is not None and armed[0] == due:
                return heap[0]
            heapq.heappop(heap)
        return None

    def key_due(self, key: str) -> int | None:
        first = self.key_first(key)
        return None if first is None else first[0]

    def key_first(self, key: str) -> tuple[int, str] | None:
        waits = self._waits.get(key)
        if not waits:
            return None
        heap = self._key_heaps[key]
        while True:  # entries of waits that were moved or disarmed are dropped when they come up
            due, name = heap[0]
            armed = waits.get(name)
            if armed is not None and armed[0] == due:
                return due, name
            heapq.heappop(heap)

    def pop_wait(self, due: int, key: str, name: str) -> int:
        armed = self._waits[key].pop(name)
        if not self._waits[key]:
            self._forget(key)
        return armed[1]

    def walk(self) -> Iterator[tuple[str, str, str, Any]]:
        for key in sorted({*self._keys, *self._waits}):
            for name, (due, floor) in sorted(self._waits.get(key, {}).items()):
                yield key, WAITS, name, [due, floor]
            for bucket in sorted(self._keys.get(key, ())):
                for name, value in self.scan(key, bucket):
                    yield key, bucket, name, value
