"""Holds a workspace for its one writer: lock, database, session, readiness; and runs transactions.

After any failure nothing of a transaction remains, in memory or on disk; the next call rebuilds the session
from the database. What is done in a transaction is the runtime's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from schemas.errors import StagewatchError, StreamError, WorkspaceError
from streams.kernel.contract import StorageError
from streams.runtimes.embedded.clock import Clock, ClockGuard, SystemClock
from streams.runtimes.embedded.faults import storage_fault, unstorable
from streams.runtimes.embedded.intake import RAW
from streams.runtimes.embedded.moved import refuse_moved, refuse_unfinished
from streams.runtimes.embedded.session import Options, Session
from streams.runtimes.lock import WorkspaceLock
from streams.runtimes.pipeline import Pipeline
from streams.stores.sqlite_db import Database

T = TypeVar("T")

VOID = (StorageError, OSError, MemoryError)
"""What makes a transaction void, and is no fault of what was done in it."""


class Holder:
    """Opens a workspace for writing; see `EmbeddedRuntime`."""

    def __init__(
        self,
        directory: Path,
        *,
        partitions: int = 4,
        clock: Clock | None = None,
        options: Options | None = None,
    ) -> None:
        self.directory = directory
        self._options = options or Options()
        self._partitions = partitions
        self._clock: Clock = clock or SystemClock()
        self._mutex = threading.RLock()
        self._problem: StagewatchError | None = None
        self._careful_until = 0
        self._closing = False
        self._session: Session | None = None
        try:
            session = self._acquire()
        except (StorageError, OSError) as error:
            raise _unopened(directory, error) from error
        not_before = 0 if session.state.scaled else session.state.at
        self._guard = ClockGuard(self._clock, not_before, session.state.jump)

    @property
    def problem(self) -> StagewatchError | None:
        """Why the runtime is not ready, or None. Storage problems go with the next success."""
        return self._problem

    @property
    def clock(self) -> Clock:
        """What its logical time follows."""
        return self._clock

    @property
    def ready(self) -> bool:
        """Whether entries are taken."""
        return self._problem is None

    @property
    def phase(self) -> str:
        """`new`, `history` or `live`."""
        with self._mutex:
            return self._alive().state.phase

    @property
    def scaled(self) -> bool:
        """Whether the workspace has ever run on a scaled clock."""
        with self._mutex:
            return self._alive().state.scaled

    @property
    def at(self) -> int:
        """The newest logical time (us) in the raw log."""
        with self._mutex:
            return self._alive().state.at

    @property
    def received(self) -> int:
        """Entries ever appended, without the runtime's own (ticks)."""
        with self._mutex:
            return self._alive().state.received

    @property
    def backlog(self) -> int:
        """Raw entries not worked off yet."""
        with self._mutex:
            session = self._alive()
            return session.log.end(RAW) - session.state.position

    @property
    def oldest(self) -> int | None:
        """Logical time (us) of the first raw entry that is not worked off yet, or None."""
        with self._mutex:
            if not self.backlog:
                return None
            entry = self._read(lambda session: session.next_entry())
            return None if entry is None else entry.at

    @property
    def dead(self) -> int:
        """Dead letters that were not replayed."""
        with self._mutex:
            return self._read(lambda session: session.letters.waiting())

    @property
    def armed(self) -> int:
        """Armed waits of all machines."""
        with self._mutex:
            return self._alive().armed

    def next_due(self) -> int | None:
        """Earliest due (us) of all waits, or None."""
        with self._mutex:
            return self._read(lambda session: session.pipeline.next_due())

    def inspect(self, action: Callable[[Pipeline], T]) -> T:
        """Look at rows, clocks and sweeps between two batches; `action` must change nothing."""
        with self._mutex:
            return self._read(lambda session: action(session.pipeline))

    def close(self) -> None:
        """Let go of the workspace after the batch in hand; harmless when called twice."""
        self._closing = True
        with self._mutex:
            self._drop()
            self._database.close()
            self._lock.release()
            self._problem = StreamError("SW-STREAM-027", place=str(self.directory))

    # -- inside ----------------------------------------------------------------------------------------------

    def _acquire(self) -> Session:
        """Lock, database and session, or none of them."""
        with ExitStack() as undo:
            self._lock = WorkspaceLock(self.directory)
            undo.callback(self._lock.release)
            refuse_unfinished(self.directory)
            self._database = Database(
                self.directory, busy_seconds=self._options.busy_seconds, connection=self._options.connection
            )
            undo.callback(self._database.close)
            session = self._open()
            refuse_moved(session.state, self.directory)
            undo.pop_all()
        return session

    def _open(self) -> Session:
        session = Session(self._database, self._partitions, self._options)
        if self._clock.scale != 1 and not session.state.scaled:
            session.state.scaled = True
            session.save()
        if session.state.position < self._careful_until:
            session.check_steps()
        if session.state.stopped is not None:
            stopped = session.state.stopped
            self._problem = StreamError(**{k: v for k, v in stopped.items() if k != "title"})
        self._session = session
        return session

    def _alive(self) -> Session:
        """The session, rebuilt from the database if a failure ended the last."""
        if self._session is not None:
            return self._session
        if self._lock.released:
            raise StreamError("SW-STREAM-027", place=str(self.directory))
        try:
            self._database.reopen()
            return self._open()
        except VOID as error:
            raise self._failed(error) from error

    def _drop(self) -> None:
        """What is in memory is not to be used any more."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _failed(self, error: BaseException) -> StreamError:
        self._drop()
        fault = storage_fault(error, str(self._database.path))
        self._problem = fault
        return fault

    def _succeeded(self, session: Session) -> None:
        if session.state.stopped is None:
            self._problem = None

    def _read(self, action: Callable[[Session], T]) -> T:
        session = self._alive()
        try:
            return action(session)
        except VOID as error:
            raise self._failed(error) from error

    def _transact(self, action: Callable[[Session], T]) -> T:
        """One transaction outside of a batch."""
        session = self._alive()
        try:
            result = action(session)
            session.save()
        except VOID as error:
            raise self._failed(error) from error
        except StagewatchError:
            self._drop()
            raise
        except (TypeError, ValueError, OverflowError) as error:
            self._drop()
            raise unstorable(error, str(self.directory)) from error
        except BaseException:
            self._drop()
            raise
        self._succeeded(session)
        return result

    def _now(self) -> int:
        """The clock's time; a jump stops the intake until the clock is right again, or is confirmed."""
        stopped = self._alive().state.stopped
        try:
            now = self._guard.read()
        except StreamError as stop:
            if stopped is None:
                self._stop(stop.to_dict(), self._guard.jump)
                self._problem = stop
            raise
        if stopped is not None:
            self._stop(None, None)
        return now

    def _stop(self, why: dict[str, str] | None, jump: tuple[int, int] | None) -> None:
        """Keep why the intake is stopped, or that it is not any more."""

        def keep(session: Session) -> None:
            session.state.stopped, session.state.jump = why, jump

        self._transact(keep)


def _unopened(directory: Path, error: Exception) -> WorkspaceError:
    return WorkspaceError(
        "SW-WS-022",
        place=str(directory),
        found=str(error),
        next_step="check that the directory exists, the disk works and the files may be written",
    )
