"""Lists what waits for parents that nobody knows, from a partition's rows. Pure; prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streams.kernel.contract import SHARED, Rows
from streams.machines.identity.names import COUNT, ID, PARKED, ROUTE
from streams.machines.keys import split_key


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events of one entity that wait. `waits_for` is the parent's key, `since` us, `count` how many
    events.
    """

    key: str
    kind: str
    namespace: str
    native: str
    waits_for: str
    since: int
    count: int


def waiting(rows: Rows) -> Iterator[Waiting]:
    """What waits in one identity partition, in the order of keys."""
    for key, listed in rows.scan(SHARED, PARKED):
        row = rows.get(key, ID, ROUTE) or {}
        kind, namespace, native = split_key(key)
        yield Waiting(key, kind, namespace, native, listed["for"], listed["since"], row.get("n", 0))


def all_waiting(partitions: Iterable[Rows]) -> list[Waiting]:
    """What waits in all partitions, the longest waiting first."""
    found = [item for rows in partitions for item in waiting(rows)]
    return sorted(found, key=lambda item: (item.since, item.key))


def count_waiting(rows: Rows) -> int:
    """How many events wait in one identity partition (for metrics)."""
    return rows.get(SHARED, COUNT, PARKED) or 0
