"""Spans of time in which the system was not there: what it would have said again and again then, it says
once.

A runtime that finds waits long overdue says so in its log, before they fire: `{"what": "gap", "from": us,
"to": us}`, a shared change that every partition of every machine keeps as the row `gap/last`. So it is
decided by logical time and the log alone, whatever the watermarks. It is about reminders; deadlines are
judged as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.kernel.contract import Context

LATE = 600_000_000
"""What fires so much (us) after its due was not told in time: nobody was there."""

GAP = "gap"
LAST = "last"


def gap_value(since: int, until: int) -> dict[str, Any]:
    """The value of the shared change: nothing that fell due from `since` to `until` (us) was said in time."""
    return {"what": GAP, "from": since, "to": until}


def keep_gap(ctx: Context, value: Mapping[str, Any]) -> None:
    """Keep it in this partition. Reminders look at the latest gap only: those of earlier ones have fired."""
    ctx.put_shared(GAP, LAST, [value["from"], value["to"]])


def latest(gaps: Sequence[Sequence[int]]) -> Sequence[int]:
    """The one that ended last: partitions may have been told of several, each in an order of its own."""
    return max(gaps, key=lambda gap: (gap[1], -gap[0]))


def superseded(ctx: Context, told: int, due: int, again: int) -> bool:
    """Whether a reminder due in the gap is not worth saying: the next one (`again`) lies in the gap as well,
    or what it reminds of was itself `told` only after the gap. All in us.
    """
    gap = ctx.shared(GAP, LAST)
    if gap is None or not gap[0] <= due <= gap[1]:
        return False
    return bool(again <= gap[1] or told >= gap[0])
