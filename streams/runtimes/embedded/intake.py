"""The raw log of a workspace: every entry that came in, with its logical time. Nothing is worked off here.

A workspace is `new` until the first entry that is not a shared change, in `history` while an import brings
the past, and `live` from then on for good. `at` never falls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from streams.kernel.contract import SHARED, SHARED_CHANGE
from streams.runtimes.pipeline import Entry
from streams.stores.log import Line, Log

RAW = "intake"
"""Topic of the raw log; it has one partition."""

TICK, SWEEP_ON, RETRY = "tick", "sweep.on", "retry"
"""Entries that the runtime writes for itself: time passes; sweeps go on; a dead letter is tried again."""

OWN = frozenset({TICK, SWEEP_ON, RETRY})

Phase = Literal["new", "history", "live"]


class State(msgspec.Struct):
    """What is saved with every transaction.

    position: of the next raw entry to work off. at: newest logical time. received: entries from outside.
    armed: waits. scaled: the workspace has run on a scaled clock. stopped: why the
    intake is: the clock jumped, from what was expected to what was found (`jump`, us). moved: where to.
    """

    partitions: int
    position: int = 0
    at: int = 0
    armed: int = 0
    received: int = 0
    phase: Phase = "new"
    epoch: int = 0
    scaled: bool = False
    stopped: dict[str, str] | None = None
    jump: tuple[int, int] | None = None
    views: int = 0
    moved: str | None = None


class Intake:
    """Stamps entries and appends them to the raw log, in the open transaction."""

    def __init__(self, log: Log, state: State) -> None:
        self._log = log
        self._state = state

    def live(self, entries: Sequence[Entry], now: int) -> tuple[int, int]:
        """Entries of now; shared changes alone do not end the `new` or `history` phase and take its time.

        Returns the positions (first, last).
        """
        if self._state.phase != "live" and any(entry.kind != SHARED_CHANGE for entry in entries):
            self._state.phase = "live"
        at = max(now, self._state.at) if self._state.phase == "live" else self._state.at
        return self._receive([replace(entry, at=at) for entry in entries])

    def history(self, entries: Sequence[Entry], now: int) -> tuple[int, int]:
        """Entries with an `at` of their own (arrival), ordered by it; in a live workspace they come now."""
        if self._state.phase == "live":
            return self.live(entries, now)
        self._state.phase = "history"
        stamped = []
        at = self._state.at
        for entry in entries:
            at = max(at, min(entry.at, now))
            stamped.append(replace(entry, at=at))
        return self._receive(stamped)

    def own(self, kind: str, at: int, value: object = None) -> tuple[int, int]:
        """An entry that the runtime writes for itself."""
        return self._append([Entry("", SHARED, kind, value, max(at, self._state.at))])

    def _receive(self, entries: Sequence[Entry]) -> tuple[int, int]:
        self._state.received += len(entries)
        return self._append(entries)

    def _append(self, entries: Sequence[Entry]) -> tuple[int, int]:
        lines = [line_of(entry) for entry in entries]
        first = self._log.append(RAW, 0, lines)
        if entries:
            self._state.at = max(self._state.at, entries[-1].at)
        return first, first + len(lines) - 1


def line_of(entry: Entry) -> Line:
    """The entry as a line of the log."""
    return (entry.key, entry.kind, (entry.topic, entry.value), entry.at, 0, 0)


def entries_of(lines: Iterable[Line]) -> list[Entry]:
    """The entries of lines."""
    return [Entry(value[0], key, kind, value[1], at) for key, kind, value, at, _, _ in lines]
