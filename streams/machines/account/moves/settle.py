"""After a move: relations, sums and rules of what came, of what stayed behind, and of what is above and
below them.

In bounded steps, `some` by `some`: an account that ended is closed (`mj`), entities that came are linked
and counted
(`ma`), sums and notes of all that is concerned are taken anew (`mb`), then their rules look at their whole
history
again (`md`), so that no rule sees half of a change. Alerts that still hold are kept as they are.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from rules import lifecycle
from rules.reasons import Reason
from streams.kernel.contract import Context
from streams.machines.account import entities, review
from streams.machines.account.entities import Order, Row
from streams.machines.account.implied import implied, imported
from streams.machines.account.intake import first_change
from streams.machines.account.moves.rows import entity_of_wait, mark
from streams.machines.account.rulebook import Active
from streams.machines.account.trigger_rows import trigger_bucket
from streams.machines.account.turn import Turn
from streams.machines.account.world import changes, children_bucket

CHEAP = 10
"""Entities that are linked or summed in the time in which the rules of one are judged, roughly."""


def some(turn: Turn, budget: int) -> int:
    """Do up to `budget` of what is to be done; how much of the budget is left: 0 when there may be more."""
    for bucket, work in (
        ("mj", _close),
        ("mi", _about_account),
        ("ma", _relate),
        ("mb", _sum),
        ("md", _judge),
    ):
        share = 1 if bucket == "md" else CHEAP
        names = list(islice(turn.world.ctx.scan(bucket), budget * share))
        for name, row in names:
            turn.world.ctx.put(bucket, name, None)
            work(turn, name, row)
        budget -= -(-len(names) // share)
        if budget == 0:
            break
    return budget


# -- accounts ---------------------------------------------------------------------------------------------


def _close(turn: Turn, native: str, _: Any) -> None:
    """The account ended by a merge: what watched it is withdrawn."""
    row = turn.world.row("account", native)
    account = turn.world.account_id
    if account is not None:
        mark(turn.world.ctx, "mb", f"account|{account}", Reason.MERGED)
    if row is None or native == account:
        return
    for name, alert in turn.alerts.of_entity("account", native):
        if alert["st"] in lifecycle.OPEN:
            turn.alerts.withdraw("account", native, name, Reason.MERGED)
    ctx = turn.world.ctx
    for name, _row in turn.trigger_rows("account", native):
        ctx.put(trigger_bucket("account", native), name, None)
        ctx.put(f"lv|{name}", f"account|{native}", None)
    for name, _due in [*ctx.waits(), *ctx.scan("mw")]:
        if entity_of_wait(name) == f"account|{native}":
            ctx.wait(name, None)
            ctx.put("mw", name, None)
    row = turn.world.row("account", native) or row
    turn.world.put(entities.ended(row, account))


def _about_account(turn: Turn, name: str, row: Any) -> None:
    if name == "first":
        _first_named(turn, row["low"], row["first"], row.get("hist", 0))
        return
    rule = name.removeprefix("al|")
    active = turn.book.by_name.get(rule)
    if active is not None:  # events of the customer alone count for all its deals
        for deal in list(turn.world.entities((active.watch,))):
            mark(turn.world.ctx, "mb", f"{deal['kind']}|{deal['id']}", Reason.MOVED)


def _first_named(turn: Turn, low: int, first: Order, hist: int) -> None:
    """The account is known from the first instant at which anything that is its own now named it."""
    account = turn.world.account_id
    if account is None:
        return
    row = turn.world.row("account", account)
    name = f"account|{account}"
    if row is None:
        row = {**implied("account", account, first, hist), "c": low, "im": [low, *first[1:]]}
        turn.world.put(row)
        turn.world.ctx.put("mb", name, {"why": Reason.LATE_EVENT, "all": 1, "new": 1})
    elif row.get("im") and (low < row["im"][0] or first[1:] < row["im"][1:]):
        turn.world.put(imported(_named_earlier(row, low, first, hist), hist))
        mark(turn.world.ctx, "mb", name, Reason.LATE_EVENT, everything=True)


def _named_earlier(row: Row, low: int, first: Order, hist: int) -> Row:
    new = {**row, "c": min(row["c"], low), "im": [min(row["im"][0], low), *row["im"][1:]]}
    if first[1:] < row["im"][1:]:
        new["im"] = [new["im"][0], *first[1:]]
        new["ca"] = min(row["ca"], first[1])
        if not row["n"]:
            new["o"] = first
        if "sb" in row and row["sb"][1].startswith("first|"):
            new["sb"] = [first[0], row["sb"][1], first, max(row["sb"][3], hist)]
    return new


# -- relations and sums -----------------------------------------------------------------------------------


def _relate(turn: Turn, name: str, arrived: Any) -> None:
    """Link an entity that came, and what is below it, to what is above; count it for the account."""
    world = turn.world
    kind, _, native = name.partition("|")
    row = world.row(kind, native)
    if row is None:
        return
    stale = arrived["sh"] < changes(world.ctx)
    merged = any(move.startswith("merge:") for move in arrived["by"])
    mark(world.ctx, "mb", name, Reason.MERGED if merged else Reason.MOVED, everything=stale)
    for parent, parent_native in _link(turn, row):
        mark(world.ctx, "mb", f"{parent}|{parent_native}", Reason.MOVED)
        account = world.row(parent, parent_native) if parent == "account" else None
        if account is not None:
            counted = entities.add_contribution(
                account, entities.NO_CONTRIBUTION, entities.contribution(row), row["o"]
            )
            if counted is not None:
                world.put(counted)
    for child in _children(world.ctx, kind, native):
        below = world.ctx.get("e", child)
        if below is not None:
            _link(turn, below)
            mark(world.ctx, "mb", child, Reason.MOVED)


def _link(turn: Turn, row: Row) -> list[tuple[str, str]]:
    """Put an entity on the lists of what is above it, whose rules hear of its events from now on."""
    world = turn.world
    above = world.ancestors(row)
    world.link(row, above)
    for parent, native in above:
        known = world.row(parent, native)
        if known is not None and known.get("no", [-1]) < row["o"]:
            world.put({**known, "no": row["o"]})
    return above


def _children(ctx: Context, kind: str, native: str) -> list[str]:
    """Names of what is on the entity's list, under any of the ids that it has in other systems."""
    row = ctx.get("e", f"{kind}|{native}") or {}
    lists = [children_bucket(kind, name) for name in (native, *row.get("al", ()))]
    return [name for bucket in lists for name, _ in ctx.scan(bucket)]


def _sum(turn: Turn, name: str, why: Any) -> None:
    """Take the sums and notes of an entity anew over all that is below it now."""
    kind, _, native = name.partition("|")
    row = turn.world.row(kind, native)
    if row is None:
        return
    if why.get("all") or "sb" in row or any(_sees(active, kind, row) for active in _watching(turn, kind)):
        turn.world.ctx.put("md", name, why)
    if kind == "account":
        if native != turn.world.account_id:
            return
    elif not _children(turn.world.ctx, kind, native) and "k" not in row:
        return
    else:
        below = list(turn.world.descendants(kind, native))
        newest = max((child["o"] for child in below), default=[0])
        sums = entities.sum_contributions(below)
        if sums != row.get("k", {}):
            turn.world.put({**row, "k": sums, "ko": max(row.get("ko", [0]), newest)})
    turn.remember(kind, native)


# -- rules ------------------------------------------------------------------------------------------------


def _judge(turn: Turn, name: str, why: Any) -> None:
    """Every rule that could see the change looks at the entity's history again; its own facts are as they
    were.
    """
    kind, _, native = name.partition("|")
    if why.get("new"):
        _opened(turn, native)
    row = turn.world.row(kind, native)
    if row is None or row.get("into"):
        return
    if why.get("all"):
        review.catch_up(turn, row)
        return
    for active in _watching(turn, kind):
        if _sees(active, kind, turn.world.row(kind, native) or row):
            turn.judge(active, kind, native).replan(Reason(why["why"]))
    turn.rearm(kind, native)


def _watching(turn: Turn, kind: str) -> list[Active]:
    return [active for active in turn.book.rules if active.watch == kind and not active.draining]


def _opened(turn: Turn, account: str) -> None:
    row = turn.world.row("account", account)
    if row is not None:
        turn.on_change(first_change(row))


def _sees(active: Active, kind: str, row: Row) -> bool:
    """Does the rule look at anything but the entity itself?"""
    if (
        active.implied is not None
        and "sb" in row
        and active.name not in row.get("sx", ())
        and "ha" not in row
    ):
        return False  # it has not begun to count: all is looked up when it falls due
    if kind == "account" or active.joins or active.reads_below or active.include_account:
        return True
    return any(not type_.startswith(f"{kind}.") for type_ in active.roles_of)
