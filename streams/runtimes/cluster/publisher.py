"""Appends intake entries to Kafka, durably: an idempotent producer, and a file for when Kafka is away.

An entry that was accepted is in Kafka or on disk; what is on disk goes to Kafka in its order when it is back.
A record that Kafka refuses for itself holds nothing up: it is set aside, shown, and tried again. A batch
whose acknowledgement was lost may come twice: events are known by their source and id. It must not decide
what an entry means.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import RecordMetadata

from schemas.canonical import partition_of
from schemas.topics import LETTER_BYTES
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import Line, line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.outbox import Outbox, Placed
from streams.runtimes.pipeline import Entry

PATIENCE_SECONDS = 3.0
"""A sender waits so long for Kafka; then the entries go to the file."""

PAGE = 500
RETRY_SECONDS = 0.5

REFUSED_PAGE, REFUSED_SECONDS = 20, 30.0
"""How many refused records are tried again at once, and how often while Kafka goes on refusing them."""

OF_TOPIC = (TopicAuthorizationFailedError, InvalidTopicError)
OF_RECORD = (MessageSizeTooLargeError, RecordListTooLargeError)
"""Answers that concern these records only, however often they are sent as they are."""


class Publisher:
    """`start`, `submit` from many tasks, `stop`. folder: of the file, an `Outbox`.

    connected: whether Kafka answered last. stamp: the newest time (us) that the broker gave to an entry.
    """

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self.outbox = Outbox(folder)
        self.connected = False
        self.stamp = 0
        self._producer: AIOKafkaProducer | None = None
        self._door = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None
        self._tried, self._again_at = 0, 0.0

    @property
    def waiting(self) -> int:
        """Entries in the file that wait for Kafka."""
        return self.outbox.waiting

    @property
    def full(self) -> bool:
        """Whether the file takes nothing more."""
        return self.outbox.full

    @property
    def warnings(self) -> list[str]:
        """What wants somebody, in words."""
        found = [] if self.connected else ["Kafka does not answer: events wait in the outbox"]
        if self.outbox.waiting:
            found.append(f"{self.outbox.waiting} entries wait in the outbox")
        if self.outbox.refused:
            found.append(f"Kafka refuses {self.outbox.refused} entries of the outbox: {self.outbox.reason}")
        return found

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
        self.outbox.close()

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
                    found = await self._send(placed)
                stored = [one for one in found if isinstance(one, str)]
                if len(stored) == len(found):
                    return stored
            except (KafkaError, TimeoutError, OSError):
                self.connected = False
        async with self._door:
            return await asyncio.to_thread(self.outbox.add, placed)

    async def append(self, topic: str, number: int, record: Line) -> None:
        """Store one record as it is."""
        await self._store([(topic, number, record)])

    # -- inside --------------------------------------------------------------------------------------------

    async def _send(self, placed: Sequence[Placed]) -> list[str | KafkaError]:
        """Where each was stored, or why it was refused.

        Raises:
            KafkaError, OSError: it is not known of some whether they were stored.
        """
        producer = self._producer
        if producer is None:
            raise KafkaError("not connected")
        found = await asyncio.gather(
            *[await self._begin(producer, one) for one in placed], return_exceptions=True
        )
        answers: list[str | KafkaError] = []
        for (topic, number, _), one in zip(placed, found, strict=True):
            if isinstance(one, OF_TOPIC + OF_RECORD):
                answers.append(one)
            elif isinstance(one, BaseException):
                raise one
            else:
                self.stamp = max(self.stamp, (one.timestamp or 0) * 1000)
                answers.append(f"{topic}/{number}/{one.offset}")
        self.connected = True
        return answers

    async def _begin(self, producer: AIOKafkaProducer, placed: Placed) -> Awaitable[RecordMetadata]:
        topic, number, (key, value, headers) = placed
        try:
            return await producer.send(
                self._cluster.name(topic), key=key, value=value, headers=headers, partition=number
            )
        except OF_TOPIC + OF_RECORD as error:
            refused: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            enable_idempotence=True,
            linger_ms=2,
            retry_backoff_ms=50,
            max_request_size=LETTER_BYTES,
            **self._cluster.options,
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
                while page := self.outbox.page(PAGE):
                    await self._bring(page)
                while page := self._refused():
                    await self._bring(page)
            except (KafkaError, TimeoutError, OSError, sqlite3.Error):
                self.connected = False
                await self._disconnect()
            await asyncio.sleep(RETRY_SECONDS)

    async def _disconnect(self) -> None:
        """A producer that failed may be of no use any more: the next try takes a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await producer.stop()

    def _refused(self) -> list[tuple[int, Placed]]:
        """The next that were refused, round and round, if it is time to try them again."""
        if not self.outbox.refused or time.monotonic() < self._again_at:
            return []
        page = self.outbox.refused_page(self._tried, REFUSED_PAGE)
        self._tried = page[-1][0] if page else 0
        self._again_at = time.monotonic() + REFUSED_SECONDS
        return page

    async def _bring(self, page: Sequence[tuple[int, Placed]]) -> None:
        """Bring numbered records of the file to Kafka; what it refuses, alone or with its topic, is set
        aside.
        """
        async with asyncio.timeout(30):
            found = await self._send([one for _, one in page])
        sent, aside, alone = list[int](), list[tuple[int, str]](), list[tuple[int, Placed]]()
        for (number, placed), answer in zip(page, found, strict=True):
            if isinstance(answer, str):
                sent.append(number)
            elif isinstance(answer, OF_TOPIC) or len(page) == 1:
                aside.append((number, f"{placed[0]}: {type(answer).__name__}"))
            else:  # it may have been refused for what shared its batch
                alone.append((number, placed))
        async with self._door:
            await asyncio.to_thread(self.outbox.settle, sent, aside)
        if sent:
            self._again_at = 0.0
        if aside or alone:  # a refused batch leaves a gap in the producer's numbers
            await self._disconnect()
            await self._connect()
        for one in alone:
            await self._bring([one])


def entry_line(entry: Entry, cluster: Cluster) -> Placed:
    """An entry as a record of its topic, and where it goes."""
    number = 0 if entry.key == SHARED else partition_of(entry.key, cluster.partitions)
    at = entry.at if cluster.trial else 0
    return entry.topic, number, line(Record(entry.topic, entry.key, entry.kind, entry.value, at))
