"""Rules look again: a history that changed, and entities joined to one that changed.

Each function takes the turn it belongs to. What follows from an event in order is `turn`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rules.reasons import Reason
from streams.machines.account import silences
from streams.machines.account.entities import Order
from streams.machines.account.history import ever_above
from streams.machines.account.rulebook import Active
from streams.machines.account.world import entity_name

if TYPE_CHECKING:
    from streams.machines.account.turn import Change, Turn

AT_ONCE = 200
"""Entities below a changed one that are judged in the same step; the rest follow in steps of their own."""

AFFECTED = frozenset({"stage", "stage_since", "decisive", "status", "open"})
"""Fields that an event may change without naming them."""


# -- what rules read of other entities --------------------------------------------------------------------


def joined(turn: Turn, change: Change, changed: frozenset[str] | None) -> None:
    """Rules that watch something else and read this entity."""
    wanted = turn.book.reading(change.kind, changed)
    if not wanted:
        return
    now = [(row["kind"], row["id"]) for row in turn.world.descendants(change.kind, change.native)]
    _readers(turn, wanted, change, now, fast=change.fast)
    if not change.fast or change.order[0] < change.order[1]:
        once = set(turn.world.ever_below(change.kind, change.native)).difference(now)
        _readers(turn, wanted, change, sorted(once), fast=False)


def _readers(
    turn: Turn, wanted: Iterable[Active], change: Change, below: Iterable[tuple[str, str]], *, fast: bool
) -> None:
    names: dict[str, list[str]] = {}
    for kind, native in below:
        names.setdefault(kind, []).append(entity_name(kind, native))
    for active in wanted:
        if active.watch in names:
            _entities(
                turn, active, names[active.watch], change.event, change.order, change.ref, change.cause, fast
            )


def _entities(
    turn: Turn,
    active: Active,
    names: list[str],
    event: Mapping[str, Any],
    order: Order,
    ref: str,
    cause: Reason,
    fast: bool,
) -> None:
    follows = active.trigger.follows_entity
    for name in names[:AT_ONCE]:
        kind, _, native = name.partition("|")
        row = turn.world.row(kind, native)
        newest = [-1] if row is None else max(row["o"], row.get("no", [-1]))
        if not follows and newest < order:
            continue  # an instant looks again only when it was judged too early
        judge = turn.judge(active, kind, native)
        if not (fast and follows):
            judge.replan(cause, event.get("hist", 0))
        elif row is not None:
            judge.on_event(event, order, ref, False, row, cause, joined=True)
    rest = names[AT_ONCE:]
    if rest:
        value = {"rule": active.name, "names": rest, "event": dict(event), "order": order,
                 "ref": ref, "cause": str(cause), "fast": fast}  # fmt: skip
        turn.world.ctx.emit("sales.events", turn.world.key, "recheck", value)


def go_on(turn: Turn, value: Mapping[str, Any]) -> None:
    """Go on with the entities that a change of something joined left over."""
    active = turn.book.by_name.get(value["rule"])
    if active is not None:
        cause = Reason(value["cause"])
        _entities(
            turn, active, value["names"], value["event"], value["order"], value["ref"], cause, value["fast"]
        )


# -- history changed --------------------------------------------------------------------------------------


def replan(turn: Turn, change: Change) -> None:
    """A correction, deletion or late event: every rule that could see it looks at the whole history again.

    A late event that is no correction is first offered in its place: most rules can tell that it is
    harmless.
    """
    hist = change.event.get("hist", 0)
    silences.remember_matches(turn, change)
    for active, kind, native in _concerned(turn, change):
        judge = turn.judge(active, kind, native)
        if change.plainly_late and (kind, native) != (change.kind, change.native):
            was = turn.world.row(kind, native)
            judge.on_event(change.event, change.order, change.ref, False, was, change.cause)
        else:
            judge.replan(change.cause, hist)
    joined(turn, change, frozenset(change.event["data"]) | AFFECTED if change.plainly_late else None)
    interest = turn.book.interest(change.type, change.kind)
    turn.heard(change, interest)
    silences.customer_only(turn, interest.customer, change)
    row = turn.world.row(change.kind, change.native)
    if row is not None and not row["op"]:
        silences.forget(turn, row)


def _concerned(turn: Turn, change: Change) -> list[tuple[Active, str, str]]:
    found: dict[tuple[str, str, str], tuple[Active, str, str]] = {}
    prefix = f"{change.kind}."
    once = _once_above(turn, change)
    for active in turn.book.units:
        for kind, native in ((change.kind, change.native), *change.above, *once):
            if kind != active.watch:
                continue
            own = (kind, native) == (change.kind, change.native)
            names = (kind, native) not in once and any(t.startswith(prefix) for t in active.roles_of)
            if own or names or active.reads_below:
                found[active.name, kind, native] = (active, kind, native)
    return list(found.values())


def _once_above(turn: Turn, change: Change) -> list[tuple[str, str]]:
    """What was above the entity once, and is not now."""
    row = change.new or change.old
    every = () if row is None else ever_above(turn.world, row)
    return [one for one in every if one not in change.above]
