"""The embedded runtime: the one writer of a workspace. Log, rows, outputs and position are one transaction.

After any failure nothing of the batch remains, in memory or on disk; the next call rebuilds from the database
and works the same entries off again, with the same result. It must not know what a machine or an output
means.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from schemas.errors import StreamError
from streams.kernel.driver import Dead
from streams.machines.gaps import LATE
from streams.runtimes.embedded.clock import Clock
from streams.runtimes.embedded.faults import unstorable
from streams.runtimes.embedded.holder import VOID, Holder
from streams.runtimes.embedded.intake import OWN, RAW, RETRY, TICK
from streams.runtimes.embedded.progress import Committed, Progress, Turn
from streams.runtimes.embedded.session import Options, Session
from streams.runtimes.pipeline import Entry
from streams.stores.log import Logged
from streams.stores.sqlite_dlq import IMPORT, DeadLetter

T = TypeVar("T")
BATCH_BYTES = 16_000_000
"""A batch ends when it has read so much of the raw log, however few entries that were."""


class EmbeddedRuntime(Holder):
    """Opens a workspace for writing. All methods may be called from any thread; they take turns.

    directory: of the workspace, must exist. partitions: of a new workspace; an old one keeps its own.

    Example::

        runtime = EmbeddedRuntime(Path("my-workspace"))
        runtime.append([Entry("crm.activity", "account:A1", "event", {...}, 0)])
        while not runtime.process(max_ms=50).idle: ...

    Raises:
        WorkspaceError: SW-WS-021 another process writes here; SW-WS-022 the database cannot be opened.
    """

    def __init__(
        self,
        directory: Path,
        *,
        partitions: int = 4,
        clock: Clock | None = None,
        options: Options | None = None,
    ) -> None:
        super().__init__(directory, partitions=partitions, clock=clock, options=options)
        self._subscribers: list[Callable[[Committed], None]] = []

    # -- in --------------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """Append entries durably; their `at` becomes the clock's now. Returns positions (first, last).

        Shared changes before the first event get `at` 0, during an import the import's.

        Raises:
            StreamError: SW-STREAM-020 to -024; nothing was appended.
        """
        with self._mutex:
            now = self._now()
            return self._later(now, lambda session: session.intake.live(entries, now))

    def append_history(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """Append entries of the past in the order of their `at` (arrival, us; capped at now).

        In a workspace that is live already they get `at` now instead. Call `finish_history` at the end.
        """
        with self._mutex:
            now = self._now()
            return self._later(now, lambda session: session.intake.history(entries, now))

    def finish_history(self, until: int | None = None) -> None:
        """The import has ended: time goes on to `until` (us; at most, and by default, now)."""
        with self._mutex:
            now = self._now()
            self._transact(lambda session: session.go_live(now if until is None else min(until, now)))

    def tick(self) -> bool:
        """Let time pass while nothing comes in: True if a wait fell due, then `process` fires it.

        Only such a tick is written to the log; a workspace that is not live yet lets no time pass.
        """
        with self._mutex:
            now = self._now()
            session = self._alive()
            if session.state.phase != "live" or self.backlog:
                return False
            due = self.next_due()
            if due is None or due > now:
                return False
            self._later(now, lambda session: session.intake.own(TICK, now))
            return True

    def replay_dead(self, number: int) -> None:
        """Try a dead letter again, from the raw log's end.

        Raises:
            StreamError: SW-STREAM-026, there is none of that number, or it was replayed already.
        """
        with self._mutex:
            now = self._now()
            self._later(now, lambda session: _replay(session, number, now))

    def bury(self, letters: Sequence[Dead]) -> None:
        """Keep what could not be read before it became an entry, as dead letters of `IMPORT`."""
        with self._mutex:
            self._transact(lambda session: session.letters.add([(IMPORT, -1, dead) for dead in letters]))

    def settle_dead(self, number: int) -> None:
        """A dead letter of `IMPORT` was read after all.

        Raises:
            StreamError: SW-STREAM-026, there is none of that number, or it was replayed already.
        """
        with self._mutex:
            self._transact(lambda session: session.letters.mark_replayed(_waiting(session, number).id))

    def confirm_clock(self) -> None:
        """The wall clock is right after its jump: take entries again."""
        with self._mutex:
            self._guard.confirm()
            self._stop(None, None)

    def rebuild_views(self) -> None:
        """Throw the views away and fill them from the log."""
        with self._mutex:
            self._transact(lambda session: session.view.rebuild())

    # -- work ------------------------------------------------------------------------------------------------

    def process(self, *, max_ms: float | None = None, max_entries: int | None = None) -> Progress:
        """Work off the raw log until its end, or until a bound is reached (at least one batch).

        Raises:
            StreamError: SW-STREAM-021 to -023, the batch was undone; call again to retry. SW-STREAM-027: it
                is being closed.
        """
        deadline = math.inf if max_ms is None else time.perf_counter() + max_ms / 1000
        turn = Turn(deadline, math.inf if max_entries is None else max_entries)
        with self._mutex:
            if self._closing:
                raise StreamError("SW-STREAM-027", place=str(self.directory))
            while self._batch(turn) and not turn.over() and not self._closing:
                pass
            session = self._alive()
            turn.progress.position = session.state.position
            turn.progress.end = session.log.end(RAW)
            turn.progress.sweeping = session.pipeline.sweeping
        return turn.progress

    # -- out -------------------------------------------------------------------------------------------------

    def poll_outputs(self, topic: str, after: int = -1, limit: int = 1000) -> list[Logged]:
        """Up to `limit` committed records of a sink topic with positions above `after`."""
        with self._mutex:
            return self._read(lambda session: session.log.page(topic, after + 1, limit))

    def subscribe(self, callback: Callable[[Committed], None]) -> None:
        """`callback` is called after each committed batch, in the thread that calls `process`."""
        self._subscribers.append(callback)

    # -- inside: in ------------------------------------------------------------------------------------------

    def _later(self, now: int, action: Callable[[Session], T]) -> T:
        """One transaction in which time comes to `now` (us); what fell due long before is told as a gap."""

        def later(session: Session) -> T:
            session.note_gap(now, LATE * self._clock.scale)
            return action(session)

        return self._transact(later)

    # -- inside: batches -------------------------------------------------------------------------------------

    def _batch(self, turn: Turn) -> bool:
        """One transaction. False: there was nothing to do."""
        session = self._alive()
        started = time.perf_counter()
        begin = session.state.position
        taken: Counter[str] = Counter()
        try:
            if not self._work(session, turn, taken):
                return False
            dead = [(machine, letter) for machine, _, letter in session.dead]
            outputs = session.write()
            session.save()
        except VOID as error:
            raise self._failed(error) from error
        except Exception as error:
            self._isolate(session, begin, error)
            return True
        except BaseException:
            self._drop()
            raise
        self._succeeded(session)
        done = session.state.position - begin
        seconds = time.perf_counter() - started
        self._tell(turn, Committed(outputs, done, dead, session.take_lateness(), seconds, taken))
        return True

    def _work(self, session: Session, turn: Turn, topics: Counter[str]) -> bool:
        """Work off entries up to the bounds of a batch, counted by topic; False when there was none."""
        careful = session.state.position < self._careful_until
        limit = min(1 if careful else self._options.batch_entries, turn.entries)
        deadline = min(turn.deadline, time.perf_counter() + self._options.batch_ms / 1000)
        taken, read = 0, session.log.bytes_read
        while taken < limit:
            entry = session.next_entry()
            if entry is None:
                break
            done = session.take(entry)
            if not done:
                return True
            taken += 1
            topics[entry.topic] += entry.kind not in OWN
            if time.perf_counter() >= deadline or session.log.bytes_read - read > BATCH_BYTES:
                break
        turn.entries -= taken
        return taken > 0

    def _isolate(self, session: Session, begin: int, error: Exception) -> None:
        """A batch broke, and not by the storage: find its entry one by one, and bury that one alone."""
        failed_at = session.state.position
        careful = begin < self._careful_until
        self._drop()
        if not careful:
            self._careful_until = failed_at + 1
            return
        fault = unstorable(error, f"intake, position {begin}")
        buried = self._transact(lambda fresh: fresh.bury(fault))
        self._publish(Committed([], 0, [("intake", letter) for letter in buried], [], 0.0))

    def _tell(self, turn: Turn, committed: Committed) -> None:
        progress = turn.progress
        progress.batches += 1
        progress.entries += committed.entries
        progress.outputs += len(committed.outputs)
        progress.dead += len(committed.dead)
        progress.waits += len(committed.lateness)
        self._publish(committed)

    def _publish(self, committed: Committed) -> None:
        for callback in self._subscribers:
            callback(committed)


def _replay(session: Session, number: int, now: int) -> None:
    letter = _waiting(session, number)
    at = now if session.state.phase == "live" else session.state.at
    session.letters.mark_replayed(number)
    session.intake.own(RETRY, at, {"machine": letter.machine, "what": letter.what})


def _waiting(session: Session, number: int) -> DeadLetter:
    letter = session.letters.get(number)
    if letter is None or letter.replayed:
        raise StreamError(
            "SW-STREAM-026",
            expected="the number of a dead letter that was not replayed yet",
            found=f"{number}" if letter is None else f"{number}, replayed already",
            next_step="list them with `stagewatch dlq list`",
        )
    return letter
