"""The simulated world: a clock, a queue of processes, and what they share; no events of its own.

A process is a generator that yields the instant (us) at which it wants to go on. The world runs the earliest;
equal instants go by the order in which they were asked for, so one seed gives one history.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from random import Random

from connectors.sources.simulator.draft import Draft, Json
from connectors.sources.simulator.instants import HOUR, working
from connectors.sources.simulator.organisation import Organisation
from schemas.time import DAY

Process = Generator[int, None, None]

TOUCH_DAYS = {"S": 6.0, "A": 9.0, "B": 20.0, "C": 45.0}
"""Mean days between two contacts of a customer outside any deal, by tier."""


@dataclass(slots=True, eq=False)
class Customer:
    """An account; `erp` is its customer code in the ERP, `owner` changes hands."""

    id: str
    erp: str
    name: str
    tier: str
    industry: str
    region: str
    city: str
    owner: str
    contacts: list[str] = field(default_factory=list)
    ended: bool = False
    """Merged into another account; nothing new happens under this id."""


@dataclass(slots=True, eq=False)
class Deal:
    """An opportunity; amount in whole units of `currency`."""

    id: str
    customer: Customer
    owner: str
    name: str
    amount: int
    currency: str = "CNY"
    stage: str = "opportunity"


@dataclass(slots=True)
class World:
    """State shared by the processes. `scale` multiplies customers and enquiries, not people."""

    org: Organisation
    start: int
    scale: float = 1.0
    now: int = 0
    rng: Random = field(init=False)
    customers: list[Customer] = field(default_factory=list)
    deals: dict[str, Deal] = field(default_factory=dict)
    leaves: dict[str, tuple[int, int]] = field(default_factory=dict)
    _queue: list[tuple[int, int, Process]] = field(default_factory=list)
    _drafts: list[Draft] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _asked: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.org.seed}/world")
        self.now = self.start

    def run(self) -> Iterator[tuple[int, list[Draft]]]:
        """(instant us, what happened then), in order of time, for as long as there are processes."""
        while self._queue:
            self.now, _, process = heapq.heappop(self._queue)
            following = next(process, None)
            if following is not None:
                self._push(max(following, self.now), process)
            if self._drafts:
                yield self.now, self.take()

    def take(self) -> list[Draft]:
        """What was emitted and not yet taken."""
        drafts, self._drafts = self._drafts, []
        return drafts

    def spawn(self, process: Process, at: int | None = None) -> None:
        """Start a process at `at` (us), default now."""
        self._push(self.now if at is None else at, process)

    def emit(self, event_type: str, subject: str, data: dict[str, Json], *, day: bool = False) -> Draft:
        """Something happens now. Returns the draft; its id can be named by a correction."""
        kind = event_type.partition(".")[0]
        draft = Draft(self.number("e", 6), event_type, self.now, subject, {kind: subject, **data}, day)
        draft.id = f"{draft.source.partition('/')[0]}-{draft.id[1:]}"
        self._drafts.append(draft)
        return draft

    def number(self, prefix: str, width: int = 5) -> str:
        """The next id of a kind: A00001, A00002, ..."""
        self._counts[prefix] = count = self._counts.get(prefix, 0) + 1
        return f"{prefix}{count:0{width}d}"

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def later(self, low: float, high: float, person: str | None = None) -> int:
        """A working instant `low` to `high` days from now, after the leave of `person` if that covers it."""
        at = self.now + round(self.rng.uniform(low, high) * DAY)
        leave = self.leaves.get(person or "")
        if leave is not None and leave[0] <= at < leave[1]:
            at = leave[1]
        return working(at, self.rng)

    def hours(self, low: float, high: float) -> int:
        """An instant `low` to `high` hours from now, at whatever time of day."""
        return self.now + round(self.rng.uniform(low, high) * HOUR)

    def _push(self, at: int, process: Process) -> None:
        self._asked += 1
        heapq.heappush(self._queue, (at, self._asked, process))
