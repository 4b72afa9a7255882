"""All stages with 100 rules: cost of an event with one worker and two, latency."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice

from aiokafka.structs import RecordMetadata

from bench.cluster.entrants import PARTITIONS, Servers, ours_writes, started
from bench.cluster.ground import Ground, present, probe_account, probe_contract, told
from bench.cluster.worker import Worker, workspace
from bench.measure import Cost, Report, Size, quantile
from bench.workload import events, opening, people, people_file, rules
from schemas.envelope import Event
from streams.topology import ALERTS

PREFIX = "stages"
RULES = 100

RATE, PROBE_EVERY, GROUP = 1_000, 50, 5
"""Events offered per second, one in so many a probe, and so many sent together."""

SETTLE_SECONDS = 3.0


class Stages:
    """A cluster with the rules of the mix, and one or two workers."""

    def __init__(self, servers: Servers, ground: Ground, workers: Sequence[Worker], size: Size) -> None:
        self._servers, self._ground, self._workers = servers, ground, workers
        self._accounts, self.part = size.of(8_000, 1_000), size.of(10_000, 4_000)
        self._mix = events(10_000_000, self._accounts, known=True, seed=11)
        self.sent = 0

    async def warm(self) -> None:
        """Accounts and their opportunities; then some of the mix."""
        for first in range(0, self._accounts, 5_000):
            numbers = range(first, min(first + 5_000, self._accounts))
            await self._append(event for number in numbers for event in opening(number))
        await self._ground.worked_off()
        await self.round()

    async def round(self) -> Cost:
        """A part of the mix, to the last alert; CPU time of the workers that run."""
        running = [worker for worker in self._workers if worker.running]
        cpu, wall = sum(worker.cpu() for worker in running), time.perf_counter()
        await self._append(islice(self._mix, self.part))
        await self._ground.worked_off()
        return Cost(sum(worker.cpu() for worker in running) - cpu, time.perf_counter() - wall)

    async def second(self) -> None:
        """Start the second worker, and wait until both work."""
        await asyncio.to_thread(self._workers[1].start)
        await asyncio.sleep(SETTLE_SECONDS)
        await self._ground.worked_off()

    async def stop_second(self) -> None:
        """Stop the second worker in good order."""
        await asyncio.to_thread(self._workers[1].stop)
        await self._ground.worked_off()

    async def latencies(self, seconds: int) -> list[float]:
        """Seconds from the broker's append of a probe's record to its committed alert, under steady load."""
        probes = list(_probes(seconds * RATE // PROBE_EVERY))
        await self._append(probe_account(account) for account, _ in probes)
        await self._ground.worked_off()
        waiting = dict(zip([contract for _, contract in probes], await self._offer(probes), strict=True))
        await self._ground.arrived(waiting)
        appended = {name: ((await sent).timestamp or 0) / 1e3 for name, sent in waiting.items()}
        return [self._ground.when[name] - moment for name, moment in appended.items()]

    async def _offer(self, probes: Sequence[tuple[str, str]]) -> list[asyncio.Future[RecordMetadata]]:
        sent = []
        begun = time.perf_counter()
        for number in range(0, len(probes) * PROBE_EVERY, GROUP):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
            for event in islice(self._mix, GROUP):
                await self._ground.append_one(present(event))
            if number % PROBE_EVERY == 0:
                account, contract = probes[number // PROBE_EVERY]
                sent.append(await self._ground.append_one(probe_contract(contract, account)))
        return sent

    async def _append(self, some: Iterable[Event]) -> None:
        found = [present(event) for event in some]
        self.sent += len(found)
        await self._ground.append(found)


@contextlib.asynccontextmanager
async def _stages(servers: Servers, size: Size) -> AsyncIterator[Stages]:
    mix = rules(RULES)
    files = "---\n".join(text for _, text in mix), people_file()
    where = servers.folder / PREFIX
    space = workspace(where / "workspace", PREFIX, PARTITIONS, (servers.kafka, servers.redis), files)
    workers = [Worker(where / name, space) for name in ("first", "second")]
    writes = ours_writes(PREFIX, PARTITIONS)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(workers[1].kill)
        await stack.enter_async_context(started(workers[0]))
        await workers[0].ready(len(mix) + len(people()))
        ground = Ground(servers.kafka, PARTITIONS, f"{PREFIX}.{ALERTS}", writes, told)
        await stack.enter_async_context(ground)
        await ground.worked_off()
        yield Stages(servers, ground, workers, size)


async def measure(report: Report, servers: Servers, size: Size) -> None:
    """Cost with one worker and two in turn, latency with one."""
    one: list[Cost] = []
    two: list[Cost] = []
    async with _stages(servers, size) as stages:
        await stages.warm()
        for turn in range(size.rounds):
            one.append(await stages.round())
            if turn == 0:
                latencies = await stages.latencies(size.of(20, 8))
            await stages.second()
            two.append(await stages.round())
            if turn < size.rounds - 1:
                await stages.stop_second()
    report.rates(
        f"{RULES} rules, all stages: one worker", stages.part, one, goal="at least 5,000, aim 10,000"
    )
    report.rates(f"{RULES} rules, all stages: two workers, CPU of both", stages.part, two)
    report.ratio("cost of an event, two workers to one", two, one, goal="at most 1.15")
    for share, text in ((0.5, "p50"), (0.99, "p99"), (1.0, "slowest")):
        goal = "under 250 ms" if text == "p99" else ""
        value = quantile(latencies, share) * 1e3
        report.add(f"record in Kafka to alert in Kafka at {RATE:,} events/s, {text}", "ms", value, goal=goal)


def _probes(count: int) -> Iterator[tuple[str, str]]:
    return ((f"L{number}", f"HTL{number}") for number in range(count))
