"""What people ask of a worker by HTTP: lists from Redis, commands whose result comes by Kafka, used links.

Adapters only; the machines decide, on whatever worker they are.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from console.access import Access
from console.api import Api
from console.decisions import Decisions
from console.links import Signer
from schemas.errors import StagewatchError
from stagewatch.service.ports import ReaderView, WaitedCommands
from streams.kernel.contract import StorageError
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.publisher import Publisher
from streams.topology import RESULTS
from streams.views.redis import Link, RedisViewReader
from streams.views.redis.sharing import Claims

PATIENCE_SECONDS = 1.0
"""How long the lists may take to show what a command did."""

BACK_MS = 30_000

LINKS = "links"
"""Kind of the claims that say that a link was used."""

log = structlog.get_logger("stagewatch.web")


class RedisLinks:
    """`console.ports.UsedLinks` in Redis, shared by all workers.

    Without Redis a link may be used again; the machine then refuses what is decided already.
    """

    def __init__(self, link: Link) -> None:
        self._claims = Claims(link, LINKS)
        self._owners: dict[str, str] = {}

    async def claim(self, link: str, until: int) -> bool:
        """Mark the link as used; False when it was already."""
        owner = secrets.token_hex(8)
        try:
            won = await asyncio.to_thread(self._claims.claim, link, owner, until, _now())
        except StorageError as error:
            log.warning("used links are not remembered", error=str(error))
            return True
        if won:
            self._owners[link] = owner
        return won

    async def release(self, link: str) -> None:
        """Take a claim back."""
        owner = self._owners.pop(link, None)
        if owner is not None:
            await asyncio.to_thread(self._claims.release, link, owner)


class ResultsService(Service):
    """Hears what became of commands, whichever worker sent them. Runs while Faust runs."""

    def __init__(self, cluster: Cluster, told: Callable[[Mapping[str, Any]], None], **more: Any) -> None:
        super().__init__(**more)
        self._cluster, self._told = cluster, told

    async def on_start(self) -> None:
        """Listen, also for what came while the worker was starting: HTTP was first."""
        self.add_future(self._listen())

    async def _listen(self) -> None:
        while not self.should_stop:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                log.warning("results not read, tried again", error=str(error))
                await self.sleep(1)

    async def _read(self) -> None:
        name = self._cluster.name(RESULTS)
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            **self._cluster.options,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(name, number) for number in range(self._cluster.partitions)]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            found = await consumer.offsets_for_times(dict.fromkeys(tps, _now() // 1000 - BACK_MS))
            for tp, end in ends.items():
                consumer.seek(tp, end if found.get(tp) is None else found[tp].offset)
            while not self.should_stop:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        self._tell(record.value)
        finally:
            await consumer.stop()

    def _tell(self, raw: bytes | None) -> None:
        try:
            self._told(value_of(raw))
        except StagewatchError as error:
            log.warning("result not readable", **error.to_dict())


@dataclass(frozen=True, slots=True)
class Web:
    """What a worker of role intake serves to people; `told` wants every result."""

    api: Api
    decisions: Decisions
    told: Callable[[Mapping[str, Any]], None]


def web_of(access: Access, link: Link, publisher: Publisher, signer: Signer, zone: ZoneInfo) -> Web:
    """Lists from Redis, commands by Kafka."""
    view = ReaderView(RedisViewReader(link), threaded=True)
    commands = WaitedCommands(view, lambda entry: publisher.submit([entry]), PATIENCE_SECONDS)
    decisions = Decisions(signer, view, commands, RedisLinks(link), _now, zone)
    return Web(Api(access, view, commands), decisions, commands.told)


def _now() -> int:
    return time.time_ns() // 1000
