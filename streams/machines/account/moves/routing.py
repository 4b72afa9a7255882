"""Where a record goes at a key with moves: on to another key, behind others of its entity, or to the machine.

    away (the whole key, or the entity, has gone)  forwarded
    its entity is coming, or may be coming         queued behind what came before
    a move is open                                 held, see `thaw`

The rules were found by fuzzing; whoever changes one runs tests/property/account_moves. It must not judge
anything.
"""

from __future__ import annotations

from typing import Any

from streams.kernel.contract import Context, Record
from streams.machines.account.intake import subject_of
from streams.machines.account.moves import outgoing, whole
from streams.machines.account.moves.rows import (
    ALL,
    BATCH,
    BEGIN,
    COMMAND,
    CONFIRM,
    CONFIRMED,
    END,
    EVENT,
    FORWARD,
    HELD,
    MORE,
    OUT,
    ROWS,
    SALES,
    SWEEP,
    WAIT,
    Place,
    Row,
    entity_of_row,
    entity_of_wait,
    frozen,
    hold,
    may_be_coming,
    name_of,
    present,
    send_event,
)

Item = tuple[str, Any, Place]
"""kind, value, place of a record; kind is `event`, `command`, `recheck`, `sweep` or `wait`."""


def item_of(record: Record) -> Item:
    """The record without its wrapping: a forwarded or held one has the place of its first writing."""
    value = record.value
    if record.kind == FORWARD:
        return EVENT, value["event"], value["place"]
    if record.kind == HELD:
        return value["kind"], value["value"], value["place"]
    return record.kind, value, [record.at, record.feed, record.n]


def stopped(ctx: Context, item: Item, *, held: bool = False) -> bool:
    """Forward, queue or hold the record; False when the machine shall take it now. held: it was held
    before.
    """
    away = ctx.get(*ALL)
    if away is not None and away["busy"]:
        whole.put_in_line(ctx, ["item", *item])
        return True
    if away is not None:
        _forward(ctx, away["to"], item)
        return True
    if item[0] == EVENT:
        return _event(ctx, item, held)
    if item[0] == WAIT:
        return _wait(ctx, item[1])
    to = _gone_alert(ctx, str(item[1].get("alert"))) if item[0] == COMMAND else None
    if to is not None:
        ctx.emit(SALES, to, COMMAND, item[1])
    elif frozen(ctx, held=held):
        hold(ctx, *item)
    else:
        return False
    return True


def _wait(ctx: Context, wait: Any) -> bool:
    """A wait that was held: its entity may have left since, or another move may have begun."""
    name, due = wait
    to = ctx.get("fwd", entity_of_wait(name))
    if to is not None:
        ctx.emit(SALES, to, ROWS, {"move": "", "rows": [], "waits": [wait]})
    elif frozen(ctx, held=True):
        ctx.put("mw", name, [due, 1])
    else:
        return False
    return True


def _forward(ctx: Context, to: str, item: Item) -> None:
    """On from a key that has gone. Sweeps stop here: what arrives elsewhere from before a change is judged
    there.
    """
    kind, value, place = item
    if kind == EVENT:
        send_event(ctx, ctx.get("fwd", _entity(value)) or to, value, place)
    elif kind == WAIT:
        ctx.emit(SALES, to, ROWS, {"move": "", "rows": [], "waits": [value]})
    elif kind != SWEEP:
        ctx.emit(SALES, to, kind, value)


def _gone_alert(ctx: Context, alert: str) -> str | None:
    """The key to which the alert has gone; None when it is here, on its way here, or unknown."""
    gone: list[str] | None = ctx.get("fwd.alerts", alert)
    if gone is None or ctx.get("ai", alert) is not None:
        return None
    to, entity = gone
    return None if ctx.get("mc", entity) is not None or present(ctx, entity) else to


def _entity(event: Any) -> str:
    return "|".join(subject_of(event))


def _event(ctx: Context, item: Item, held: bool) -> bool:
    _, event, place = item
    entity = _entity(event)
    to = ctx.get("fwd", entity)
    if to is not None:
        send_event(ctx, to, event, place)
    elif any(ctx.get(bucket, entity) for bucket in ("mq", "mc", "mx")) or may_be_coming(ctx, entity):
        enqueue(ctx, entity, EVENT, event, place)
        drain(ctx, entity)
    elif frozen(ctx, held=held):
        hold(ctx, EVENT, event, place)
    else:
        return False
    return True


# -- records of the protocol ------------------------------------------------------------------------------


def gone(ctx: Context, kind: str, value: Any, place: Place) -> bool:
    """Pass a record of the protocol on if its key or entity has gone; True if so."""
    away = ctx.get(*ALL)
    if away is not None and away["busy"]:
        whole.put_in_line(ctx, ["move", kind, value, place])
        return True
    if kind in (BEGIN, OUT):
        value = {**value, "place": place}
    entity = name_of(value.get("scope", {}))
    to = ctx.get("fwd", entity) if kind == OUT and entity is not None else None
    if to is None and away is None:
        return False
    for back in carried(kind, value):
        ctx.put("fwd", back, None)  # it comes back this way
    if to is not None:
        ctx.put("mo", value["move"], {"via": to})
        ctx.emit(SALES, to, kind, value)
    elif away is not None:
        _pass_on(ctx, away, kind, value)
    return True


def _pass_on(ctx: Context, away: Row, kind: str, value: Any) -> None:
    via = ctx.get("mo", value["move"]) if kind == CONFIRM else None
    if via is not None:
        ctx.put("mo", value["move"], None)
        ctx.emit(SALES, via["via"], CONFIRM, value)
    elif kind == CONFIRM and value["move"] == away["move"]:
        ctx.emit(SALES, away["to"], CONFIRMED, {"move": value["move"]})
    else:
        ctx.emit(SALES, away["to"], kind, value)


def carried(kind: str, value: Any) -> list[str]:
    """Entities that a record of a move brings along."""
    found = [entity_of_row(bucket, name) for bucket, name, _ in value["rows"]] if kind == ROWS else []
    if kind in (BEGIN, END):
        found.append(name_of(value["scope"]))
    return list(dict.fromkeys(entity for entity in found if entity is not None))


def send_more(ctx: Context, entity: str | None) -> None:
    """Go on sending an entity, or a whole key; once its end is sent, what came meanwhile follows."""
    if entity is not None:
        _send_on(ctx, entity, ctx.get("mx", entity))
        return
    away = ctx.get(*ALL)
    if away is None or away["busy"] == 1:
        if away is not None:
            whole.send_more(ctx, away)
        return
    line = list(ctx.scan("fq"))
    more = len(line) > BATCH
    ctx.put(*ALL, {**away, "busy": 0})
    for name, (what, kind, value, *place) in line[:BATCH]:
        ctx.put("fq", name, None)
        if what == "move":
            gone(ctx, kind, value, place[0])
        else:
            stopped(ctx, (kind, value, place[0]))
    if more:
        ctx.put(*ALL, {**away, "busy": 2})
        ctx.emit(SALES, ctx.key, MORE, {})


def _send_on(ctx: Context, entity: str, leaving: Row, *, everything: bool = False) -> None:
    if leaving is not None and outgoing.send_events(ctx, entity, leaving, everything=everything):
        drain(ctx, entity)
        outgoing.went(ctx, leaving)


def send_rest(ctx: Context) -> bool:
    """Send on at once whatever entity is being sent; True if there was any."""
    busy = list(ctx.scan("mx"))
    for entity, leaving in busy:
        _send_on(ctx, entity, leaving, everything=True)
    return bool(busy)


# -- queues -----------------------------------------------------------------------------------------------


def enqueue(ctx: Context, entity: str, kind: str, value: Any, place: Place) -> None:
    """Put a record in its place among those of its entity; one identity partition writes them all."""
    at, feed, n = place
    ctx.put(f"mq|{entity}", f"{at:020d}|{feed:06d}|{n:012d}", [kind, value, place])
    ctx.put("mq", entity, 1)


def drain(ctx: Context, entity: str) -> None:
    """Work off what concerns the entity until it must wait."""
    bucket = f"mq|{entity}"
    while True:
        queue = list(ctx.scan(bucket))
        if not queue:
            ctx.put("mq", entity, None)
            return
        if ctx.get("mx", entity) is not None:
            return
        coming = ctx.get("mc", entity)
        if coming is not None:
            if not _work_off_older(ctx, entity, coming[0], queue):
                return
            continue
        if may_be_coming(ctx, entity):
            return
        name, (kind, value, place) = queue[0]
        ctx.put(bucket, name, None)
        _take(ctx, entity, (kind, value, place))


def _work_off_older(ctx: Context, entity: str, move: str, queue: list[tuple[str, Any]]) -> bool:
    """While an entity is coming only an out that came the long way goes ahead of its turn."""
    coming = int(move.rpartition("#")[2])
    for name, (kind, value, _) in queue:
        if kind == OUT and value["seq"] <= coming:
            ctx.put(f"mq|{entity}", name, None)
            if value["move"] == move:
                ctx.put("mc", entity, None)
                outgoing.both_ends_here(ctx, move)
            else:
                outgoing.send_entity(ctx, entity, value)
            return True
    return False


def _take(ctx: Context, entity: str, item: Item) -> None:
    kind, value, place = item
    if kind == BEGIN:
        ctx.put("mc", entity, [value["move"], place])
        ctx.put("fwd", entity, None)
    elif kind == OUT:
        outgoing.send_entity(ctx, entity, value)
    else:
        to: str | None = ctx.get("fwd", entity)
        if to is not None:
            send_event(ctx, to, value, place)
        else:
            hold(ctx, EVENT, value, place)
