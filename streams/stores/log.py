"""The log of the embedded runtime: topics in segments, one per batch, in the workspace's database.

There is never a row per record. A place is (topic, partition, position): positions count from 0 without gaps.
The log is append-only; it must not begin or commit a transaction, and does not know what a value means.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from schemas.errors import StreamError
from streams.stores.sqlite_db import Database

PLAIN, ZLIB = 0, 1
SEGMENT = 1000
"""Records of a segment at most."""

SEGMENT_BYTES = 4_000_000
"""Size of a segment at most, unless a single record is larger."""

Line = tuple[str, str, Any, int, int, int]
"""(key, kind, value, at, feed, n) as it is written."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A record read back from the log; the fields of `streams.kernel.contract.Record` and its place."""

    topic: str
    partition: int
    position: int
    key: str
    kind: str
    value: Any
    at: int
    feed: int
    n: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, Any, int, int, int]]).decode

_INSERT = (
    "INSERT INTO segments (topic, partition, epoch, first, last, at_first, at_last, codec, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_END = "SELECT last, at_last FROM segments WHERE topic = ? AND partition = ? ORDER BY first DESC LIMIT 1"
_FROM = (
    "SELECT first, last, codec, data FROM segments WHERE topic = ? AND partition = ?"
    " AND first >= coalesce("
    "(SELECT max(first) FROM segments WHERE topic = ? AND partition = ? AND first <= ?), 0)"
    " ORDER BY first LIMIT 1"
)
_SEEK = "SELECT min(first) FROM segments WHERE topic = ? AND partition = ? AND at_last >= ?"


class Log:
    """All topics of one workspace.

    epoch: number of the partitioning; it grows when a workspace is repartitioned or moved to a cluster.
    """

    def __init__(self, database: Database, epoch: int = 0) -> None:
        self._db = database
        self.epoch = epoch
        self.bytes_read = 0
        self._ends: dict[tuple[str, int], int] = {}

    def append(self, topic: str, partition: int, lines: Sequence[Line]) -> int:
        """Append to the open transaction; `lines` in order of `at`. Returns the position of the first."""
        first = self.end(topic, partition)
        for start in range(0, len(lines), SEGMENT):
            self._segment(topic, partition, first + start, lines[start : start + SEGMENT])
        self._ends[(topic, partition)] = first + len(lines)
        return first

    def _segment(self, topic: str, partition: int, first: int, lines: Sequence[Line]) -> None:
        data = _encode(lines)
        if len(data) > SEGMENT_BYTES and len(lines) > 1:
            half = len(lines) // 2
            self._segment(topic, partition, first, lines[:half])
            self._segment(topic, partition, first + half, lines[half:])
            return
        ats = [line[3] for line in lines]
        head = (topic, partition, self.epoch, first, first + len(lines) - 1, min(ats), max(ats))
        self._db.write(_INSERT, [(*head, PLAIN, data)])

    def end(self, topic: str, partition: int = 0) -> int:
        """The position after the last record."""
        end = self._ends.get((topic, partition))
        if end is None:
            found = self._db.row(_END, (topic, partition))
            end = 0 if found is None else int(found[0]) + 1
            if not self._db.read_only:
                self._ends[(topic, partition)] = end
        return end

    def last_at(self, topic: str, partition: int = 0) -> int:
        """The greatest `at` (us) of the last segment, or -1."""
        found = self._db.row(_END, (topic, partition))
        return -1 if found is None else int(found[1])

    def segment(self, topic: str, partition: int, position: int) -> tuple[int, list[Line]]:
        """(position of the first line, lines) of the segment that holds `position`; ([] at the log's end).

        Raises:
            StreamError: SW-STREAM-025, the segment cannot be decoded.
        """
        found = self._db.row(_FROM, (topic, partition, topic, partition, position))
        if found is None or found[1] < position:
            return position, []
        first, _, codec, data = found
        self.bytes_read += len(data)
        try:
            return first, _decode(zlib.decompress(data) if codec == ZLIB else data)
        except (msgspec.DecodeError, zlib.error) as error:
            raise StreamError(
                "SW-STREAM-025",
                place=f"{topic}/{partition}, from position {first}",
                found=str(error),
                next_step="restore the workspace's directory from a backup",
            ) from error

    def read(
        self, topic: str, partition: int = 0, *, first: int = 0, before_at: int | None = None
    ) -> Iterator[Logged]:
        """Records from position `first` on, to the end or to the first with `at` >= `before_at` (us)."""
        position = first
        while True:
            start, lines = self.segment(topic, partition, position)
            if not lines:
                return
            for place, line in enumerate(lines, start):
                if place < position:
                    continue
                if before_at is not None and line[3] >= before_at:
                    return
                yield Logged(topic, partition, place, *line)
            position = start + len(lines)

    def page(self, topic: str, first: int, limit: int, partition: int = 0) -> list[Logged]:
        """Up to `limit` records from position `first` on."""
        return list(islice(self.read(topic, partition, first=first), limit))

    def seek(self, topic: str, partition: int, at: int) -> int:
        """The position of the first record with `at` (us) or later; the log's end if there is none."""
        found = self._db.row(_SEEK, (topic, partition, at))
        if found is None or found[0] is None:
            return self.end(topic, partition)
        for record in self.read(topic, partition, first=found[0]):
            if record.at >= at:
                return record.position
        return self.end(topic, partition)
