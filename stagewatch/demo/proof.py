"""The proof that a cluster lost and doubled nothing: one process works its log off again, and says the same.

Pure: what was read in, sums out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from stagewatch.demo.heard import Heard
from streams.kernel.contract import WATERMARK, Record
from streams.kernel.driver import Partition
from streams.stores.memory import MemoryStore
from streams.topology import MACHINES, SALES_EVENTS
from streams.views.port import OPEN_STATES

ACCOUNT = next(spec for spec in MACHINES if SALES_EVENTS in spec.inputs)
SWEPT = 1000
"""Keys that a sweep visits at a time."""


@dataclass(frozen=True, slots=True)
class Books:
    """What should be there and is. changes: of state; lost_changes, false_changes: only the replay, only the
    cluster has them. doubled: changes and messages that came twice.
    """

    events: int
    lost_events: int
    changes: int
    lost_changes: int
    false_changes: int
    doubled: int

    @property
    def lost(self) -> int:
        """Whatever is missing."""
        return self.lost_events + self.lost_changes

    @property
    def false(self) -> int:
        """Whatever should not be there."""
        return self.false_changes + self.doubled


def balance(heard: Heard, wanted: Set[tuple[str, str]], parked: Callable[[int], int]) -> Books:
    """The books of a cluster. wanted: (source, id) of each event that it took. parked: told how many are
    missing, it says how many wait for their customer.
    """
    missing = len(wanted - set(heard.events))
    alone, found = replayed(heard.entries), set(heard.transitions)
    return Books(
        events=len(wanted),
        lost_events=max(0, missing - parked(missing)),
        changes=len(found),
        lost_changes=len(alone - found),
        false_changes=len(found - alone),
        doubled=sum(n > 1 for counter in (heard.transitions, heard.notes) for n in counter.values()),
    )


def replayed(entries: Mapping[int, Sequence[Record]]) -> set[str]:
    """Ids of the state changes that follow from the log of sales.events, by partition; undisturbed."""
    return {name for number, log in entries.items() for name in _partition(number, len(entries), log)}


def _partition(number: int, partitions: int, log: Sequence[Record]) -> set[str]:
    part = Partition(ACCOUNT.make(partitions), MemoryStore(), number, range(partitions))
    found: set[str] = set()
    for record in log:
        if record.kind == WATERMARK:
            part.watermark(record.feed, record.at)
        else:
            part.receive(record, fed=False)
        while part.sweep_some(SWEPT):
            pass
        found |= {str(out.emit.value["id"]) for out in part.outs if out.emit.topic in OPEN_STATES}
        part.outs.clear()
    return found
