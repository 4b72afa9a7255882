"""The old key of a move of a whole key: everything goes, in bounded records and bounded steps.

    move.out   what is open first, then up to `BATCH` rows a step, each step asking itself for the next,
    then the end
    meanwhile  whatever comes is put in line (`fq`) and follows behind the end, in its order
    afterwards the key forwards all that comes; confirmations of the move become move.confirmed

It is never delayed. It must not judge anything; where a forwarded record goes is `routing`'s.
"""

from __future__ import annotations

from typing import Any

from streams.kernel.contract import Context
from streams.machines.account.moves.outgoing import Sent, emit_rows, emit_waits
from streams.machines.account.moves.rows import (
    ALL,
    BATCH,
    CHUNK,
    END,
    MORE,
    ROWS,
    SALES,
    SINCE,
    THAW,
    Row,
    number,
    opens,
)
from streams.machines.account.world import changes

STAYS = frozenset({"fwd", "fwd.all", "fwd.alerts", "fq", "mv", "mv.mark", "mv.since", "mv.count", "mo",
"mq", "mw", "mi",
                   "h", "k"})  # fmt: skip
"""Buckets of the key itself; what is open (`mv`, `mo`) and waits (`mw`) are sent in records of their own."""


def send_all(ctx: Context, value: Any, *, later: bool) -> None:
    """Begin: open moves first, so that the new key awaits what this one awaited. later: its rows in a step of
    their own, since this one has sent some already.
    """
    to, move = value["to"], value["move"]
    away = {"to": to, "move": move, "busy": 1, "sh": changes(ctx), "after": None}
    rows: list[Sent] = [["mv", name, row] for name, row in opens(ctx)]
    rows.extend(["mo", name, row] for name, row in ctx.scan("mo"))
    for bucket, name, _ in rows:
        ctx.put(bucket, name, None)
    for start in range(0, max(len(rows), 1), CHUNK):
        first = {
            "move": move,
            "rows": rows[start : start + CHUNK],
            "sh": away["sh"],
            "since": ctx.get(*SINCE),
        }
        ctx.emit(SALES, to, ROWS, first)
    ctx.put("mv", THAW, None)
    ctx.put(*SINCE, None)
    if later:
        ctx.put(*ALL, away)
        ctx.emit(SALES, ctx.key, MORE, {})
    else:
        send_more(ctx, away)


def send_more(ctx: Context, away: Row) -> None:
    """The next rows and waits of the key; behind the last of them the end."""
    to, move = away["to"], away["move"]
    rows, after = _next_rows(ctx, away["after"])
    for bucket, name, _ in rows:
        ctx.put(bucket, name, None)
    emit_rows(ctx, to, move, rows, away["sh"])
    waits = _next_waits(ctx)
    emit_waits(ctx, to, move, waits)
    if after is None and len(waits) < BATCH:
        ctx.emit(SALES, to, END, {"move": move, "scope": {"all": True}, "from": ctx.key})
        more = next(iter(ctx.scan("fq")), None) is not None
        away = {**away, "busy": 2 if more else 0}
        for bucket in ("mq", "mi"):
            for name, _ in list(ctx.scan(bucket)):
                ctx.put(bucket, name, None)
    ctx.put(*ALL, {**away, "after": after or ["~", ""]})
    if away["busy"]:
        ctx.emit(SALES, ctx.key, MORE, {})


def _next_rows(ctx: Context, after: list[str] | None) -> tuple[list[Sent], list[str] | None]:
    """Up to BATCH rows behind `after`, and where to go on; None behind the last."""
    found: list[Sent] = []
    place = None if after is None else (after[0], after[1])
    while len(found) < BATCH:
        rows = ctx.scan_key(place, BATCH - len(found))
        if not rows:
            return found, None
        place = rows[-1][:2]
        found.extend([bucket, name, row] for bucket, name, row in rows if bucket not in STAYS)
    return found, list(place or ())


def _next_waits(ctx: Context) -> list[list[Any]]:
    found = [[name, due] for name, (due, _) in ctx.scan("mw")][:BATCH]
    found.extend([name, due] for name, due in ctx.waits()[: BATCH - len(found)])
    for name, _ in found:
        ctx.wait(name, None)
        ctx.put("mw", name, None)
    return found


def put_in_line(ctx: Context, what: list[Any]) -> None:
    """The key is still being sent: this follows behind its end."""
    ctx.put("fq", number(ctx), what)
