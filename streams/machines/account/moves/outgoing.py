"""The old key of an entity's move: rows go out in bounded records, then their end; what comes later is
forwarded.

    move.out      rows, events by up to `BATCH` in a step, then the end and what was held for the entity
    move.confirm  goes the way of its out and becomes move.confirmed: behind all that was forwarded before

Row `mo` of an entity's move: {to} it went there; {via} the out was forwarded, so the confirmation follows
it; {got} the
confirmation is here, the out is not yet, or (with {to, deps}) moves that brought the entity here are still
open.
It must not judge anything; entities whose surroundings changed are noted in `mb`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rules.reasons import Reason
from streams.kernel.contract import Context
from streams.machines.account import entities
from streams.machines.account.alerts import alert_bucket
from streams.machines.account.intake import subject_of
from streams.machines.account.moves.rows import (
    BATCH,
    CHUNK,
    CONFIRM,
    CONFIRMED,
    END,
    EVENT,
    MORE,
    ROWS,
    SALES,
    SINCE,
    Row,
    entity_of_wait,
    mark,
    opens,
    send_event,
)
from streams.machines.account.trigger_rows import trigger_bucket
from streams.machines.account.world import World, changes, children_bucket, events_bucket

Sent = list[Any]
"""[bucket, name, value]"""


# -- one entity -------------------------------------------------------------------------------------------


def send_entity(ctx: Context, entity: str, value: Any) -> None:
    """Send the rows of the entity (there may be none), its events last and in bounded steps; behind the last
    of them it is elsewhere. What comes in between is queued.
    """
    to, move = value["to"], value["move"]
    kind, _, native = entity.partition("|")
    away = to != ctx.key and ctx.get("mc", entity) is None
    arrived = ctx.get("ma", entity)
    seen = min(changes(ctx), changes(ctx) if arrived is None else arrived["sh"])
    waits = _waits_of(ctx, entity)
    _leave(World(ctx), kind, native, counted=arrived is None)
    rows = list(_rows_of(ctx, kind, native))
    for bucket, name, _ in rows:
        if bucket == "ai":
            ctx.put("fwd.alerts", name, [to, entity])
        if bucket != "al":
            ctx.put(bucket, name, None)
    for bucket in ("ma", "mb", "md", "mh"):
        ctx.put(bucket, entity, None)
    emit_waits(ctx, to, move, waits)
    leaving = {"to": to, "move": move, "scope": value["scope"], "sh": seen, "away": int(away), "after": "",
               "deps": _awaited(ctx, entity, value["seq"])}  # fmt: skip
    if send_events(ctx, entity, leaving, rows):
        went(ctx, leaving)


def send_events(
    ctx: Context, entity: str, leaving: Row, rows: Iterable[Sent] = (), *, everything: bool = False
) -> bool:
    """Send rows and the next events of an entity that leaves; behind the last of them its end and what was
    held for it. True if that was the last; then it `went`, behind what was queued for it.
    """
    to, move, bucket = leaving["to"], leaving["move"], events_bucket(*_split(entity))
    names = (row for row in ctx.scan(bucket) if row[0] > leaving["after"])
    found = list(names if everything else islice(names, BATCH))
    for name, _ in found:
        ctx.put(bucket, name, None)
    sent = [*rows, *([bucket, name, row] for name, row in found)]
    emit_rows(ctx, to, move, sent, leaving["sh"])
    if len(found) == BATCH and not everything:
        ctx.put("mx", entity, {**leaving, "after": found[-1][0]})
        ctx.emit(SALES, ctx.key, MORE, {"entity": entity})
        return False
    ctx.put("mx", entity, None)
    if leaving["away"]:
        ctx.put("fwd", entity, to)
    end = {"move": move, "scope": leaving["scope"], "from": ctx.key, "since": ctx.get(*SINCE)}
    ctx.emit(SALES, to, END, end)
    for name, (what, event, place) in list(ctx.scan("mp")):
        if what == EVENT and _is_of(event, entity):
            ctx.put("mp", name, None)
            send_event(ctx, to, event, place)
    return True


def went(ctx: Context, leaving: Row) -> None:
    """The entity has gone, with all that came until now."""
    _went(ctx, leaving["move"], leaving["to"], leaving["deps"])


def _split(entity: str) -> tuple[str, str]:
    kind, _, native = entity.partition("|")
    return kind, native


def _awaited(ctx: Context, entity: str, seq: int) -> list[str]:
    """Open moves that may still bring something of the entity: of whole keys, and earlier ones of its own."""
    found = []
    for move, row in opens(ctx):
        earlier = row.get("entity") == entity and int(move.rpartition("#")[2]) < seq
        if row.get("all") or earlier:
            found.append(move)
    return found


def _is_of(event: Any, entity: str) -> bool:
    kind, native = subject_of(event)
    return f"{kind}|{native}" == entity


def _waits_of(ctx: Context, entity: str) -> list[list[Any]]:
    kind, _, native = entity.partition("|")
    row: Row = ctx.get("e", entity)
    quiet = row is None or "sb" not in row
    if quiet and all(next(iter(ctx.scan(b)), None) is None for b in _waiting_buckets(kind, native)):
        return []  # most entities wait for nothing: do not look through the account's waits
    found: list[list[Any]] = [[name, due] for name, due in ctx.waits() if entity_of_wait(name) == entity]
    found.extend([name, due] for name, (due, _) in ctx.scan("mw") if entity_of_wait(name) == entity)
    for name, _ in found:
        ctx.wait(name, None)
        ctx.put("mw", name, None)
    return found


def _waiting_buckets(kind: str, native: str) -> tuple[str, str]:
    return trigger_bucket(kind, native), alert_bucket(kind, native)


def _rows_of(ctx: Context, kind: str, native: str) -> Iterator[Sent]:
    entity = f"{kind}|{native}"
    for bucket in ("e", "cr"):
        row = ctx.get(bucket, entity)
        if row is not None:
            yield [bucket, entity, row]
    for alias in (ctx.get("e", entity) or {}).get("al", ()):
        if ctx.get("xa", f"{kind}|{alias}") == native:
            yield ["xa", f"{kind}|{alias}", native]
    for name, row in list(ctx.scan(trigger_bucket(kind, native))):
        yield [trigger_bucket(kind, native), name, row]
        if ctx.get(f"lv|{name}", entity) is not None:
            yield [f"lv|{name}", entity, 1]
    for name, row in list(ctx.scan(alert_bucket(kind, native))):
        yield [alert_bucket(kind, native), name, row]
        place = ctx.get("ai", row["id"])
        if place is not None:
            yield ["ai", row["id"], place]
    yield from _customer_rows(ctx, entity)


def _customer_rows(ctx: Context, entity: str) -> Iterator[Sent]:
    """What the entity told rules that listen to the customer alone; taken off the lists here."""
    for rule, known in list(ctx.scan("al")):
        mine = [entry for entry in known if entry[3] == entity]
        if mine:
            ctx.put("al", rule, [entry for entry in known if entry[3] != entity] or None)
            ctx.put("mi", f"al|{rule}", 1)
            yield ["al", rule, mine]


def _leave(world: World, kind: str, native: str, *, counted: bool) -> None:
    """Take the entity off the lists and sums of what stays; what is above and below it is looked at again."""
    row = world.row(kind, native)
    entity = f"{kind}|{native}"
    for child, _ in world.ctx.scan(children_bucket(kind, native)):
        mark(world.ctx, "mb", child, Reason.MOVED)
    if row is None:
        return
    for above, above_native in world.ancestors(row):
        mark(world.ctx, "mb", f"{above}|{above_native}", Reason.MOVED)
        if above == "account":
            if counted:
                _uncount(world, above_native, row)
        else:
            world.ctx.put(children_bucket(above, above_native), entity, None)


def _uncount(world: World, account: str, row: Row) -> None:
    above = world.row("account", account)
    if above is None:
        return
    changed = entities.add_contribution(above, entities.contribution(row), entities.NO_CONTRIBUTION, row["o"])
    if changed is None:
        rest = (
            r
            for r in world.descendants("account", account)
            if r["id"] != row["id"] or r["kind"] != row["kind"]
        )
        changed = {**above, "k": entities.sum_contributions(rest), "ko": max(above.get("ko", [0]), row["o"])}
    if changed is not above:
        world.put(changed)


def emit_waits(ctx: Context, to: str, move: str, waits: list[list[Any]]) -> None:
    """Send waits, [name, due], in bounded records."""
    for start in range(0, len(waits), CHUNK):
        ctx.emit(SALES, to, ROWS, {"move": move, "rows": [], "waits": waits[start : start + CHUNK]})


def emit_rows(ctx: Context, to: str, move: str, rows: list[Sent], seen: int) -> None:
    """Send rows in bounded records. seen: changes of shared rows that the rows have gone through."""
    for start in range(0, len(rows), CHUNK):
        ctx.emit(SALES, to, ROWS, {"move": move, "rows": rows[start : start + CHUNK], "sh": seen})


# -- confirmations ----------------------------------------------------------------------------------------


def both_ends_here(ctx: Context, move: str) -> None:
    """The key from which the entity came and this one are the same by now."""
    row = ctx.get("mv", move)
    if row is not None:
        ctx.put("mv", move, {**row, "ended": 1})
    _went(ctx, move, ctx.key, [])


def _went(ctx: Context, move: str, to: str, deps: Iterable[str]) -> None:
    early = ctx.get("mo", move)
    ctx.put("mo", move, {"to": to, "deps": list(deps), "got": int(early is not None and "got" in early)})
    release(ctx, move)


def confirm(ctx: Context, value: Any) -> None:
    """Identity sends nothing of the entity to the old key any more; this follows the way of the out."""
    move = value["move"]
    row = ctx.get("mo", move)
    if row is not None and "via" in row:
        ctx.put("mo", move, None)
        ctx.emit(SALES, row["via"], CONFIRM, value)
        return
    ctx.put("mo", move, {**(row or {}), "got": 1})
    release(ctx, move)


def release(ctx: Context, move: str) -> None:
    """Tell the new key, once the out was done and what brought the entity here is confirmed itself."""
    row = ctx.get("mo", move)
    if row is None or not row.get("got") or "to" not in row:
        return
    if any(ctx.get("mv", dep) is not None for dep in row["deps"]):
        return
    ctx.put("mo", move, None)
    ctx.emit(SALES, row["to"], CONFIRMED, {"move": move})
