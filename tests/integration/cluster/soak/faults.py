"""What is done to the servers of a soak, and when. The plan is pure, doing it is not.

A worker is killed at every beat. Between two beats, once each: a worker's network is cut past its session,
the broker is killed, Redis is emptied, a worker is frozen past its session. Who is frozen or cut is not
killed, and one worker is always left in peace.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis

from tests.integration.cluster.soak.place import Place, SoakWorker

KILL, CUT, BROKER, FLUSH, FREEZE = (
    "worker killed",
    "network cut",
    "Kafka killed",
    "Redis flushed",
    "worker frozen",
)
KINDS = (KILL, CUT, BROKER, FLUSH, FREEZE)
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come, so many seconds after the first event."""

    kind: str
    at: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was. worker: "" when it was no worker's. begun, ended: seconds since the epoch."""

    kind: str
    worker: str
    begun: float
    ended: float


def plan(seconds: float, beat: float, kinds: tuple[str, ...] = KINDS) -> list[Planned]:
    """The faults of so many seconds, in their order; nothing in the first beat.

    >>> [one.at for one in plan(20, 5, (KILL, FLUSH))]
    [5, 7.5, 10, 15]
    """
    kills = [Planned(KILL, number * beat) for number in range(1, int((seconds - 1) / beat) + 1)]
    others = [kind for kind in kinds if kind != KILL]
    apart = max(1, len(kills) // (len(others) + 1))
    once = [Planned(kind, ((number + 1) * apart + 0.5) * beat) for number, kind in enumerate(others)]
    return sorted((one for one in (*kills, *once) if one.at < seconds), key=lambda one: one.at)


class Faults:
    """Does what was planned. done: what was, in the order of its end. session: of a worker, seconds."""

    def __init__(self, place: Place, session: float) -> None:
        self._place, self._past = place, 1.5 * session + 1
        self._draw = random.Random(1)
        self._away: set[str] = set()
        self._door = asyncio.Semaphore(len(place.workers) - 1)
        self._do = {
            KILL: self._kill, CUT: self._cut, BROKER: self._broker, FLUSH: self._flush, FREEZE: self._freeze,
        }  # fmt: skip
        self.done: list[Fault] = []

    async def run(self, planned: list[Planned]) -> None:
        """All of them; returns when the last is over."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for one in planned:
                await asyncio.sleep(max(0.0, begun + one.at - time.monotonic()))
                group.create_task(self._do[one.kind]())

    # -- inside --------------------------------------------------------------------------------------------

    async def _kill(self) -> None:
        async with self._door:
            worker = self._any()
            with self._noted(KILL, worker):
                await asyncio.to_thread(worker.kill)
                await asyncio.to_thread(worker.start)

    async def _freeze(self) -> None:
        async with self._door:
            worker = self._any()
            with self._noted(FREEZE, worker):
                worker.freeze()
                await asyncio.sleep(self._past)
                worker.wake()

    async def _cut(self) -> None:
        cable = self._place.cable
        if cable is None:
            raise RuntimeError("there is no cable")
        async with self._door:
            with self._noted(CUT, self._place.workers[-1]):
                await asyncio.to_thread(cable.cut)
                await asyncio.sleep(self._past)
                await asyncio.to_thread(cable.heal)

    async def _broker(self) -> None:
        with self._noted(BROKER):
            await asyncio.to_thread(self._place.kafka.kill)
            await asyncio.to_thread(self._place.kafka.start)

    async def _flush(self) -> None:
        with self._noted(FLUSH), redis.Redis.from_url(self._place.redis.url) as client:
            await asyncio.to_thread(client.flushall)

    def _any(self) -> SoakWorker:
        return self._draw.choice([one for one in self._place.workers if one.name not in self._away])

    @contextlib.contextmanager
    def _noted(self, kind: str, worker: SoakWorker | None = None) -> Iterator[None]:
        """Leave the worker in peace meanwhile; note the fault at its end."""
        name = NOBODY if worker is None else worker.name
        self._away.add(name)
        begun = time.time()
        yield
        self.done.append(Fault(kind, name, begun, time.time()))
        self._away.discard(name)
