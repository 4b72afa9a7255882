"""What a source of a move tells and what a target takes; workspace and cluster plug in on both sides.

A source stands still while it is open; nothing of it changes but the mark that it was moved. A target is
marked as incomplete from `begin` to `release`. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.kernel.contract import Store
from streams.kernel.repartition import Marks, Row
from streams.stores.log import Logged
from streams.stores.sqlite_dlq import DeadLetter

PAGE = 2000
"""Rows or records that are handed on at once."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands.

    at: greatest logical time (us) that it knows of beside its rows. epoch: of its partitioning. received:
    entries that it ever took. live: events have come. scaled: its time does not follow the wall clock.
    """

    at: int
    epoch: int
    received: int = 0
    live: bool = True
    scaled: bool = False


class Source(Protocol):
    """A workspace or cluster that is moved. moved: it has the mark already, of a move that was broken off."""

    name: str
    partitions: int
    moved: bool

    @property
    def standing(self) -> Standing:
        """How it stands."""
        ...

    def size(self) -> int:
        """Keys and records of the log that there are, roughly: for progress."""
        ...

    def stores(self, machine: str) -> Sequence[Store]:
        """The rows of each partition, to be looked at only."""
        ...

    def rows(self, machine: str, number: int) -> Iterator[Row]:
        """The same rows and waits, without those that the runtime keeps for itself."""
        ...

    def records(self, topic: str) -> AsyncIterator[Logged]:
        """The records of a topic, in the order of `at` over its partitions.

        Of a topic between machines, what went to every partition comes once.
        """
        ...

    def raw(self) -> AsyncIterator[Logged]:
        """The entries from which all came, as lines of the raw log; as far as they are kept."""
        ...

    async def letters(self) -> Sequence[DeadLetter]:
        """Dead letters that were not replayed; of those that partitions share, one."""
        ...

    async def verify(self) -> None:
        """Raise SW-STREAM-073 when it has changed since it was opened."""
        ...

    async def retire(self, to: str) -> None:
        """Mark it as moved."""
        ...


class Target(Protocol):
    """Where it goes. keeps_raw: whether the raw log is kept for good there."""

    name: str
    partitions: int
    keeps_raw: bool

    async def begin(self, source: Source) -> None:
        """Mark it as incomplete, and empty what a move that was broken off has left.

        Raises:
            StreamError: SW-STREAM-072 it holds something; SW-STREAM-075 the source does not fit.
        """
        ...

    async def rows(self, machine: str, number: int, rows: Sequence[Row]) -> None:
        """Take rows and waits of a new partition."""
        ...

    async def records(self, topic: str, records: Sequence[Logged], *, shared: bool) -> None:
        """Take records of the log. shared: records without key go to every partition."""
        ...

    async def letters(self, letters: Iterable[DeadLetter]) -> None:
        """Take dead letters."""
        ...

    async def finish(self, standing: Standing, marks: Marks) -> None:
        """All is here: write positions and state."""
        ...

    async def release(self) -> None:
        """It is whole: take the mark away."""
        ...
