"""How many events of an import were known already: counted in the partition's rows, so it is exact however
often a batch is worked off.

Counters only; nothing is decided by them, and no output holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.time import DAY
from streams.kernel.contract import SHARED, Context, Rows

REPEATS: Final = "repeats"
"""Bucket of shared rows: start of an import (us) -> events of it that changed nothing. Those of a day are
kept.
"""


def count(ctx: Context, event: Mapping[str, Any]) -> None:
    """The event came before; an event of now is not counted."""
    hist = event.get("hist")
    if not hist:
        return
    name = str(hist)
    known = ctx.shared(REPEATS, name)
    if known is None:
        for other in [name for name, _ in ctx.scan_shared(REPEATS) if int(name) < hist - DAY]:
            ctx.put_shared(REPEATS, other, None)
    ctx.put_shared(REPEATS, name, (known or 0) + 1)


def counted(partitions: Iterable[Rows], hist: int) -> int:
    """Over all partitions of the machine: events of the import that began at `hist` us that were known."""
    return sum(rows.get(SHARED, REPEATS, str(hist)) or 0 for rows in partitions)
