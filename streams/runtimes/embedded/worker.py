"""The thread that owns an embedded runtime in a server: group commit, work in slices, ticks, retries.

Others hand in entries with `submit` from any thread and get a future that ends with the durable append; what
is handed in together is one transaction. It decides nothing about entries, and never stops for a failing
disk.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from schemas.errors import StagewatchError, StreamError
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.pipeline import Entry

Positions = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pace:
    """slice_ms: work between two appends. tick_ms: how often an idle worker looks at the clock.

    retry_ms: pause after a failure. group: entries in one append at most.
    """

    slice_ms: float = 20
    tick_ms: float = 50
    retry_ms: float = 500
    group: int = 2000


@dataclass(frozen=True, slots=True)
class _Submission:
    entries: Sequence[Entry]
    history: bool
    future: Future[Positions]


class Worker:
    """Runs `runtime` from `start` to `stop`; the runtime stays open.

    problem: the error of the last slice, None when it went well; the runtime's `problem` tells about the
    intake.
    """

    def __init__(self, runtime: EmbeddedRuntime, pace: Pace | None = None) -> None:
        self.runtime = runtime
        self.problem: StagewatchError | None = None
        self.failures = 0
        self._pace = pace or Pace()
        self._queue: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="stagewatch-worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def submit(self, entries: Sequence[Entry], *, history: bool = False) -> Future[Positions]:
        """Hand in entries; the future gives their positions (first, last) or raises StreamError."""
        future: Future[Positions] = Future()
        with self._door:
            if self._stopping.is_set():
                future.set_exception(StreamError("SW-STREAM-027", place=str(self.runtime.directory)))
            else:
                self._queue.put(_Submission(entries, history, future))
        return future

    @property
    def waiting(self) -> int:
        """Submissions not appended yet."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Append what was handed in, end the slice in hand, and end. Waits for it."""
        with self._door:
            self._stopping.set()
            self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    # -- inside ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._append(self._gather(pause))
            pause = self._slice()
        while not self._queue.empty():
            self._append(self._gather(0))

    def _slice(self) -> float:
        """Work for a while; returns for how long (s) nothing needs to be done."""
        try:
            progress = self.runtime.process(max_ms=self._pace.slice_ms)
            busy = not progress.idle or self.runtime.tick()
        except StagewatchError as error:
            self.problem = error
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            self.problem = StreamError("SW-STREAM-099", place="worker", found=found)
        else:
            self.problem = None
            return 0.0 if busy else self._pace.tick_ms / 1000
        self.failures += 1
        return self._pace.retry_ms / 1000

    def _gather(self, pause: float) -> list[_Submission]:
        """All that was handed in by now, up to a group's bound; waits `pause` seconds for the first."""
        found: list[_Submission] = []
        size = 0
        try:
            item = self._queue.get(timeout=pause) if pause else self._queue.get_nowait()
            while item is not None:
                if item.future.set_running_or_notify_cancel():  # else: nobody waits for it any more
                    found.append(item)
                    size += len(item.entries)
                if size >= self._pace.group:
                    break
                item = self._queue.get_nowait()
        except queue.Empty:
            pass
        return found

    def _append(self, submissions: list[_Submission]) -> None:
        """One transaction for neighbours of one kind; when that is refused, each by itself."""
        for history in (True, False):
            group = [one for one in submissions if one.history is history]
            if len(group) > 1 and self._together(group, history):
                continue
            for one in group:
                self._alone(one)

    def _together(self, group: list[_Submission], history: bool) -> bool:
        entries = [entry for one in group for entry in one.entries]
        try:
            first, _ = self._take(entries, history)
        except StagewatchError:
            return False
        for one in group:
            one.future.set_result((first, first + len(one.entries) - 1))
            first += len(one.entries)
        return True

    def _alone(self, one: _Submission) -> None:
        try:
            one.future.set_result(self._take(one.entries, one.history))
        except Exception as error:
            one.future.set_exception(error)

    def _take(self, entries: Sequence[Entry], history: bool) -> Positions:
        return self.runtime.append_history(entries) if history else self.runtime.append(entries)
