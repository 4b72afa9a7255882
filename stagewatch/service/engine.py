"""The writer of the workspace as asyncio sees it: appends are grouped by the worker's thread, all else is a
call.

It must not know HTTP, mail or files.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.worker import Pace, Worker
from streams.runtimes.pipeline import Entry

T = TypeVar("T")

PACE = Pace(slice_ms=20, tick_ms=20, retry_ms=250)
"""Batches of at most 20 ms, so that an append waits no longer."""

SWITCH_SECONDS = 0.0005
"""How long the worker's thread may compute while the server's waits for its turn, after every system call."""


class Engine:
    """Runs `runtime` in a worker. `start`, hand in work by `append` and `call`, `stop`.

    Example::

        engine = Engine(EmbeddedRuntime(path))
        engine.start()
        first, last = await asyncio.wrap_future(engine.append(entries))
        engine.stop()
    """

    def __init__(self, runtime: EmbeddedRuntime) -> None:
        self.runtime = runtime
        self._worker = Worker(runtime, PACE)
        self._started = False

    def start(self) -> None:
        """Begin to work."""
        self._started = True
        sys.setswitchinterval(SWITCH_SECONDS)
        self._worker.start()

    def stop(self) -> None:
        """End after the batch in hand and let go of the workspace; what is appended already is kept."""
        if self._started:
            self._worker.stop()
        self.runtime.close()

    def subscribe(self, callback: Callable[[Committed], None]) -> None:
        """`callback` is called after each batch, in the thread that worked it off."""
        self.runtime.subscribe(callback)

    def append(self, entries: Sequence[Entry]) -> Future[tuple[int, int]]:
        """Append entries of now durably; the future's result is their (first, last) position."""
        return self._worker.submit(entries)

    async def call(self, action: Callable[[EmbeddedRuntime], T]) -> T:
        """Have something done to the runtime between two batches, in a thread of its own."""
        return await asyncio.to_thread(action, self.runtime)

    @property
    def problem(self) -> str | None:
        """Why nothing can be taken, in words."""
        problem = self.runtime.problem or self._worker.problem
        return None if problem is None else f"{problem.code}: {problem.message}"
