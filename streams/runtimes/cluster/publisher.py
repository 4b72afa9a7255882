"""Appends intake entries to Kafka, durably: an idempotent producer, and a file for when Kafka is away.

An entry that was accepted is in Kafka or on disk; what is on disk goes to Kafka in its order when it is back.
A batch whose acknowledgement was lost may come twice: events are known by their source and id. It must not
decide what an entry means.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.canonical import partition_of
from schemas.errors import StreamError
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import Line, line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.pipeline import Entry

PATIENCE_SECONDS = 3.0
"""A sender waits so long for Kafka; then the entries go to the file."""

PAGE = 500
MOST = 2_000_000
"""Entries that the file takes."""

RETRY_SECONDS = 0.5

_SCHEMA = "CREATE TABLE IF NOT EXISTS spilled (id INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB NOT NULL)"

Placed = tuple[str, int, Line]
"""(topic without prefix, partition, record)."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[str, int, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]
).decode


class Publisher:
    """`start`, `submit` from many tasks, `stop`. folder: of the file.

    waiting: entries in the file. connected: whether Kafka answered last. stamp: the newest time (us) that the
    broker gave to an entry.
    """

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            folder / "outbox.db", isolation_level=None, check_same_thread=False, timeout=5
        )
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _SCHEMA):
            self._database.execute(statement)
        self.waiting: int = self._database.execute("SELECT count(*) FROM spilled").fetchone()[0]
        self.connected = False
        self.stamp = 0
        self._producer: AIOKafkaProducer | None = None
        self._door = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether the file takes nothing more."""
        return self.waiting >= MOST

    async def start(self) -> None:
        """Begin; Kafka need not be there yet."""
        with contextlib.suppress(KafkaError, OSError):
            await self._connect()
        self._work = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        """Close; what is in the file stays for the next start."""
        if self._work is not None:
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work
        await self._disconnect()
        self._database.close()

    async def submit(self, entries: Sequence[Entry]) -> list[str]:
        """Store entries; where each was stored: `topic/partition/offset`, or `outbox/number` on disk.

        Raises:
            StreamError: SW-STREAM-021, the file is full. OSError: the disk failed.
        """
        return await self._store([entry_line(entry, self._cluster) for entry in entries])

    async def _store(self, placed: Sequence[Placed]) -> list[str]:
        if not placed:
            return []
        if not self.waiting and self._producer is not None:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await self._send(placed)
            except (KafkaError, TimeoutError, OSError):
                self.connected = False
        async with self._door:
            return await asyncio.to_thread(self._spill, placed)

    async def append(self, topic: str, number: int, record: Line) -> None:
        """Store one record as it is."""
        await self._store([(topic, number, record)])

    # -- inside --------------------------------------------------------------------------------------------

    async def _send(self, placed: Sequence[Placed]) -> list[str]:
        producer = self._producer
        if producer is None:
            raise KafkaError("not connected")
        futures = [
            await producer.send(
                self._cluster.name(topic), key=key, value=value, headers=headers, partition=number
            )
            for topic, number, (key, value, headers) in placed
        ]
        stored = await asyncio.gather(*futures)
        self.connected = True
        self.stamp = max(self.stamp, *((one.timestamp or 0) * 1000 for one in stored))
        return [
            f"{topic}/{number}/{one.offset}" for (topic, number, _), one in zip(placed, stored, strict=True)
        ]

    def _spill(self, placed: Sequence[Placed]) -> list[str]:
        if self.waiting + len(placed) > MOST:
            raise StreamError(
                "SW-STREAM-021",
                place="outbox.db",
                expected=f"at most {MOST} entries until Kafka is back",
                found=f"{self.waiting}",
                next_step="bring Kafka back; senders try again",
            )
        try:
            names = self._insert(placed)
        except sqlite3.Error as error:
            raise OSError(f"the outbox cannot be written: {error}") from error
        self.waiting += len(placed)
        return names

    def _insert(self, placed: Sequence[Placed]) -> list[str]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            numbers = [
                self._database.execute("INSERT INTO spilled (record) VALUES (?)", (_encode(one),)).lastrowid
                for one in placed
            ]
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        return [f"outbox/{number}" for number in numbers]

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            enable_idempotence=True, linger_ms=2, retry_backoff_ms=50, **self._cluster.options
        )
        try:
            await producer.start()
        except BaseException:
            with contextlib.suppress(Exception):
                await producer.stop()
            raise
        self._producer, self.connected = producer, True

    async def _drain(self) -> None:
        """Bring what is in the file to Kafka, in its order; for ever."""
        while True:
            try:
                if self._producer is None:
                    await self._connect()
                while self.waiting:
                    await self._drain_page()
            except (KafkaError, TimeoutError, OSError, sqlite3.Error):
                await self._disconnect()
            await asyncio.sleep(RETRY_SECONDS)

    async def _disconnect(self) -> None:
        """A producer that failed may be of no use any more: the next try takes a new one."""
        producer, self._producer, self.connected = self._producer, None, False
        if producer is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await producer.stop()

    async def _drain_page(self) -> None:
        rows = self._database.execute(
            "SELECT id, record FROM spilled ORDER BY id LIMIT ?", (PAGE,)
        ).fetchall()
        async with asyncio.timeout(30):
            await self._send([_decode(row[1]) for row in rows])
        async with self._door:
            await asyncio.to_thread(
                self._database.execute, "DELETE FROM spilled WHERE id <= ?", (rows[-1][0],)
            )
            self.waiting -= len(rows)


def entry_line(entry: Entry, cluster: Cluster) -> Placed:
    """An entry as a record of its topic, and where it goes."""
    number = 0 if entry.key == SHARED else partition_of(entry.key, cluster.partitions)
    at = entry.at if cluster.trial else 0
    return entry.topic, number, line(Record(entry.topic, entry.key, entry.kind, entry.value, at))
