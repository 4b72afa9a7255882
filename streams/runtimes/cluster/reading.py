"""What a record read from Kafka is to its task: a record for the machine, a watermark, a tick, a replay.

Intake topics hold entries of ours and CloudEvents of anybody, structured or binary; both become the same
record. It must not do I/O.
"""

from __future__ import annotations

import msgspec

from schemas.canonical import partition_of
from schemas.cloudevents import decode_kafka
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import Line, Lines, key_of, line, place_of, unreadable, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.inputs import Input
from streams.runtimes.memory import entry_of

TICK, RETRY = "tick", "retry"
LETTER = "sw-letter"
"""Header of a record that is replayed: the name of its dead letter."""


class Taken(msgspec.Struct, frozen=True):
    """A record for the machine, a watermark, a tick or an echo, as its kind says.

    away: lines for the partition where it belongs. letter: the dead letter that it replays.
    """

    record: Record
    away: Lines | None = None
    letter: str | None = None


class Reader:
    """Reads for one partition of one machine."""

    def __init__(self, cluster: Cluster, machine: str, number: int) -> None:
        self._cluster = cluster
        self._machine = machine
        self._number = number
        self._stamps = cluster.spec(machine).fed_by is None

    def read(self, item: Input) -> Taken:
        """What the record is.

        Raises:
            StagewatchError: it cannot be read.
        """
        headers = item.record.headers
        place = place_of(headers)
        if place is None:
            return self._outside(item)
        key, value = key_of(item.record.key), value_of(item.record.value)
        letter = _letter(item)
        if self._stamps and not place.writer:
            late = isinstance(value, dict) and "hist" in value
            record = Record(item.topic, key, place.kind, value, item.at, self._number, place.n, late)
            return Taken(record, self._away(item, key), letter)
        record = Record(item.topic, key, place.kind, value, place.at, place.feed, place.n, place.late)
        return Taken(record, letter=letter)

    def _outside(self, item: Input) -> Taken:
        if not self._stamps:
            raise unreadable("headers", "no header sw", "only Stagewatch writes here")
        record = item.record
        event = decode_kafka(record.headers, record.value or b"", zone=self._cluster.zone, place=item.topic)
        entry = entry_of(event, item.at, namespaces=self._cluster.namespaces)
        made = Record(entry.topic, entry.key, entry.kind, entry.value, item.at, self._number)
        return Taken(made, self._away(item, entry.key, made), _letter(item))

    def _away(self, item: Input, key: str, made: Record | None = None) -> Lines | None:
        """The record for the partition where its key belongs, when its sender hashed otherwise."""
        if key == SHARED or (number := partition_of(key, self._cluster.partitions)) == self._number:
            return None
        record = item.record
        again: Line = (record.key, record.value, list(record.headers))
        if made is not None:
            at = item.at if self._cluster.trial else 0
            again = line(Record(made.topic, made.key, made.kind, made.value, at))
        return {(item.topic if made is None else made.topic, number): [again]}


def _letter(item: Input) -> str | None:
    return next((raw.decode("ascii", "replace") for name, raw in item.record.headers if name == LETTER), None)
