"""The new key of a move: rows are put in their places, waits kept, and what was queued for them goes on at
the end.

    move.begin      the key decides nothing from now on (`mv`)
    move.rows       rows and waits; an entity counts as here at the end of its move
    move.end        queues go on; what a whole key queued itself comes before what was queued here for it
    move.confirmed  nothing more comes by way of the old key; behind the last of all moves `thaw` begins

It must not judge anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.kernel.contract import Context
from streams.machines.account import former
from streams.machines.account.moves import outgoing
from streams.machines.account.moves.routing import drain, enqueue
from streams.machines.account.moves.rows import (
    BEGIN,
    ROWS,
    SALES,
    SINCE,
    Place,
    Row,
    account_of,
    entity_of_row,
    entity_of_wait,
    mark,
    name_of,
    present,
)
from streams.machines.account.review import KEEP_CUSTOMER_EVENTS


def begin(ctx: Context, value: Any, place: Place) -> None:
    """Something is coming: freeze; an entity also takes its turn behind the records before it."""
    entity = name_of(value["scope"])
    kind = {"all": 1} if entity is None else {"entity": entity}
    ctx.put("mv", value["move"], {"left": value["partitions"], "ended": 0, **kind})
    _frozen_since(ctx, ctx.at)
    if entity is not None:
        ctx.put("fwd", entity, None)
        enqueue(ctx, entity, BEGIN, value, place)
        drain(ctx, entity)


def _frozen_since(ctx: Context, at: int | None) -> None:
    since = ctx.get(*SINCE)
    if at is not None and (since is None or at < since):
        ctx.put(*SINCE, at)


# -- rows -------------------------------------------------------------------------------------------------


def rows(ctx: Context, value: Any) -> None:
    """Rows and waits arrive."""
    move = value["move"]
    _frozen_since(ctx, value.get("since"))
    for bucket, name, row in value["rows"]:
        entity = entity_of_row(bucket, name)
        if entity is not None:
            ctx.put("fwd", entity, None)
        if bucket == "mc" or bucket[:3] == "mq|":
            ctx.put(f"ms|{move}", f"{bucket}/{name}", [bucket[:2], entity, row])
            continue
        if entity is not None:
            _arrives(ctx, entity, [move], value["sh"])
        if bucket[:2] == "t|":
            former.wake(ctx, name)
        _PUT.get(bucket[:2] if bucket[:2] == "v|" else bucket, Context.put)(ctx, bucket, name, row)
    for name, due in value.get("waits", ()):
        to = ctx.get("fwd", entity_of_wait(name))
        if to is None:
            ctx.put("mw", name, [due, 0])
        else:  # a straggler: the entity has gone on
            ctx.emit(SALES, to, ROWS, {"move": move, "rows": [], "waits": [[name, due]]})


def _arrives(ctx: Context, entity: str, moves: list[str], seen: int) -> None:
    """Note by which moves rows of the entity came: it is not wholly here before the last of them has
    ended.
    """
    old = ctx.get("ma", entity)
    if old is None:
        ctx.put("ma", entity, {"by": moves, "sh": seen})
    elif not set(moves) <= set(old["by"]) or seen < old["sh"]:
        ctx.put("ma", entity, {"by": sorted({*moves, *old["by"]}), "sh": min(seen, old["sh"])})


def _put_arrived(ctx: Context, bucket: str, name: str, row: Row) -> None:
    """It had arrived at the old key itself, perhaps not wholly, perhaps from where fewer changes were
    known.
    """
    _arrives(ctx, name, row["by"], row["sh"])


def _put_event(ctx: Context, bucket: str, name: str, row: Row) -> None:
    """Its account is known from the first instant at which an event named it."""
    ctx.put(bucket, name, row)
    if not bucket.startswith("v|account|"):
        order = row["o"]
        known = ctx.get("mi", "first") or {"low": order[0], "first": order}
        first = min(known["first"], order, key=lambda o: o[1:])
        hist = max(known.get("hist", 0), row["e"].get("hist", 0))
        ctx.put("mi", "first", {"low": min(known["low"], order[0]), "first": first, "hist": hist})


def _put_customer(ctx: Context, bucket: str, name: str, row: Row) -> None:
    mine: list[Any] = ctx.get("al", name) or []
    ctx.put("al", name, sorted([*mine, *row])[-KEEP_CUSTOMER_EVENTS:])
    ctx.put("mi", f"al|{name}", 1)


def _put_alert_place(ctx: Context, bucket: str, name: str, row: Row) -> None:
    ctx.put("fwd.alerts", name, None)
    ctx.put(bucket, name, row)


def _put_marked(ctx: Context, bucket: str, name: str, row: Row) -> None:
    mark(ctx, "mb", name, row["why"], everything=bool(row.get("all")))


def _put_out(ctx: Context, bucket: str, name: str, row: Row) -> None:
    """A move that went out of the old key; its confirmation may be here already."""
    mine = ctx.get("mo", name) or {}
    ctx.put("mo", name, {**mine, **row, "got": int(bool(mine.get("got")) or bool(row.get("got")))})
    if "via" not in row:
        outgoing.release(ctx, name)


_PUT: dict[str, Callable[[Context, str, str, Row], None]] = {
    "ma": _put_arrived, "v|": _put_event, "al": _put_customer, "ai": _put_alert_place, "mb": _put_marked,
    "md": _put_marked, "mo": _put_out,
}  # fmt: skip
"""Buckets whose rows are not simply put."""


# -- the end ----------------------------------------------------------------------------------------------


def end(ctx: Context, value: Any) -> None:
    """All rows are here."""
    move, entity = value["move"], name_of(value["scope"])
    _frozen_since(ctx, value.get("since"))
    state = ctx.get("mv", move)
    if state is not None:
        ctx.put("mv", move, {**state, "ended": 1})
    if entity is None:
        _merge_queues(ctx, move)
        account = account_of(value["from"])
        if account is not None:
            ctx.put("mj", account, 1)
    else:
        _entity_ended(ctx, entity, move)
    if entity is None:
        _drain_all(ctx)
    else:
        drain(ctx, entity)
    _close(ctx, move)


def _drain_all(ctx: Context) -> None:
    for name, _ in list(ctx.scan("mq")):
        drain(ctx, name)


def _entity_ended(ctx: Context, entity: str, move: str) -> None:
    """An entity that arrives without rows is here all the same."""
    ctx.put("fwd", entity, None)
    if not present(ctx, entity):
        ctx.put("mh", entity, 1)
    coming = ctx.get("mc", entity)
    if coming is not None and coming[0] == move:
        ctx.put("mc", entity, None)
    for name, (kind, value, _) in list(ctx.scan(f"mq|{entity}")):
        if kind == BEGIN and value["move"] == move:
            ctx.put(f"mq|{entity}", name, None)


def _merge_queues(ctx: Context, move: str) -> None:
    """What the old key was waiting for, this key waits for now; what it awaited itself takes its place
    behind.
    """
    for name, (bucket, about, row) in list(ctx.scan(f"ms|{move}")):
        ctx.put(f"ms|{move}", name, None)
        if bucket != "mc":
            enqueue(ctx, about, *row)
            continue
        mine = ctx.get("mc", about)
        if mine is not None and mine[0] != row[0]:
            later = max(mine, row, key=lambda coming: coming[1])
            enqueue(ctx, about, BEGIN, {"move": later[0]}, later[1])
            first = min(mine, row, key=lambda coming: coming[1])
        else:
            first = row
        ctx.put("mc", about, first)


# -- confirmations ----------------------------------------------------------------------------------------


def confirmed(ctx: Context, value: Any) -> None:
    """One more identity partition sends nothing to the old key, which has forwarded all that it sent
    before.
    """
    state = ctx.get("mv", value["move"])
    if state is not None:
        ctx.put("mv", value["move"], {**state, "left": state["left"] - 1})
        _close(ctx, value["move"])


def _close(ctx: Context, move: str) -> None:
    state = ctx.get("mv", move)
    if state is None or state["left"] > 0 or not state["ended"]:
        return
    ctx.put("mv", move, None)
    if state.get("all"):
        _drain_all(ctx)
    for out, row in list(ctx.scan("mo")):
        if move in row.get("deps", ()):
            outgoing.release(ctx, out)
