"""Sends the events of a soak at a steady rate, by HTTP to whichever worker takes them and by Kafka.

Like a careful source: a batch that was not answered is sent again, elsewhere, until it is. Decides nothing
about what comes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import Any

import httpx2
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.cloudevents import BATCH, STRUCTURED
from schemas.topics import EVENTS
from streams.runtimes.cluster.config import Cluster
from tests.integration.cluster.soak.traffic import Traffic
from tests.integration.cluster.workers import TOKEN

TURN_SECONDS = 0.05
BY_KAFKA = 10
"""Every so many batches goes to the topic that anybody may write to."""

AT_ONCE = 40
"""Batches under way at most: a source has so much patience, then it is late."""

PATIENCE_SECONDS = 3.0
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": BATCH}
KIND = [("content-type", STRUCTURED.encode())]

Batch = list[dict[str, Any]]


class Sender:
    """`run` for so many seconds. sent: ids of the events that were taken. repeated: batches sent once more.

    late: seconds by which it was behind the plan at worst.
    """

    def __init__(self, traffic: Traffic, cluster: Cluster, addresses: Sequence[str]) -> None:
        self._traffic, self._cluster = traffic, cluster
        self._urls = itertools.cycle([f"http://{address}/v1/events" for address in addresses])
        self._door = asyncio.Semaphore(AT_ONCE)
        self._open: set[asyncio.Task[None]] = set()
        self.sent: list[str] = []
        self.repeated = 0
        self.late = 0.0

    async def run(self, seconds: float) -> None:
        """Send; returns when all was accepted."""
        async with (
            AIOKafkaProducer(
                enable_idempotence=True, linger_ms=5, max_request_size=4 << 20, **self._cluster.options
            ) as producer,
            httpx2.AsyncClient(timeout=PATIENCE_SECONDS, headers=HEADERS) as client,
        ):
            begun, made, turn = time.monotonic(), 0, 0
            while (passed := time.monotonic() - begun) < seconds:
                self.late = max(self.late, passed - turn * TURN_SECONDS)
                due = int((turn + 1) * TURN_SECONDS * self._traffic.rate)
                batch, made = self._batch(made, due), due
                await self._door.acquire()
                put = self._put(producer, batch) if turn % BY_KAFKA == 0 else self._post(client, batch)
                task = asyncio.create_task(put)
                self._open.add(task)
                task.add_done_callback(self._done)
                turn += 1
                await asyncio.sleep(max(0.0, turn * TURN_SECONDS - (time.monotonic() - begun)))
            await asyncio.gather(*self._open)

    # -- inside --------------------------------------------------------------------------------------------

    def _batch(self, first: int, last: int) -> Batch:
        now = time.time_ns() // 1000
        made = [self._traffic.event(n, now) for n in range(first, last)]
        return [event for event in made if event is not None]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        self._door.release()

    async def _post(self, client: httpx2.AsyncClient, batch: Batch) -> None:
        body = msgspec.json.encode(batch)
        while batch:
            with contextlib.suppress(httpx2.HTTPError):
                if (await client.post(next(self._urls), content=body)).status_code < 300:
                    break
            self.repeated += 1
            await asyncio.sleep(0.1)
        self.sent += [event["id"] for event in batch]

    async def _put(self, producer: AIOKafkaProducer, batch: Batch) -> None:
        topic = self._cluster.name(EVENTS)
        while True:
            try:
                sent = [
                    await producer.send(topic, msgspec.json.encode(event), event["id"].encode(), headers=KIND)
                    for event in batch
                ]
                await asyncio.gather(*sent)
                break
            except KafkaError:
                self.repeated += 1
        self.sent += [event["id"] for event in batch]
