"""Names of the identity machine's rows, topics and record kinds, and its limits. No logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

RESOLVE: Final = "identity.resolve"
SALES_EVENTS: Final = "sales.events"

ID, ROUTE = "id", "route"
"""Bucket and name of a key's route row, see `node`."""

PARK, PARKED_AS, ASK, MOVES, NOTE = "park", "parked", "ask", "moves", "note"
TOLD, CLAIMS = "told", "claims"
"""Buckets of a key: events that wait (in order), their places by reference, keys that follow this one, moves
not yet confirmed, what events have named (see `history`), keys it claims and that claim it (see `claims`)."""

MERGE, PARKED, COUNT = "merge", "parked", "count"
"""Shared buckets: merged account -> survivor; keys with waiting events; how many events wait (name
`parked`).
"""

EVENT, RESOLVE_ASK, RESOLVED, ALIAS, DISOWN = "event", "resolve", "resolved", "alias", "disown"
REROUTE, ACK, MERGE_ASK, FENCE = "reroute", "ack", "merge.ask", "fence"
BEGIN, OUT, CONFIRM = "move.begin", "move.out", "move.confirm"

Route = dict[str, Any]


def into(survivor: str) -> str:
    """Shared bucket that lists what was merged into `survivor`."""
    return f"into/{survivor}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many events may wait for unknown parents: of one entity, of one partition."""

    entity: int = 1_000
    partition: int = 100_000
