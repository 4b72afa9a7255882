"""How the benches measure: CPU and wall time, rounds side by side (A B A B), figures with their spread.

CPU time is that of this process (all its threads), so that others on the machine disturb it less; rates of
runs are compared as ratios within a round. Nothing is judged here: a figure states its goal, and what was
found.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. short: a quick look; rounds: repetitions of each run."""

    short: bool = False

    @property
    def rounds(self) -> int:
        """Repetitions of each run."""
        return 1 if self.short else 3

    def of(self, full: int, short: int) -> int:
        """The number that applies."""
        return short if self.short else full


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, in seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: values of all rounds. goal: what the project asks for, in words."""

    what: str
    unit: str
    values: tuple[float, ...]
    goal: str = ""
    digits: int = 0

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def shown(self, value: float) -> str:
        """The value as people read it."""
        return f"{value:,.{self.digits}f}"


@dataclass(slots=True)
class Report:
    """Everything a bench found. notes: what a reader must know to judge the figures."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, unit: str, *values: float, goal: str = "", digits: int = 0) -> None:
        """One more line."""
        self.figures.append(Figure(what, unit, values, goal, digits))

    def rates(
        self, what: str, count: int, costs: Sequence[Cost], *, unit: str = "events/s", goal: str = ""
    ) -> None:
        """Rates of `count` things by CPU time, and by wall time where it differs by more than a tenth."""
        cpu = [count / cost.cpu for cost in costs]
        wall = [count / cost.wall for cost in costs]
        self.add(what, f"{unit} of CPU", *cpu, goal=goal)
        if statistics.median(wall) < 0.9 * statistics.median(cpu):
            self.add(f"{what}, by the wall clock", unit, *wall)

    def ratio(self, what: str, above: Sequence[Cost], below: Sequence[Cost], *, goal: str = "") -> None:
        """Ratio of the CPU times of two runs, round by round."""
        values = [a.cpu / b.cpu for a, b in zip(above, below, strict=True)]
        self.add(what, "ratio", *values, goal=goal, digits=2)


def timed(action: Callable[[], object]) -> Cost:
    """What `action` takes; garbage of before is collected first."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def side_by_side(runs: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Each run once per round, in turn: A B A B."""
    found: dict[str, list[Cost]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return found


def rss() -> int:
    """Memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank).

    >>> quantile([5.0, 1.0, 3.0], 0.5)
    3.0
    """
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * len(ordered) * 1000) // 1000) - 1)]
