"""Which shared rows of the account machine may differ between partitions, and how they are joined. Pure.

Rules, people, rates, calendars and settings are the same everywhere. A partition knows by itself which former
versions of a rule have nothing under way in it; together, those of which that is so in each. In a cluster
every partition that stamps time tells of gaps by itself; the latest counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from streams.kernel.repartition import Sharing
from streams.machines.account.former import RULE, RULES, SEEN
from streams.machines.account.grace import AWAIT
from streams.machines.account.repeats import REPEATS
from streams.machines.account.world import META
from streams.machines.gaps import GAP, LAST, latest


def _idle_everywhere(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    idle = set.intersection(*(set(row.get("idle", ())) for row in rows))
    kept = {name: value for name, value in rows[0].items() if name != "idle"}
    return {**kept, "idle": sorted(idle)} if idle else kept


def _union(rows: Sequence[Sequence[int]]) -> list[int]:
    return sorted(set().union(*rows))


SHARING: Final = Sharing(
    by_key=frozenset({AWAIT}),
    joined={
        (RULE, ""): _idle_everywhere,
        (SEEN, ""): _union,
        (META, RULES): max,
        (GAP, LAST): latest,
    },
    added=frozenset({REPEATS}),
)
