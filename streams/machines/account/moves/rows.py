"""Rows of the move protocol: their names, and the questions that every part of it asks of them.

Rows of a key that was ever part of a move; all other keys have none of them:
    mv.mark ""         1; every other key is spared all questions
    mv     move        a move that comes in: {left: confirmations to come, ended: 1 when all rows are here,
    all: 1 for a
                       whole key}; name `~thaw` while the key goes on after the last of them, see `thaw`
    mv.since ""        logical time (us) since which nothing has been decided here
    mv.count ""        running number for queues
    mc     entity      [the move that brings it (its end has not come yet), place of its begin]
    mh     entity      1: it is here, though without a row
    mq|entity place    [kind, value, place]: records of the entity that wait for its rows; `mq` lists such
    entities
    ms|move  bucket/name   mc and mq rows of a whole key on its way, put in place at its end
    mp     place       [kind, value, place]: records that nobody has looked at yet because a move is open
    mw     wait        [due, 1 when it fell due here already]: waits of an open move
    mo     move        a move of an entity that went out: {to, deps}, {via} or {got}, see `outgoing`
    mx     entity      it is being sent: {to, move, after: name of the last event sent, ...}
    ma, mb, md entity  arrived; relations stand, sums to come; sums stand, rules to come
    mi     name        what arrived says about the account
    mj     account     it ended here by a merge
    fwd    entity      the key it has gone to;  fwd.alerts alert  [key, entity]
    fwd.all ""         {to, move, ...}: the whole key has gone;  fq  records that came while it was being sent

Forwards (`fwd`, `fwd.alerts`, `fwd.all`) stay for good, unless what they are for comes back: nobody knows who
still holds an old address. An entity is written `kind|native id`, ids of other namespaces with theirs. No
decision about rules here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.kernel.contract import Context
from streams.machines.account.world import events_bucket

BEGIN, OUT, ROWS, END, CONFIRM, CONFIRMED = (
    "move.begin", "move.out", "move.rows", "move.end", "move.confirm", "move.confirmed",
)  # fmt: skip
MORE, GO_ON, HELD = "move.more", "move.go_on", "move.held"
"""Records of a key to itself: send on, go on after a move, look at what was held."""

FORWARD, EVENT, COMMAND, RECHECK, SWEEP, WAIT = "forward", "event", "command", "recheck", "sweep", "wait"
SALES = "sales.events"
CHUNK = 200
"""Rows in one record of a move."""

BATCH = 2_000
"""Rows sent in one step."""

MARK = ("mv.mark", "")
SINCE = ("mv.since", "")
COUNT = ("mv.count", "")
ALL = ("fwd.all", "")
THAW = "~thaw"

Row = Any
"""The value of a row; each bucket has its own shape, see above."""

Place = list[int]
"""[at, feed, n] of a record when it was first written."""


def name_of(scope: Mapping[str, Any]) -> str | None:
    """The entity that a scope names; None for a whole key."""
    if "entity" not in scope:
        return None
    kind, native = scope["entity"]
    return f"{kind}|{scope['ns']}/{native}" if scope.get("ns") else f"{kind}|{native}"


def account_of(key: str) -> str | None:
    """Native id of the account whose key it is."""
    kind, _, native = key.partition(":")
    return native.removeprefix("/") if kind == "account" else None


def entity_of_row(bucket: str, name: str) -> str | None:
    """The entity to which a row belongs, if it shows that the entity is where the row is."""
    if bucket in ("e", "cr", "mh", "mc"):
        return name
    return bucket[2:] if bucket[:2] in ("v|", "t|", "a|") else bucket[3:] if bucket[:3] == "mq|" else None


def entity_of_wait(name: str) -> str:
    """The entity to which a wait belongs.

    >>> entity_of_wait("t|opportunity|O1|stale@1")
    'opportunity|O1'
    """
    what, kind, rest = name.split("|", 2)
    return f"{kind}|{rest.rsplit('|', {'t': 1, 'i': 3, 'z': 2, 's': 0}[what])[0]}"


def opens(ctx: Context) -> list[tuple[str, Row]]:
    """Moves that come in, (name, row)."""
    return [(name, row) for name, row in ctx.scan("mv") if name != THAW]


def frozen(ctx: Context, *, held: bool = False) -> bool:
    """Is nothing to be decided here? held: what was held is let through while the key goes on."""
    return any(name != THAW or not held for name, _ in ctx.scan("mv"))


def number(ctx: Context) -> str:
    """The next running number of the key, as a name that sorts."""
    count: int = ctx.get(*COUNT) or 0
    ctx.put(*COUNT, count + 1)
    return f"{count:012d}"


def present(ctx: Context, entity: str) -> bool:
    """Are all rows of the entity here?"""
    arrived = ctx.get("ma", entity)
    moves = () if arrived is None else [ctx.get("mv", move) for move in arrived["by"]]
    if any(move is not None and not move["ended"] for move in moves):
        return False
    if ctx.get("e", entity) is not None or ctx.get("mh", entity) is not None:
        return True
    kind, _, native = entity.partition("|")
    return next(iter(ctx.scan(events_bucket(kind, native))), None) is not None


def may_be_coming(ctx: Context, entity: str) -> bool:
    """May something still bring the entity that the key does not have?

    A whole key on its way here may, until its last confirmation: a begin may be forwarded behind its rows.
    """
    return any(row.get("all") for _, row in opens(ctx)) and not present(ctx, entity)


def hold(ctx: Context, kind: str, value: Any, place: Place) -> None:
    """Keep a record until no move is open; they go on in the order of their places."""
    at, feed, n = place
    tail = "" if kind == EVENT else number(ctx)
    ctx.put("mp", f"{at:020d}|{n:012d}|{feed:06d}|{kind}{tail}", [kind, value, place])


def send_event(ctx: Context, to: str, event: Any, place: Place) -> None:
    """Send an event on to where its entity went; it keeps its place."""
    ctx.emit(SALES, to, FORWARD, {"event": event, "place": place})


def mark(ctx: Context, bucket: str, entity: str, why: str, *, everything: bool = False) -> None:
    """Note in `mb` or `md` that the entity is to be looked at again, and whether by every rule."""
    old = ctx.get(bucket, entity) or {}
    ctx.put(bucket, entity, {**old, "why": why, "all": 1} if everything else {**old, "why": why})
