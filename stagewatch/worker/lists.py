"""The lists in Redis: says there that this worker lives, looks whether the lists are whole, fills them again.

One worker at a time fills, from the beginning of the topics; all go on projecting and serving what is there.
It decides nothing about transitions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from schemas.errors import StreamError
from schemas.topics import RECEIPTS, changelog_of
from stagewatch.worker.stages import change_of, logged_of, told_of
from stagewatch.worker_metrics import WorkerMetrics
from streams.kernel.contract import StorageError
from streams.runtimes.cluster.config import Cluster
from streams.stores.log import Logged
from streams.topology import NOTIFICATIONS
from streams.views.port import OPEN_STATES
from streams.views.redis.entities import RedisEntities
from streams.views.redis.link import Link
from streams.views.redis.messages import RedisMessages
from streams.views.redis.sharing import Members
from streams.views.redis.view import Filling, RedisView, Standing, TakenError

LOOK_SECONDS = 2.0
LEAVE_SECONDS = 0.3
ALIVE = 15_000_000
"""How long (us) a worker that is not heard of is still listed."""

PAGE = 500
MESSAGES = (NOTIFICATIONS, RECEIPTS)
"""Topics of messages and of what became of them."""

ACCOUNT = "account"
"""The machine that keeps the rows of entities."""

log = structlog.get_logger("stagewatch.lists")


@dataclass(frozen=True, slots=True)
class Own:
    """This worker.

    name: unique among living workers. about: what others are told (url, roles). fills: it has the role views.
    """

    name: str
    about: Mapping[str, Any]
    fills: bool


class ListsService(Service):
    """Runs while Faust runs. standing: how the lists stood when last seen, None: Redis is away."""

    def __init__(
        self,
        cluster: Cluster,
        link: Link,
        view: RedisView,
        entities: RedisEntities | None,
        told: WorkerMetrics,
        own: Own,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._cluster, self._view, self._told, self._own = cluster, view, told, own
        self._entities = entities
        self._members, self._messages = Members(link), RedisMessages(link)
        self.standing: Standing | None = Standing("whole")

    async def on_start(self) -> None:
        """Look around now and then."""
        self.add_future(self._watch())

    async def on_stop(self) -> None:
        """Be listed no longer."""
        with contextlib.suppress(StorageError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await asyncio.to_thread(self._members.leave, self._own.name)

    async def _watch(self) -> None:
        while not self.should_stop:
            await self._look()
            if self._own.fills and self.standing is not None and self.standing.state != "whole":
                await self._fill()
            await self.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            self.standing = await asyncio.to_thread(self._announce)
            self._told.view(self.standing)
        except StorageError as error:
            if self.standing is not None:
                log.warning("Redis is away", error=str(error))
            self.standing = None
        self._told.server("redis", self.standing is not None)

    def _announce(self) -> Standing:
        self._members.announce(self._own.name, self._own.about, _now() + ALIVE)
        return self._view.standing()

    async def _fill(self) -> None:
        """Fill the lists, if no other worker does; what breaks it off is tried again at the next look."""
        try:
            if await asyncio.to_thread(self._begin, 0) is not None:
                await self._filled()
        except TakenError:
            log.warning("filling of the lists broken off: Redis was lost again, or another worker fills")
        except (StorageError, KafkaError, StreamError, OSError) as error:
            log.warning("filling of the lists broken off", error=str(error))

    async def _filled(self) -> None:
        changelog = () if self._entities is None else (changelog_of(ACCOUNT),)
        tps = [
            TopicPartition(self._cluster.name(topic), number)
            for topic in (*OPEN_STATES, *MESSAGES, *changelog)
            for number in range(self._cluster.partitions)
        ]
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            **self._cluster.options,
        )
        await consumer.start()
        try:
            consumer.assign(tps)
            begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
            total = sum(ends[tp] - begins[tp] for tp in tps)
            filling = await asyncio.to_thread(self._begin, total)
            if filling is not None:
                log.info("filling the lists", records=total)
                await self._read(consumer, filling, ends)
        finally:
            await consumer.stop()

    def _begin(self, total: int) -> Filling | None:
        return self._view.begin_filling(self._own.name, _now(), total)

    async def _read(
        self, consumer: AIOKafkaConsumer, filling: Filling, ends: Mapping[TopicPartition, int]
    ) -> None:
        """Hand in all that was there at the beginning, then call the lists whole."""
        await consumer.seek_to_beginning(*ends)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            if self.should_stop:
                return
            for records in (await consumer.getmany(timeout_ms=200, max_records=PAGE)).values():
                await asyncio.to_thread(self._hand_in, filling, records)
            await self._look()
        await asyncio.to_thread(filling.clear_former, _now)
        await asyncio.to_thread(filling.finish)
        await self._look()
        log.info("the lists are whole")

    def _hand_in(self, filling: Filling, records: Sequence[ConsumerRecord]) -> None:
        """A page of one partition: transitions, messages, or rows of entities."""
        found: Sequence[Logged | None] = ()
        topic = records[0].topic
        if self._entities is not None and topic == self._cluster.name(changelog_of(ACCOUNT)):
            changes = (change_of(record, record.timestamp / 1000) for record in records)
            self._entities.project(change for change in changes if change is not None)
        elif topic in map(self._cluster.name, MESSAGES):
            told = (told_of(self._cluster, record, record.timestamp / 1000) for record in records)
            self._messages.project(one for one in told if one is not None)
        else:
            found = [logged_of(self._cluster, record, record.headers) for record in records]
        filling.page([one for one in found if one is not None], _now(), len(records))


def others_url(url: str) -> str:
    """The URL that others reach this worker by, which listens at `url`."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    try:
        everywhere = ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return url
    return f"http://{socket.gethostname()}:{port}" if everywhere else url


def _now() -> int:
    return time.time_ns() // 1000
