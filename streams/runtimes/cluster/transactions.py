"""The fenced, transactional producer of one partition of one machine.

Opening it ends whoever held the partition before. Any failure ends the claim: nothing is retried here, the
task is opened anew and reads what was committed. It must not know what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError, ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from schemas.topics import LETTER_BYTES
from streams.runtimes.cluster.bounds import within
from streams.runtimes.cluster.codec import Line, Lines
from streams.runtimes.cluster.config import Cluster

T = TypeVar("T")

BATCH_BYTES = 900_000
"""Size of a batch of records on the wire; a single larger record makes a batch of its own."""

STOP_SECONDS = 2.0

RETRY_MS = 10
"""While the broker closes the transaction before, it answers that there are not enough replicas."""


class ClaimLostError(Exception):
    """The claim on the partition is over: taken over (fenced), or a batch may or may not count."""

    def __init__(self, reason: str, *, fenced: bool = False) -> None:
        super().__init__(reason)
        self.fenced = fenced


class Transactions:
    """`open`, then `commit` batch by batch, then `close`. One task uses it, one call at a time."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._seconds = cluster.pace.commit_ms / 1000
        self._cluster = cluster
        self._name = cluster.name(name)
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Take the partition over; what its former owner had not committed is void.

        Raises:
            ClaimLostError: Kafka cannot be reached in time.
        """
        pace = self._cluster.pace
        producer = AIOKafkaProducer(
            client_id=self._name,
            transactional_id=self._name,
            transaction_timeout_ms=pace.transaction_ms,
            max_batch_size=BATCH_BYTES,
            max_request_size=LETTER_BYTES,
            retry_backoff_ms=RETRY_MS,
            request_timeout_ms=min(pace.commit_ms, 40_000),
            **self._cluster.options,
        )
        self._producer = producer
        await self._guarded(producer.start())

    async def commit(self, lines: Lines) -> dict[tuple[str, int], int]:
        """Append all of it or nothing. Returns, per (topic, partition), the offset behind the last record.

        Raises:
            ClaimLostError: it failed, or nobody knows.
        """
        return await self._guarded(self._commit(lines))

    async def close(self) -> None:
        """Let go. Never raises and never waits long: a stopping producer may hang for good."""
        producer, self._producer = self._producer, None
        if producer is not None:
            for step in (producer.stop, producer.client.close):
                with contextlib.suppress(Exception):
                    await within(STOP_SECONDS, step())

    # -- inside --------------------------------------------------------------------------------------------

    async def _commit(self, lines: Lines) -> dict[tuple[str, int], int]:
        producer = self._producer
        if producer is None:
            raise ClaimLostError("closed")
        await producer.begin_transaction()
        sent: list[tuple[tuple[str, int], int, Awaitable[RecordMetadata]]] = []
        for place, records in lines.items():
            for batch in self._batches(producer, records):
                future = await producer.send_batch(batch, self._cluster.name(place[0]), partition=place[1])
                sent.append((place, batch.record_count(), future))
        stored = await asyncio.gather(*(future for _, _, future in sent))
        await producer.commit_transaction()  # it would leave out what was refused and commit the rest
        return {place: one.offset + count for (place, count, _), one in zip(sent, stored, strict=True)}

    @staticmethod
    def _batches(producer: AIOKafkaProducer, records: list[Line]) -> list[BatchBuilder]:
        batches = [producer.create_batch()]
        for key, value, headers in records:
            if batches[-1].append(timestamp=None, key=key, value=value, headers=headers) is None:
                batches.append(producer.create_batch())
                batches[-1].append(timestamp=None, key=key, value=value, headers=headers)
        return batches

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._seconds, work)
        except ProducerFenced as error:
            raise ClaimLostError(f"{self._name} was taken over by another worker", fenced=True) from error
        except TimeoutError as error:
            raise ClaimLostError(f"{self._name}: no answer of Kafka in {self._seconds:g} s") from error
        except (KafkaError, IllegalOperation, OSError, AssertionError) as error:
            raise ClaimLostError(f"{self._name}: {type(error).__name__}: {error}") from error
