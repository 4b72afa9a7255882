"""What a batch appends, gathered by topic and partition: outputs, letters, watermarks, changed rows.

Watermarks come last, so that nothing they promise can follow them. It must not do I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.canonical import partition_of
from schemas.topics import changelog_of
from streams.kernel.contract import SHARED, WATERMARK, Record
from streams.kernel.driver import Out
from streams.runtimes.cluster.codec import Line, Lines, line
from streams.runtimes.cluster.config import Cluster


class Batch:
    """The lines of one transaction of one partition of a machine."""

    def __init__(self, cluster: Cluster, machine: str, number: int) -> None:
        self._partitions = cluster.partitions
        self._machine = machine
        self._number = number
        self._followers = cluster.followers(machine)
        self.changelog = (changelog_of(machine), number)
        self.lines: Lines = {}

    def clear(self) -> None:
        """Begin the next."""
        self.lines = {}

    def add(self, lines: Lines) -> None:
        """Lines made elsewhere."""
        for place, records in lines.items():
            self.lines.setdefault(place, []).extend(records)

    def add_one(self, place: tuple[str, int], record: Line) -> None:
        """A line made elsewhere."""
        self.lines.setdefault(place, []).append(record)

    def outs(self, outs: Iterable[Out]) -> None:
        """What the machine emitted."""
        lines, machine = self.lines, self._machine
        for out in outs:
            emit, place = out.emit, (out.at, out.feed, out.n, out.late)
            made = line(Record(emit.topic, emit.key, emit.kind, emit.value, *place), machine)
            if emit.everywhere:
                for number in range(self._partitions):
                    lines.setdefault((emit.topic, number), []).append(made)
            else:
                number = 0 if emit.key == SHARED else partition_of(emit.key, self._partitions)
                lines.setdefault((emit.topic, number), []).append(made)

    def mark(self, at: int) -> None:
        """This partition will send nothing older than `at` (us) to the machines that it feeds."""
        for topic in self._followers:
            made = line(Record(topic, SHARED, WATERMARK, None, at, self._number), self._machine)
            for number in range(self._partitions):
                self.lines.setdefault((topic, number), []).append(made)

    def to_all(self, record: Record) -> None:
        """One copy for each partition of its topic."""
        made = line(record, self._machine)
        for number in range(self._partitions):
            self.lines.setdefault((record.topic, number), []).append(made)

    def to_one(self, number: int, record: Record) -> None:
        """For this partition of its topic."""
        self.lines.setdefault((record.topic, number), []).append(line(record, self._machine))

    def rows(self, changes: Sequence[Line]) -> None:
        """Changed rows."""
        if changes:
            self.lines.setdefault(self.changelog, []).extend(changes)

    @property
    def feeds(self) -> bool:
        """Whether any machine's clock depends on this one."""
        return bool(self._followers)
