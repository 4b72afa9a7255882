"""A durable workspace for the benches: the embedded runtime (SQLite, FULL sync) in a passing directory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Cost, timed
from bench.workload import START, directory
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry

CHUNK = 500


class Durable:
    """A live workspace. Entries are appended `CHUNK` at a time and worked off, as the server does it."""

    def __init__(
        self,
        place: Path,
        rules: Sequence[Entry] = (),
        *,
        partitions: int = 4,
        options: Options | None = None,
        start: int = START,
    ) -> None:
        self.place = place
        self.clock = ManualClock(start)
        self.runtime = EmbeddedRuntime(
            place, clock=self.clock, partitions=partitions, options=options or Options()
        )
        if rules:
            self.runtime.append([*directory(), *rules])
            self.settle()

    def settle(self) -> None:
        """Work off everything."""
        while not self.runtime.process().idle:
            pass

    def take(self, entries: Sequence[Entry]) -> None:
        """Append and work off, chunk by chunk; the clock goes with the entries."""
        for begin in range(0, len(entries), CHUNK):
            chunk = entries[begin : begin + CHUNK]
            self.clock.advance(max(0, chunk[-1].at - self.clock.now()))
            self.runtime.append(chunk)
            self.runtime.process()

    def run(self, entries: Sequence[Entry]) -> Cost:
        """What `take` costs, up to the commit of the last output."""
        return timed(lambda: self.take(entries))

    def close(self) -> None:
        """Let go of the files."""
        self.runtime.close()

    def size(self) -> int:
        """Bytes of the database, the write-ahead log folded in."""
        self.close()
        return sum(path.stat().st_size for path in self.place.iterdir() if path.suffix == ".db")


@contextmanager
def durable(
    rules: Sequence[Entry] = (), *, partitions: int = 4, options: Options | None = None
) -> Iterator[Durable]:
    """A new workspace, thrown away at the end."""
    with tempfile.TemporaryDirectory() as place:
        made = Durable(Path(place), rules, partitions=partitions, options=options)
        yield made
        made.close()
