"""What a partition task tells about itself. Plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streams.kernel.driver import Dead, Out


@dataclass(frozen=True, slots=True)
class Done:
    """A committed batch. lateness: us (logical) per fired wait. seconds: of work and commit.

    unread: codes of the errors of records that could not be read. taken: topic -> records worked off.
    """

    machine: str
    partition: int
    records: int
    outs: Sequence[Out]
    dead: Sequence[Dead]
    unread: Sequence[str]
    lateness: Sequence[int]
    seconds: float
    taken: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stand:
    """How a partition stands. state: opening, restoring, running, closed. clock: us, -1 before all records.

    restored: records of the changelog read, of restore_end. lag: records not worked off.
    """

    machine: str
    partition: int
    state: str
    clock: int
    restored: int
    restore_end: int
    lag: int
    held: int
    sweeping: int
    armed: int


@dataclass(frozen=True, slots=True)
class Care:
    """How to go on after a batch that broke by itself: so many records one by one; or bury this one."""

    records: int = 0
    bury: tuple[str, int] | None = None


class PoisonedError(Exception):
    """A batch broke, and neither Kafka nor the disk is to blame. care: how to go on."""

    def __init__(self, care: Care, reason: str) -> None:
        super().__init__(reason)
        self.care = care
