"""Moving an account's rows to another key: merges, converted leads, entities that change their account.

    identity ──> move.begin (new key)    nothing is decided there from now on; what comes is queued or held
             ──> move.out   (old key)    move.rows ..., move.end (new key); the old key forwards from now on
             ──> move.confirm (old key)  behind all that identity sent there ──> move.confirmed (new key)
    new key, when all are confirmed: sums, rules that see the change, then what was held, in its order

Rules of the protocol:
1. A key that has moved wholly forwards all that arrives. The forward of an entity counts before that of
   the key, but only for events and outs.
2. Whatever brings an entity to or through a key deletes that key's forward for it.
3. Until a whole key that comes in is confirmed, events, begins and outs of entities that are not here
   are queued: a begin may be forwarded behind the rows.
4. While an entity is coming in, all that concerns it is queued, in the order in which identity wrote it;
   its out of the same move means that both ends are here, an out of an earlier move goes ahead at once
   and leaves no forward.
5. The out of a whole key is never delayed; it takes rows, queues and open moves along.
6. An entity that arrives without rows counts as here; one that arrives in several records does not
   before the last move that brings it has ended.
7. Forwarded events may come after direct ones; they keep the place (at, feed, n) of their first writing.
8. A follower that is elsewhere already is answered with an end alone.

Beyond these: confirmations go the way of their outs, and wait for what brought the entity to the old key.
A key decides nothing from the first begin to the last confirmation, so nothing fires before what was
still on its way. A child that names its account itself stays there when the document above it moves
(identity routes it there), and is judged without that document. Rows that come from before a change of
rules or people are judged anew by all rules. The sweep of an edit waits as well; what the former version of
the rule has under way is written down at once, since rules may look at an entity before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.kernel.contract import Context, Record, Sweep, Wait
from streams.machines.account.moves import incoming, outgoing, routing, thaw, whole
from streams.machines.account.moves.routing import Item, item_of
from streams.machines.account.moves.rows import (
    ALL,
    BEGIN,
    CONFIRM,
    CONFIRMED,
    END,
    FORWARD,
    GO_ON,
    HELD,
    MARK,
    MORE,
    OUT,
    ROWS,
    SALES,
    SWEEP,
    Place,
    frozen,
    name_of,
)
from streams.machines.account.moves.thaw import Turns, instant

KINDS = (BEGIN, OUT, ROWS, END, CONFIRM, CONFIRMED, MORE, GO_ON)
"""Kinds of records that only this protocol knows."""


def hold_wait(ctx: Context, wait: Wait) -> bool:
    """While rows are on their way nothing is decided: keep the wait for later. True if it was kept."""
    if ctx.get(*MARK) is None:
        return False
    away = ctx.get(*ALL)
    if away is not None:
        ctx.emit(SALES, away["to"], ROWS, {"move": "", "rows": [], "waits": [[wait.name, wait.due]]})
        return True
    if not frozen(ctx):
        return False
    ctx.put("mw", wait.name, [wait.due, 1])
    thaw.fell_due(ctx)
    return True


def hold_sweep(ctx: Context, sweep: Sweep) -> bool:
    """A sweep waits until no move is open. True if it was kept, or if there is nothing here to sweep."""
    return ctx.get(*MARK) is not None and routing.stopped(ctx, (SWEEP, sweep.what, [sweep.at, 0, 0]))


def stopped(ctx: Context, record: Record, item: Item, turn: Turns) -> bool:
    """Forward, queue or hold what came to a key that was part of a move; False: the machine shall take it
    now.
    """
    if ctx.get(*MARK) is None or not routing.stopped(ctx, item, held=record.kind == HELD):
        return False
    thaw.begin(ctx, turn)
    return True


def on_move(ctx: Context, record: Record, turn: Turns) -> None:
    """One record of the protocol."""
    value: Any = record.value
    ctx.put(*MARK, 1)
    if record.kind == MORE:
        routing.send_more(ctx, value.get("entity"))
        thaw.begin(ctx, turn)
    elif record.kind == GO_ON:
        thaw.go_on(ctx, value, turn)
    else:
        place = value.get("place") or [record.at, record.feed, record.n]
        if not routing.gone(ctx, record.kind, value, place):
            _HANDLERS[record.kind](ctx, value, place)
            thaw.begin(ctx, turn)


def _out(ctx: Context, value: Any, place: Place) -> None:
    entity = name_of(value["scope"])
    if entity is None:
        whole.send_all(ctx, value, later=routing.send_rest(ctx))
    else:
        routing.enqueue(ctx, entity, OUT, value, place)
        routing.drain(ctx, entity)


_HANDLERS: dict[str, Callable[[Context, Any, Place], None]] = {
    BEGIN: incoming.begin,
    OUT: _out,
    ROWS: lambda ctx, value, place: incoming.rows(ctx, value),
    END: lambda ctx, value, place: incoming.end(ctx, value),
    CONFIRM: lambda ctx, value, place: outgoing.confirm(ctx, value),
    CONFIRMED: lambda ctx, value, place: incoming.confirmed(ctx, value),
}

__all__ = [
    "FORWARD",
    "HELD",
    "KINDS",
    "MARK",
    "hold_sweep",
    "hold_wait",
    "instant",
    "item_of",
    "on_move",
    "stopped",
]
