"""How long one of two workers is missed after a kill -9, when a partition of it has 100,000 rows.

The worker that is left has no file of what it takes over: all rows come from Kafka.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from bench.cluster.entrants import PARTITIONS, Servers, ours_writes, started
from bench.cluster.ground import Ground, present, told
from bench.cluster.worker import Worker, workspace
from bench.measure import Report, Size
from bench.workload import opening, people, people_file, rules
from schemas.canonical import partition_of
from schemas.topics import changelog_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.kept import consumer_of, read_to_end
from streams.topology import ALERTS

ROWS = 100_000
RULES = 10
SESSIONS_MS = (3_000, 6_000)
"""Workers are missed after so long; a broker must allow it (`group.min.session.timeout.ms`)."""

MACHINE, NUMBER = "account", 0
DEALS, PAGE = 8, 800
"""Opportunities of an account, and accounts that are sent together."""

SETTLE_SECONDS = 3.0
GOAL = "under 5 s for 100,000 rows"


async def failover(report: Report, servers: Servers, size: Size) -> None:
    """A kill for each length of a session."""
    for session_ms in SESSIONS_MS[: size.of(len(SESSIONS_MS), 1)]:
        async with _pair(servers, session_ms) as pair:
            rows = await pair.fill()
            seconds = await pair.kill()
        what = f"kill -9 of one of two workers, session of {session_ms / 1000:g} s"
        report.add(f"{what}, to alerts of all partitions", "s", seconds, goal=GOAL, digits=1)
        report.add(f"{what}, rows of the largest partition", "rows", rows)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two workers that share the partitions of a cluster."""

    cluster: Cluster
    ground: Ground
    workers: Sequence[Worker]

    async def fill(self) -> int:
        """Send accounts of one partition until it has its rows; how many it has."""
        accounts, rows = _accounts(self.cluster.partitions), 0
        while rows < ROWS:
            page = itertools.islice(accounts, PAGE)
            await self.ground.append(present(event) for number in page for event in opening(number, DEALS))
            await self.ground.worked_off()
            rows = await self._rows()
        return rows

    async def kill(self) -> float:
        """Kill who has it; seconds until what comes then has its alert in every partition."""
        label = f'machine="{MACHINE}",partition="{NUMBER}"'
        await asyncio.sleep(SETTLE_SECONDS)
        owned = [
            await asyncio.to_thread(one.metric, "stagewatch_partition_owned", label) for one in self.workers
        ]
        begun = time.monotonic()
        next(one for one, has in zip(self.workers, owned, strict=True) if has == [1]).kill()
        await self.ground.worked_off()
        return time.monotonic() - begun

    async def _rows(self) -> int:
        tp = TopicPartition(self.cluster.name(changelog_of(MACHINE)), NUMBER)
        found: set[bytes | None] = set()
        async with consumer_of(self.cluster) as consumer:
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            async for record in read_to_end(consumer, [tp]):
                (found.discard if record.value is None else found.add)(record.key)
        return len(found)


@contextlib.asynccontextmanager
async def _pair(servers: Servers, session_ms: int) -> AsyncIterator[Pair]:
    mix, prefix = rules(RULES), f"failover-{session_ms}"
    files = "---\n".join(text for _, text in mix), people_file()
    where = servers.folder / prefix
    addresses = (servers.kafka, servers.redis)
    space = workspace(where / "workspace", prefix, PARTITIONS, addresses, files, session_ms)
    cluster = Cluster({"bootstrap_servers": servers.kafka}, where, prefix, PARTITIONS)
    workers = [Worker(where / name, space) for name in ("first", "second")]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(started(workers[0]))
        await workers[0].ready(len(mix) + len(people()))
        await stack.enter_async_context(started(workers[1]))
        ground = Ground(
            servers.kafka, PARTITIONS, f"{prefix}.{ALERTS}", ours_writes(prefix, PARTITIONS), told
        )
        await stack.enter_async_context(ground)
        yield Pair(cluster, ground, workers)


def _accounts(partitions: int) -> Iterator[int]:
    """Numbers of accounts whose rows are in the partition."""
    return (n for n in itertools.count() if partition_of(f"account:A{n}", partitions) == NUMBER)
