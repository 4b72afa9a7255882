"""How the demo runs: seed, size, how much past, how many days in how many seconds. Decides nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from schemas.time import DAY, SECOND

LEAST_SECONDS: Final = 12
BUDGET: Final = 95.0


@dataclass(frozen=True, slots=True)
class Plan:
    """past, days: of history and of life. seconds: of wall time in which these days pass. size: reps.
    budget: seconds for all but the settling; on a slow machine, where the past takes long, life is shorter.

    >>> Plan(days=7, seconds=42).scale
    14400
    """

    seed: int = 7
    size: int = 10
    past: int = 365
    days: int = 7
    seconds: int = 42
    budget: float = BUDGET

    @property
    def scale(self) -> int:
        """Logical time per wall time."""
        return max(1, round(self.days * DAY / (self.seconds * SECOND)))

    def after(self, spent: float) -> Plan:
        """The plan when `spent` seconds are gone already: fewer seconds and days of life at the same speed.

        >>> Plan(days=7, seconds=42).after(71).seconds, Plan(days=7, seconds=42).after(71).days
        (24, 4)
        """
        left = max(LEAST_SECONDS, int(self.budget - spent))
        if left >= self.seconds:
            return self
        return replace(self, seconds=left, days=max(3, self.days * left // self.seconds))
