"""One soak: servers up, events in, faults done, backlog worked off, workers stopped, books balanced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.integration.cluster.soak.faults import CUT, KINDS, Faults, plan
from tests.integration.cluster.soak.place import Place
from tests.integration.cluster.soak.sending import Sender
from tests.integration.cluster.soak.traffic import Traffic
from tests.integration.cluster.soak.watching import Watch

LOOK_SECONDS = 0.5
QUIET_SECONDS = 6.0
"""Longer than any wait of the rules: what falls due after the last event has come out."""


SHARE = 0.6
"""Of what the machine can do undisturbed: two workers must do what three did, and catch up."""

ALWAYS = 15
"""Records of each partition number that are always under way: ticks, echoes, watermarks."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. seconds: of events. beat: seconds between two kills. session: of a worker, seconds.

    patience: seconds that the backlog may take to be worked off at the end. trial: seconds of events before
    any fault, to find out what the machine can do; 0: the rate is taken as it is.
    """

    seconds: float
    rate: float
    beat: float
    session: float
    partitions: int
    patience: float
    trial: float


@dataclass(frozen=True, slots=True)
class Course:
    """What happened. rate: events a second that were offered. took: seconds until all were taken.

    drained: seconds that the backlog took at the end, None: it was not worked off.
    """

    sender: Sender
    watch: Watch
    faults: Faults
    rate: float
    took: float
    drained: float | None


async def run(wish: Wish, place: Place) -> Course:
    """Send while faults are done; wait for the backlog; stop the workers in good order."""
    addresses = [worker.address for worker in place.workers]
    watch, faults = Watch(place.cluster, place.workers), Faults(place, wish.session)
    kinds = tuple(kind for kind in KINDS if kind != CUT or place.cable is not None)
    async with watch.running():
        await in_force(place)
        rate = await possible(wish, place, watch) if wish.trial else wish.rate
        sender = Sender(Traffic(rate), place.cluster, addresses)
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(wish.seconds))
            group.create_task(faults.run(plan(wish.seconds, wish.beat, kinds)))
        took = time.monotonic() - begun
        drained = await worked_off(watch, place, wish.patience)
    await asyncio.to_thread(place.hand_over)
    return Course(sender, watch, faults, rate, took, drained)


async def possible(wish: Wish, place: Place, watch: Watch) -> float:
    """The rate that was asked for; less, when the machine could not catch up at that rate after faults."""
    traffic = Traffic(wish.rate, "t")
    sender = Sender(traffic, place.cluster, [worker.address for worker in place.workers])
    begun = time.monotonic()
    await sender.run(wish.trial)
    await until(lambda: at_rest(watch, place))
    reached = len(sender.sent) / (time.monotonic() - begun)
    watch.probes.clear()
    return min(wish.rate, max(50.0, reached * SHARE // 50 * 50))


async def in_force(place: Place) -> None:
    """Wait until the rules are brought in."""

    async def known() -> bool:
        return any(worker.brought_in("quote-out") for worker in place.workers)

    async with asyncio.timeout(60):
        await until(known)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again."""
    while True:
        if await holds():
            return
        await asyncio.sleep(LOOK_SECONDS)


async def at_rest(watch: Watch, place: Place) -> bool:
    """Whether all workers answer and nothing lags at any stage."""
    lag = await watch.lag()
    return lag is not None and lag < ALWAYS * place.cluster.partitions


async def worked_off(watch: Watch, place: Place, patience: float) -> float | None:
    """Wait until nothing lags at any stage and every message was mailed; seconds, None: it takes too long."""
    begun, quiet = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < patience:
        done = await at_rest(watch, place) and len(place.mails.counts) >= len(watch.messages)
        quiet = quiet + 1 if done else 0
        if quiet * LOOK_SECONDS >= QUIET_SECONDS:
            return passed - QUIET_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
    return None
