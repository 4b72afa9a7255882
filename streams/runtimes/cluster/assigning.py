"""Who gets which partitions when a group of workers shares them out: as few as possible move.

Each worker tells what it has at work and of what it has local files. Everybody gets an even share of every
machine; what is at work stays, what moves goes first to who has a file of it. It must not do I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

Part = tuple[str, int]
"""(topic, partition)."""


class Holding(msgspec.Struct, frozen=True, array_like=True):
    """What a worker has. now: partitions at work; files: those of which it has a local file."""

    now: frozenset[Part] = frozenset()
    files: frozenset[Part] = frozenset()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Holding).decode


def shares(counts: Mapping[str, int], holdings: Mapping[str, Holding]) -> dict[str, set[Part]]:
    """Who gets what. counts: topic -> its partitions; holdings: by the name of who has them.

    >>> sorted(shares({"t": 3}, {"a": Holding(), "b": Holding(now=frozenset({("t", 0)}))})["b"])
    [('t', 0), ('t', 2)]
    """
    given: dict[str, set[Part]] = {name: set() for name in sorted(holdings)}
    for topic in sorted(counts):
        _Sharing(topic, counts[topic], holdings, given).run()
    return given


@dataclass(slots=True)
class _Sharing:
    """The partitions of one topic. given: what everybody has got so far, of all topics."""

    topic: str
    count: int
    holdings: Mapping[str, Holding]
    given: Mapping[str, set[Part]]

    def run(self) -> None:
        free = {(self.topic, number) for number in range(self.count)}
        room = self._rooms()
        short = {name for name, holding in self.holdings.items() if len(free & holding.now) < room[name]}

        def wanted_elsewhere(part: Part) -> bool:
            return any(part in self.holdings[name].files for name in short)

        for chosen in (lambda one: one.now, lambda one: one.files, lambda _: free):
            for name in self.given:
                parts = sorted(free & chosen(self.holdings[name]), key=lambda p: (wanted_elsewhere(p), p))
                taken = parts[: room[name]]
                room[name] -= len(taken)
                free.difference_update(taken)
                self.given[name].update(taken)

    def _rooms(self) -> dict[str, int]:
        """How many each gets; one more for those with the fewest, who have more of this topic at work."""
        each, more = divmod(self.count, len(self.given))
        here = {n: sum(topic == self.topic for topic, _ in self.holdings[n].now) for n in self.given}
        first = sorted(self.given, key=lambda name: (len(self.given[name]), -here[name], name))
        return {name: each + (place < more) for place, name in enumerate(first)}


class Topics(Protocol):
    """What aiokafka knows of the topics."""

    def partitions_for_topic(self, topic: str) -> Collection[int] | None:
        """Their numbers; None: not known."""
        ...


class Assignor:
    """As aiokafka wants it. holding: what this worker has, asked for whenever it joins."""

    name = "stagewatch"

    def __init__(self, holding: Callable[[], Holding]) -> None:
        self._holding = holding

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What is told to who shares out."""
        return ConsumerProtocolMemberMetadata(0, list(topics), _encode(self._holding()))

    def assign(
        self, cluster: Topics, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out; all members want the same topics."""
        topics = {topic for member in members.values() for topic in member.subscription}
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        found = shares(counts, {name: _decode(member.user_data) for name, member in members.items()})
        return {
            name: ConsumerProtocolMemberAssignment(0, _by_topic(parts), b"") for name, parts in found.items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing is kept."""


def _by_topic(parts: Collection[Part]) -> list[tuple[str, list[int]]]:
    topics = sorted({topic for topic, _ in parts})
    return [(topic, sorted(number for its, number in parts if its == topic)) for topic in topics]
