"""What the embedded runtime tells about its work. Plain data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.kernel.driver import Dead
from streams.stores.log import Logged


@dataclass(slots=True)
class Progress:
    """What `process` did. position: of the next raw entry; end: the raw log's end; waits: fired."""

    entries: int = 0
    batches: int = 0
    outputs: int = 0
    dead: int = 0
    waits: int = 0
    position: int = 0
    end: int = 0
    sweeping: bool = False

    @property
    def idle(self) -> bool:
        """Nothing is left to work off."""
        return self.position >= self.end and not self.sweeping


@dataclass(frozen=True, slots=True)
class Committed:
    """Told to subscribers after each batch.

    dead: (machine that refused it, or "intake"; letter). lateness: us (logical) per fired wait. seconds: of
    the batch. taken: topic -> entries of it that sources and people had sent.
    """

    outputs: list[Logged]
    entries: int
    dead: list[tuple[str, Dead]]
    lateness: list[int]
    seconds: float
    taken: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """Bounds of one call of `process`: a moment of `time.perf_counter` and a number of entries."""

    deadline: float
    entries: float
    progress: Progress = field(default_factory=Progress)

    def over(self) -> bool:
        """Time or entries are used up."""
        return self.entries <= 0 or time.perf_counter() >= self.deadline
