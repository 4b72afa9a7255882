"""Who is measured: this project's worker, a peer's process, the embedded runtime; all take one story."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.cluster.ground import Alert, Ground, Sent, Writes, told
from bench.cluster.peers.deals import COUNT, PEOPLE, RULES, Story
from bench.cluster.process import Measured
from bench.cluster.worker import Worker, workspace
from bench.measure import Cost
from schemas.canonical import partition_of
from schemas.envelope import Event
from streams.kernel.contract import Record
from streams.runtimes.cluster.codec import line
from streams.runtimes.memory import entry_of
from streams.topology import ALERTS

HOME = Path(__file__).parents[2]
PEERS = HOME / "build" / "peers"
"""What only peers need; made by `make bench-cluster`. It goes before the project's own packages."""

PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Servers:
    """Address of Kafka, URL of Redis, and a folder for whatever is written."""

    kafka: str
    redis: str
    folder: Path


class Entrant(Protocol):
    """Takes the story in parts; what a part costs it."""

    async def warm(self) -> None:
        """Take the opening."""
        ...

    async def part(self, events: Sequence[Event]) -> Cost:
        """Take a part, to the last output."""
        ...


class OnKafka:
    """A process that reads its events from Kafka and writes alerts there."""

    def __init__(self, process: Measured, ground: Ground, story: Story) -> None:
        self.process, self.ground, self._story = process, ground, story

    async def warm(self) -> None:
        """Take the opening."""
        await self.ground.worked_off()
        await self.ground.append(self._story.opening())
        await self.ground.worked_off()

    async def part(self, events: Iterable[Event]) -> Cost:
        """Take a part, to the last alert of the probes behind it."""
        cpu, wall = self.process.cpu(), time.perf_counter()
        await self.ground.append(events)
        await self.ground.worked_off()
        return Cost(self.process.cpu() - cpu, time.perf_counter() - wall)


# -- this project ------------------------------------------------------------------------------------------


def ours_writes(prefix: str, partitions: int) -> Writes:
    """Events as the intake appends them."""

    def writes(event: Event) -> Sent:
        entry = entry_of(event, 0)
        key, value, headers = line(Record(entry.topic, entry.key, entry.kind, entry.value, 0))
        number = partition_of(entry.key, partitions)
        return f"{prefix}.{entry.topic}", number, key or b"", value or b"", headers

    return writes


@contextlib.asynccontextmanager
async def ours(servers: Servers, prefix: str, story: Story) -> AsyncIterator[OnKafka]:
    """A worker over the three rules."""
    where = servers.folder / prefix
    addresses = (servers.kafka, servers.redis)
    space = workspace(where / "workspace", prefix, PARTITIONS, addresses, (RULES, PEOPLE))
    worker = Worker(where / "worker", space)
    writes = ours_writes(prefix, PARTITIONS)
    async with started(worker):
        await worker.ready(COUNT)
        async with Ground(servers.kafka, PARTITIONS, f"{prefix}.{ALERTS}", writes, told) as ground:
            yield OnKafka(worker, ground, story)


# -- peers -------------------------------------------------------------------------------------------------


class Peer(Measured):
    """A peer's process, in an environment of its own."""

    def __init__(self, name: str, servers: Servers, prefix: str) -> None:
        super().__init__(servers.folder / prefix)
        self._words = [name, servers.kafka, prefix]

    def environment(self) -> Mapping[str, str]:
        """Ours, with its own packages in front."""
        return {**os.environ, "PYTHONPATH": f"{PEERS}:{HOME}", "PYTHONWARNINGS": "ignore"}

    def command(self) -> Sequence[str]:
        """The peer; its state is kept in a folder that a killed one finds again."""
        name, *words = self._words
        module = f"bench.cluster.peers.{name}"
        return [sys.executable, "-m", module, *words, str(self.folder / "state"), str(PARTITIONS)]

    def answers(self) -> bool:
        """It has no port: probes tell when it works."""
        return self.running


@contextlib.asynccontextmanager
async def peer(servers: Servers, name: str, prefix: str, story: Story) -> AsyncIterator[OnKafka]:
    """A peer with its topics."""
    topics = [NewTopic(f"{prefix}.{topic}", PARTITIONS, 1) for topic in ("events", "alerts", "checks")]
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    try:
        await admin.create_topics(topics)
    finally:
        await admin.close()

    def writes(event: Event) -> Sent:
        account = event.data["account"]
        value = {"id": event.id, "type": event.type, "time": event.time, "data": event.data}
        number = partition_of(f"account:{account}", PARTITIONS)
        return f"{prefix}.events", number, account.encode(), msgspec.json.encode(value), []

    process = Peer(name, servers, prefix)
    async with (
        started(process),
        Ground(servers.kafka, PARTITIONS, f"{prefix}.alerts", writes, told) as ground,
    ):
        yield OnKafka(process, ground, story)


@contextlib.asynccontextmanager
async def started(process: Measured) -> AsyncIterator[None]:
    """A process, started and at the end killed."""
    await asyncio.to_thread(process.start)
    try:
        yield
    finally:
        process.kill()


# -- the embedded runtime ----------------------------------------------------------------------------------


class Embedded:
    """The embedded runtime in a process of its own, which makes the story by itself."""

    def __init__(self, folder: Path, story: Story, parts: int) -> None:
        within = -1 if story.within is None else story.within
        numbers = (story.accounts, story.more, story.base, within, parts)
        module = "bench.cluster.peers.embedded"
        self._command = [sys.executable, "-m", module, str(folder), *map(str, numbers)]
        self._cpu = 0.0
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, perhaps again."""
        self.process = subprocess.Popen(
            self._command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self.process

    async def warm(self) -> None:
        """Take the opening."""
        self._cpu = float(await self._told())

    async def part(self, events: Iterable[Event]) -> Cost:
        """Take the next part."""
        begun = time.perf_counter()
        self.go()
        before, self._cpu = self._cpu, float(await self._told())
        return Cost(self._cpu - before, time.perf_counter() - begun)

    def go(self) -> None:
        """Let it begin a part."""
        if self.process.stdin is not None:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()

    async def alerts(self) -> Counter[Alert]:
        """The first transitions of alerts that it told at last."""
        found = msgspec.json.decode(await self._told(), type=list[msgspec.Raw])
        return Counter(alert for one in found if (alert := told(bytes(one))) is not None)

    async def _told(self) -> bytes:
        stream = self.process.stdout
        return b"" if stream is None else await asyncio.to_thread(stream.readline)


@contextlib.asynccontextmanager
async def embedded(servers: Servers, story: Story, parts: int, name: str) -> AsyncIterator[Embedded]:
    """The embedded runtime on a new workspace."""
    made = Embedded(servers.folder / name, story, parts)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()
