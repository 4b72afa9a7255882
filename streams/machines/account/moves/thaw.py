"""What a key does when no move is open any more, in bounded steps: relations, sums, rules, then what was
held.

    waits that came     armed again with their due
    accounts that ended, entities that came or went   see `settle`
    records and waits that were held                  in the order of time, each as a step of its own

Until the last of them the key stays frozen (`mv` row `~thaw`), so that nothing overtakes what was held.
When another
move begins in between, all this stops and begins again after it. Everything is judged at the logical time
at which it
would have been judged without the move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from streams.kernel.contract import Context
from streams.machines.account.moves import settle
from streams.machines.account.moves.rows import (
    ALL,
    CHUNK,
    GO_ON,
    HELD,
    SALES,
    SINCE,
    THAW,
    WAIT,
    Place,
    number,
    opens,
)
from streams.machines.account.turn import Turn

Turns = Callable[[], Turn]
WORK = ("mw", "mj", "mi", "ma", "mb", "md", "mp")
"""Buckets that hold something to do."""


def begin(ctx: Context, turn: Turns) -> None:
    """Go on if no move is open and there is anything to do."""
    if ctx.get(*ALL) is not None or ctx.get("mv", THAW) is not None or opens(ctx):
        return
    if not _any(ctx, WORK):
        ctx.put(*SINCE, None)
    elif not _any(ctx, ("mo",)) or _any(ctx, ("mp", "mw", "ma")):
        _step(ctx, turn, number(ctx))  # else more is about to leave: look once, when the last has gone


def _any(ctx: Context, buckets: Iterable[str]) -> bool:
    return any(next(iter(ctx.scan(bucket)), None) is not None for bucket in buckets)


def go_on(ctx: Context, value: Any, turn: Turns) -> None:
    """The next step, unless the key has begun anew since."""
    state = ctx.get("mv", THAW)
    if ctx.get(*ALL) is not None or state is None or state["run"] != value["run"]:
        return
    if opens(ctx):
        ctx.put("mv", THAW, None)
        return
    _step(ctx, turn, state["run"])


def fell_due(ctx: Context) -> None:
    """A wait fell due here while the key was thawing and waiting for just that."""
    state = ctx.get("mv", THAW)
    if state is not None and state["idle"]:
        _again(ctx, state["run"])


def instant(ctx: Context, at: int) -> int:
    """The logical time (us) at which something held is judged: its own, never before the key was frozen."""
    since = ctx.get(*SINCE)
    return at if since is None else max(at, since)


def _again(ctx: Context, run: str, *, idle: bool = False) -> None:
    ctx.put("mv", THAW, {"run": run, "idle": int(idle)})
    if not idle:
        ctx.emit(SALES, ctx.key, GO_ON, {"run": run})


def _step(ctx: Context, turn: Turns, run: str) -> None:
    at = ctx.at
    ctx.at = _floor(ctx)
    armed = _arm(ctx)
    left = settle.some(turn(), CHUNK)
    ctx.at = at
    if left == 0 or (_any(ctx, ("mp", "mw")) and (armed or left < CHUNK)):
        _again(ctx, run)  # what was armed falls due before what was held is looked at
    elif not _pump(ctx, run):
        ctx.put("mv", THAW, None)
        ctx.put(*SINCE, None)


def _floor(ctx: Context) -> int:
    """What changed hands is judged as of the moment at which the key was frozen, before anything that was
    held.
    """
    since = ctx.get(*SINCE)
    first = next(iter(ctx.scan("mp")), None)
    marks = [ctx.at, since, None if first is None else first[1][2][0]]
    return min(mark for mark in marks if mark is not None)


def _arm(ctx: Context) -> bool:
    """Arm waits that came with their rows; True when there were any. The driver hands back what is due."""
    count = 0
    for name, (due, fell) in list(ctx.scan("mw")):
        if not fell and count < 5 * CHUNK:
            ctx.put("mw", name, None)
            ctx.wait(name, due)
            count += 1
    return count > 0


def _pump(ctx: Context, run: str) -> bool:
    """Send what was held and is next in time to this key itself; False when nothing is left."""
    records = [row for _, row in ctx.scan("mp")][:1]
    waits = sorted((due, name) for name, (due, _) in ctx.scan("mw"))
    if not records and not waits:
        return False
    first_at = records[0][2][0] if records else None
    if waits and (first_at is None or waits[0][0] <= first_at):
        for due, name in (wait for wait in waits[:CHUNK] if wait[0] == waits[0][0]):
            ctx.put("mw", name, None)
            _hand_over(ctx, WAIT, [name, due], [due, 0, 0])
    elif first_at is not None and any(due <= first_at for _, due in ctx.waits()):
        _again(ctx, run, idle=True)  # the clock is not there yet
        return True
    else:
        for name, (kind, value, place) in list(ctx.scan("mp"))[:CHUNK]:
            if place[0] == first_at:
                ctx.put("mp", name, None)
                _hand_over(ctx, kind, value, place)
    _again(ctx, run)
    return True


def _hand_over(ctx: Context, kind: str, value: Any, place: Place) -> None:
    ctx.emit(SALES, ctx.key, HELD, {"kind": kind, "value": value, "place": place})
