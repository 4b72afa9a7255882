"""Processes that work a stream of events into a workspace, to be killed at any moment and started again.

    python -m tests.integration.embedded.kill_worker DIRECTORY MODULE:FUNCTION

FUNCTION() gives (machines, entries): the whole stream, each time the same, `at` rising. For each line on its
standard input it forks a process (imports are paid once) that takes the stream up where the log ends. What is
said on its standard output: `pid N`, then `at` after each transaction, `done` at the stream's end, `ended
STATUS` in any case.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from streams.topology import MachineSpec

Stream = tuple[Sequence[MachineSpec], Sequence[Entry]]

CHUNK = 231
BATCH = 100
DAY = 86_400_000_000


def load(name: str) -> Stream:
    """What MODULE:FUNCTION gives."""
    module, function = name.split(":")
    make: Callable[[], Stream] = getattr(importlib.import_module(module), function)
    return make()


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def work(directory: Path, stream: Stream, tell: Callable[[str], None] = lambda text: None) -> None:
    """Take the stream up and work it off; the history ends 30 days after it.

    When it works and when it only appends depends on the position alone, so that the log is always the same.
    """
    machines, entries = stream
    end = entries[-1].at + 30 * DAY
    options = Options(machines=machines, batch_entries=BATCH)
    runtime = EmbeddedRuntime(directory, clock=ManualClock(end), options=options)
    runtime.subscribe(lambda committed: tell("at"))
    done = runtime.received
    while True:
        if done % 3 or done == len(entries):
            runtime.process()
        if done == len(entries):
            break
        runtime.append_history(entries[done : done + CHUNK])
        tell("at")
        done = runtime.received
    if runtime.phase == "history":
        runtime.finish_history()
    runtime.process()
    runtime.close()
    tell("done")


def serve(directory: Path, name: str) -> None:
    """Fork a worker for each line of the standard input."""
    stream = load(name)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            say(f"pid {os.getpid()}")
            work(directory, stream, say)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
