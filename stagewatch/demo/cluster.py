"""The demo on a cluster that runs already: the same organisation, events, stories and mails.

A cluster takes its time from the broker, which knows of no faster one. So the demo's is a trial (`[cluster]
trial`): records of the past bring their logical time with them, and time passes by ticks that the demo
appends; workers treat them as any. It must not start or stop servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self

from aiokafka import AIOKafkaProducer

from connectors.sources.files import Imported
from schemas.canonical import partition_of
from schemas.time import DAY
from stagewatch.commands.output import Language
from stagewatch.demo.ground import Hear, Living, Stands, Verdict
from stagewatch.demo.heard import Heard
from stagewatch.demo.past import Past, Told, read_past
from stagewatch.demo.plan import Plan
from stagewatch.demo.proof import balance, replayed
from stagewatch.demo.stories import Story, World
from stagewatch.demo.tally import Tally
from stagewatch.demo.words import word
from stagewatch.settings import Settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.rulefiles import read_rules
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.ticker import Ticker
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.embedded.clock import ScaledClock
from streams.runtimes.memory import entry_of

TICK: Final = 0.25
"""Seconds between ticks."""

STEP: Final = 10 * DAY
"""So much of the past is worked off before more is appended; at first a day: people, rates, customers."""

QUIET: Final = 1.0
"""Seconds without anything new that mean that all has been told."""

BEHIND: Final = 15.0
"""Seconds that a worker may be behind at the end."""

PATIENCE: Final = 60.0
"""Seconds for the workers to take up work, and for each step of the past."""


class Plot(Protocol):
    """What happens to the cluster meanwhile."""

    story: Story

    async def run(self, world: World, heard: Heard) -> None:
        """Play it to its end."""
        ...

    def verdict(self) -> Verdict:
        """What it has to say at the end, beside the books."""
        ...


@dataclass(frozen=True, slots=True)
class Reached:
    """How the cluster is reached. urls: of its workers. token: of a sender of events. mail_port: where they
    expect a mail server. parked: asks the workers how many events wait for an unknown customer.
    """

    urls: Sequence[str]
    token: str
    mail_port: int
    parked: Callable[[], int]


class OnCluster:
    """See `Ground`."""

    limit, patience = 180.0, 45.0

    def __init__(
        self, workspace: Workspace, settings: Settings, reached: Reached, plot: Plot, language: Language
    ) -> None:
        self.workspace, self.settings, self._language = workspace, settings, language
        self.stories: Sequence[Story] = (plot.story,)
        self.mail_port = reached.mail_port
        self._reached, self._plot = reached, plot
        self._cluster = cluster_of(workspace, settings, Run())
        self._heard = Heard(self._cluster)
        self._past: set[tuple[str, str]] = set()
        self._rate = 0.0

    # -- the past ------------------------------------------------------------------------------------------

    def remember(self, file: Path, told: Told) -> Past:
        """See `Ground.remember`. Raises TimeoutError when the workers do not take up work."""
        return asyncio.run(self._remember(file, told))

    async def _remember(self, file: Path, told: Told) -> Past:
        await ensure_topics(self._cluster)
        now = time.time_ns() // 1000
        events, report = await asyncio.to_thread(read_past, file, self.settings, now, told)
        self._past = {(one.event.source, one.event.id) for one in events}
        rules = {rule.id for rule in read_rules([self.workspace.rules]).rules}
        heard = self._heard
        async with heard.following(lambda _: None), _producer(self._cluster) as producer:
            await self._come(lambda: rules <= heard.rules, "take up work")
            begun = time.perf_counter()
            await self._append(producer, events, now, told)
            await heard.quiet(QUIET)  # merged customers are still brought together
            seconds = time.perf_counter() - begun
        self._rate = len(events) / seconds
        refused = sum(part.rows_rejected for part in report.files)
        parked = len(self._past - set(heard.events))
        return Past(len(events), refused, parked, len(heard.notes), seconds, now, heard.standing())

    async def _come(self, true: Callable[[], bool], what: str) -> None:
        """Wait until the workers have come so far."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._heard.until(true)
        except TimeoutError:
            raise TimeoutError(f"the workers do not {what} within {PATIENCE:.0f} s") from None

    async def _append(
        self, producer: AIOKafkaProducer, events: Sequence[Imported], now: int, told: Told
    ) -> None:
        """The events with the time of their arrival, in steps, each with a tick at its end."""
        cluster, heard, ticker = self._cluster, self._heard, Ticker(self._cluster, producer)
        end = events[0].arrival + DAY
        for count, item in enumerate(events):
            at = min(item.arrival, now)
            if at > end:
                told("import", count, len(events))
                await _tick(ticker, producer, cluster, end)
                await self._come(partial(heard.worked_off, end), "take in ten days of the past")
                end = at + STEP
            entry = entry_of(item.event, at, hist=now, namespaces=self.settings.namespaces)
            number = 0 if entry.key == SHARED else partition_of(entry.key, cluster.partitions)
            key, value, headers = line(Record(entry.topic, entry.key, entry.kind, entry.value, at))
            topic = cluster.name(entry.topic)
            await producer.send(topic, key=key, value=value, headers=headers, partition=number)
        await _tick(ticker, producer, cluster, now)
        await self._come(partial(heard.worked_off, now), "take in the past")
        told("import", len(events), len(events))

    # -- life ----------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def live(self, plan: Plan, mail_port: int, hear: Hear) -> AsyncIterator[Living]:
        """See `Ground.live`."""
        clock = ScaledClock(plan.scale)
        async with (
            self._heard.following(hear),
            _producer(self._cluster) as producer,
            _Time(self._cluster, producer, clock) as passing,
        ):
            yield Living(self._reached.urls, self._reached.token, clock.now, self._settled(passing))
            await passing.stop()
            await self._read_to_the_end()

    async def _read_to_the_end(self) -> None:
        """A worker that is behind may still write what follows from the log; what is lost never comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEHIND):
                while replayed(self._heard.entries) - set(self._heard.transitions):
                    await self._heard.quiet(QUIET)

    def _settled(self, passing: _Time) -> Callable[[], Awaitable[bool]]:
        """Time stands still from the first time on that it is asked: then nothing new falls due."""
        heard = self._heard

        async def settled() -> bool:
            at = await passing.stop()
            await heard.quiet(QUIET)
            return heard.settled and heard.worked_off(at)

        return settled

    async def act(self, world: World) -> None:
        """See `Ground.act`."""
        await self._plot.run(world, self._heard)

    # -- the end -------------------------------------------------------------------------------------------

    def stands(self) -> Stands:
        """See `Ground.stands`."""
        messages = Counter(self._heard.sent.get(note, "waiting") for note in self._heard.notes)
        return Stands(self._heard.states(), messages, self._heard.letters)

    def verdict(self, tally: Tally) -> Verdict:
        """See `Ground.verdict`: what was lost or doubled, by its own log."""
        books = balance(self._heard, self._past | set(tally.taken), self._parked)
        text = word(
            "books.are", self._language, events=books.events, changes=books.changes, lost=books.lost,
            false=books.false,
        )  # fmt: skip
        promised = {"nothing was lost": not books.lost, "nothing is too much": not books.false}
        said = self._plot.verdict()
        return replace(
            said,
            rows=[("rate", f"{self._rate:,.0f}/s"), *said.rows, ("books", text)],
            promised={**promised, **said.promised},
            facts={"books": asdict(books), "history_events_per_second": round(self._rate), **said.facts},
            in_hand=1,
        )

    def _parked(self, missing: int) -> int:
        """Events that wait for their customer, as soon as the workers say what they have."""
        deadline = time.monotonic() + 5
        while (found := self._reached.parked()) != missing and time.monotonic() < deadline:
            time.sleep(TICK)
        return found


class _Time:
    """Appends ticks until it is stopped."""

    def __init__(self, cluster: Cluster, producer: AIOKafkaProducer, clock: ScaledClock) -> None:
        self._cluster, self._producer, self._clock = cluster, producer, clock
        self._ticker = Ticker(cluster, producer)
        self._stopping = asyncio.Event()
        self._last = -1

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> int:
        """The logical time (us) at which it stopped."""
        self._stopping.set()
        await self._task
        return self._last

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._last = self._clock.now()
            await _tick(self._ticker, self._producer, self._cluster, self._last)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK)


async def _tick(ticker: Ticker, producer: AIOKafkaProducer, cluster: Cluster, at: int) -> None:
    """It is `at` us, behind all that was appended."""
    await producer.flush()
    for number in range(cluster.partitions):
        await ticker.tick(number, at)
    await producer.flush()


@contextlib.asynccontextmanager
async def _producer(cluster: Cluster) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(enable_idempotence=True, linger_ms=5, **cluster.options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
