"""The one writer of a workspace in a thread of its own: takes work from other threads, processes, ticks.

Appends that wait together become one transaction. It must not know HTTP, mail or files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from schemas.errors import StagewatchError, StreamError
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.pipeline import Entry

T = TypeVar("T")

BATCH_MS = 20.0
"""Longest time (ms) the log is worked off before new work is taken."""

POLL_SECONDS = 0.02
"""How often time is looked at while nothing comes in."""

TROUBLE_SECONDS = 0.25
"""Rest after a failure of the storage."""

GROUP = 5_000
"""Entries appended in one transaction at most."""

log = structlog.get_logger("stagewatch.engine")


@dataclass(slots=True)
class _Job:
    """Something to be done by the writer. entries: an append, which may be grouped with others."""

    future: Future[Any]
    action: Callable[[EmbeddedRuntime], Any] | None = None
    entries: Sequence[Entry] = field(default_factory=list)


class Engine:
    """Runs `runtime` in a thread. `start`, hand in work by `append` and `call`, `stop`.

    Example::

        engine = Engine(EmbeddedRuntime(path))
        engine.start()
        first, last = engine.append(entries).result()
        engine.stop()
    """

    def __init__(self, runtime: EmbeddedRuntime) -> None:
        self.runtime = runtime
        self._jobs: list[_Job] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._idle = True
        self._thread = threading.Thread(target=self._run, name="stagewatch-engine", daemon=True)
        self.failed: BaseException | None = None

    # -- from other threads ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the batch in hand and let go of the workspace; what is appended already is kept."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self.runtime.close()

    def subscribe(self, callback: Callable[[Committed], None]) -> None:
        """`callback` is called in the engine's thread after each batch."""
        self.runtime.subscribe(callback)

    def append(self, entries: Sequence[Entry]) -> Future[tuple[int, int]]:
        """Append entries of now durably; the future's result is their (first, last) position."""
        return self._hand_in(_Job(Future(), entries=entries))

    def call(self, action: Callable[[EmbeddedRuntime], T]) -> Future[T]:
        """Have the writer do something between two batches."""
        return self._hand_in(_Job(Future(), action))

    def wait_idle(self, seconds: float) -> bool:
        """Wait until everything is worked off; False when it took longer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._wake:
                if self._idle and not self._jobs:
                    return True
            time.sleep(0.002)
        return False

    @property
    def problem(self) -> str | None:
        """Why nothing can be taken, in words."""
        if self.failed is not None:
            return f"the engine has stopped: {self.failed}"
        problem = self.runtime.problem
        return None if problem is None else f"{problem.code}: {problem.message}"

    def _hand_in(self, job: _Job) -> Future[Any]:
        with self._wake:
            if self._stopping:
                job.future.set_exception(StreamError("SW-STREAM-027", place=str(self.runtime.directory)))
                return job.future
            self._jobs.append(job)
            self._idle = False
            self._wake.notify()
        return job.future

    # -- the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._turn():
                pass
        except BaseException as error:
            self.failed = error
            log.critical("engine stopped", error=str(error), exc_info=True)
        finally:
            with self._wake:
                self._stopping = True
                jobs, self._jobs = self._jobs, []
            for job in jobs:
                if job.future.set_running_or_notify_cancel():
                    job.future.set_exception(StreamError("SW-STREAM-027", place=str(self.runtime.directory)))

    def _turn(self) -> bool:
        """Take what was handed in, work for a moment, rest when there is nothing to do. True: it is over."""
        with self._wake:
            jobs, self._jobs = self._jobs, []
            stopping = self._stopping
        self._take(jobs)
        if stopping:
            return True
        if self._work():
            with self._wake:
                self._idle = not self._jobs
                if self._idle and not self._stopping:
                    self._wake.wait(POLL_SECONDS)
        return False

    def _work(self) -> bool:
        """Work off the log for a moment and let time pass; True when nothing is left to do."""
        try:
            progress = self.runtime.process(max_ms=BATCH_MS)
            return progress.idle and not self.runtime.tick()
        except StagewatchError as error:
            log.warning("storage failed, tried again", **error.to_dict())
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, TROUBLE_SECONDS)
            return True

    def _take(self, jobs: Sequence[_Job]) -> None:
        """Do the jobs in their order; appends that stand together become one."""
        group: list[_Job] = []
        for job in jobs:
            if not job.future.set_running_or_notify_cancel():
                continue
            if job.action is None and sum(len(j.entries) for j in group) < GROUP:
                group.append(job)
                continue
            self._append(group)
            group = []
            if job.action is None:
                group.append(job)
            else:
                self._call(job, job.action)
        self._append(group)

    def _append(self, group: Sequence[_Job]) -> None:
        if not group:
            return
        entries = [entry for job in group for entry in job.entries]
        try:
            first, _ = self.runtime.append(entries)
        except Exception as error:
            if len(group) == 1 or not isinstance(error, StagewatchError) or error.code != "SW-STREAM-024":
                for job in group:
                    job.future.set_exception(error)
                return
            for job in group:  # one of them cannot be stored: find it
                self._append([job])
            return
        for job in group:
            job.future.set_result((first, first + len(job.entries) - 1))
            first += len(job.entries)

    def _call(self, job: _Job, action: Callable[[EmbeddedRuntime], Any]) -> None:
        try:
            job.future.set_result(action(self.runtime))
        except Exception as error:
            job.future.set_exception(error)
