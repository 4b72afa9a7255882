"""The same work done by this project and by its peers, on one Kafka, in one run: cost, and one kill.

Who is measured is started and warmed up first; then each does its part of a round in turn (A B A B). CPU time
of its process counts, from the sending of a part to the last alert of the probes behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import islice

from bench.cluster.entrants import Embedded, Entrant, OnKafka, Servers, embedded, ours, peer
from bench.cluster.ground import Alert, now
from bench.cluster.peers.deals import LARGE, Story
from bench.measure import Cost, Report, Size
from schemas.envelope import Event
from schemas.time import SECOND

OURS, FAUST, QUIX, EMBEDDED = "this project", "plain Faust", "Quix Streams", "embedded runtime"
SMALL = "this project, few customers"

KILL_SECONDS = 60
"""After so long the deadlines of a run with a kill pass: everything has been sent and read by then."""

SEND_SECONDS = 16
LAST_SECONDS = 30
PAGES = 80


# -- what an event costs -----------------------------------------------------------------------------------


async def cost(report: Report, servers: Servers, size: Size) -> None:
    """Rates of all, side by side, and their ratios; the same with few customers."""
    accounts, part = size.of(100_000, 4_000), size.of(20_000, 6_000)
    story = Story(accounts, part * size.rounds, now())
    few = Story(size.of(1_500, 400), part * size.rounds, now())
    async with AsyncExitStack() as stack:
        entrants: dict[str, Entrant] = {
            OURS: await stack.enter_async_context(ours(servers, "ours", story)),
            SMALL: await stack.enter_async_context(ours(servers, "few", few)),
            FAUST: await stack.enter_async_context(peer(servers, "plain_faust", "faust", story)),
            QUIX: await stack.enter_async_context(peer(servers, "quix", "quix", story)),
            EMBEDDED: await stack.enter_async_context(embedded(servers, story, size.rounds, "embedded")),
        }
        for entrant in entrants.values():
            await entrant.warm()
        costs = await _rounds(entrants, {SMALL: few}, story, size.rounds)
    _tell(report, costs, part, accounts, few.accounts)


async def _rounds(
    entrants: dict[str, Entrant], others: dict[str, Story], story: Story, rounds: int
) -> dict[str, list[Cost]]:
    """Each in turn takes its next part. others: who has another story than `story`."""
    streams = {name: others.get(name, story).later() for name in entrants}
    costs: dict[str, list[Cost]] = {name: [] for name in entrants}
    for _ in range(rounds):
        for name, entrant in entrants.items():
            costs[name].append(await entrant.part(list(islice(streams[name], story.more // rounds))))
    return costs


def _tell(report: Report, costs: dict[str, list[Cost]], part: int, accounts: int, few: int) -> None:
    for name in (OURS, FAUST, QUIX, EMBEDDED):
        report.rates(f"three rules, {accounts:,} customers: {name}", part, costs[name])
    for name, goal in ((FAUST, "at least 2"), (QUIX, "at least 1"), (EMBEDDED, "")):
        report.ratio(f"rate of this project to {name}", costs[name], costs[OURS], goal=goal)
    what = f"cost of an event with {accounts:,} customers to {few:,}"
    report.ratio(what, costs[OURS], costs[SMALL], goal="at most 1.3")


# -- one kill ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of the alerts of a story."""

    expected: int
    lost: int
    doubled: int
    false: int

    @classmethod
    def of(cls, wanted: set[Alert], found: Counter[Alert]) -> Balance:
        """Compare."""
        known = Counter({alert: count for alert, count in found.items() if not _is_probe(alert)})
        return cls(
            len(wanted),
            len(wanted - known.keys()),
            sum(count - 1 for count in known.values()),
            len(known.keys() - wanted),
        )


async def kills(report: Report, servers: Servers, size: Size) -> None:
    """Each is killed with -9 in the middle of its input and started again; what is lost or told twice."""
    numbers = size.of(3_000, 600), size.of(12_000, 3_000)
    async with AsyncExitStack() as stack:
        story = Story(*numbers, now())
        on_kafka: dict[str, OnKafka] = {
            OURS: await stack.enter_async_context(ours(servers, "killed", story)),
            FAUST: await stack.enter_async_context(peer(servers, "plain_faust", "kfaust", story)),
            QUIX: await stack.enter_async_context(peer(servers, "quix", "kquix", story)),
        }
        await asyncio.gather(*(entrant.ground.worked_off() for entrant in on_kafka.values()))
        story = Story(*numbers, now(), KILL_SECONDS * SECOND)
        alone = await stack.enter_async_context(embedded(servers, story, 2, "kembedded"))
        found = await asyncio.gather(
            *(_killed(entrant, story) for entrant in on_kafka.values()), _killed_embedded(alone)
        )
    for name, (counted, seconds) in zip([*on_kafka, EMBEDDED], found, strict=True):
        balance = Balance.of(story.alerts(), counted)
        what = f"one kill -9, {balance.expected:,} alerts: {name}"
        report.add(f"{what}, lost", "alerts", balance.lost)
        report.add(f"{what}, told twice", "alerts", balance.doubled)
        report.add(f"{what}, told wrongly", "alerts", balance.false)
        if seconds:
            report.add(f"{what}, to be level again", "s", seconds, digits=1)


async def _killed(entrant: OnKafka, story: Story) -> tuple[Counter[Alert], float]:
    """The story at a steady pace, killed in the middle, started at once; alerts, and time to be level."""
    ground, killed = entrant.ground, 0.0
    pages = list(_pages([*story.opening(), *story.later()]))
    begun = time.monotonic()
    for number, page in enumerate(pages):
        await asyncio.sleep(max(0.0, begun + number * SEND_SECONDS / len(pages) - time.monotonic()))
        await ground.append(page)
        if number == len(pages) // 2:
            entrant.process.kill()
            killed = time.monotonic()
            await asyncio.to_thread(entrant.process.start)
            level = asyncio.create_task(_level(entrant, killed))
    seconds = await level
    wanted = {entity for _, entity in story.alerts()}
    await asyncio.sleep(max(0.0, story.base / SECOND + KILL_SECONDS - time.time()))
    with suppress(TimeoutError):  # what is missing is counted
        await ground.arrived(wanted, LAST_SECONDS)
    await asyncio.sleep(3)
    return ground.found.copy(), seconds


async def _level(entrant: OnKafka, killed: float) -> float:
    """Seconds from the kill until what was sent just after it is worked off."""
    await entrant.ground.worked_off()
    return time.monotonic() - killed


async def _killed_embedded(alone: Embedded) -> tuple[Counter[Alert], float]:
    """The embedded runtime is killed within its second part, and takes all again from the beginning."""
    await alone.warm()
    await alone.part(())
    alone.go()
    await asyncio.sleep(0.3)
    alone.process.kill()
    alone.process.communicate()
    alone.start()
    await alone.warm()
    for _ in range(2):
        await alone.part(())
    return await alone.alerts(), 0.0


def _pages(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    size = -(-len(events) // PAGES)
    return (events[first : first + size] for first in range(0, len(events), size))


def _is_probe(alert: Alert) -> bool:
    return alert[0] == LARGE and alert[1].startswith("HT")
