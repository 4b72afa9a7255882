"""Second looks: approvals after a change, decisions made elsewhere, events of the customer alone, sweeps.

Each function takes the turn it belongs to; which rules care about an ordinary change is `turn`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules import lifecycle
from rules.reasons import Reason
from schemas.time import end_of_day
from streams.machines.account import approvals as chain
from streams.machines.account import entities, former
from streams.machines.account.alerts import alert_bucket
from streams.machines.account.entities import Row
from streams.machines.account.notes import NOTES
from streams.machines.account.rulebook import SHARED_RUN, Active
from streams.machines.account.trigger_rows import forget_row
from streams.machines.account.world import events_bucket

if TYPE_CHECKING:
    from streams.machines.account.turn import Change, Turn

KEEP_CUSTOMER_EVENTS = 64
KEPT = ("k", "ko", "im", "ih", *NOTES)


def approvals(turn: Turn, change: Change) -> None:
    """The entity changed: approvals that no longer cover it are voided, and asked for anew while the rule
    holds.
    """
    row = change.new
    if row is None or row.get("x"):
        return
    for name, alert in turn.alerts.of_entity(change.kind, change.native):
        active = turn.book.by_name.get(f"{alert['rule']}@{alert['v']}")
        granted = alert["st"] == "resolved" and alert.get("end") == Reason.ITEMS_DONE
        if active is None or not (alert["st"] in lifecycle.OPEN or granted):
            continue
        items = _reviewed(turn, row, alert, active)
        if items == alert["items"]:
            continue
        if granted and active.trigger.standing:
            turn.alerts.act(change.kind, change.native, name, "firing", Reason.AMOUNT_CHANGED, "system")
        now = turn.alerts.get(change.kind, change.native, name) or alert
        settle_items(turn, change.kind, change.native, name, {**now, "items": items}, "system")


def _reviewed(turn: Turn, row: Row, alert: Row, active: Active) -> dict[str, Row]:
    items: dict[str, Row] = {}
    for item in alert["items"].values():
        if item["kind"] == "approval":
            action = active.approvals[item["no"] - len(active.tasks)]
            for one in chain.review(turn.world, row, alert, active, action, item):
                items[one["id"]] = one
        else:
            items[item["id"]] = item
    return items


OUTSIDE = {
    "approval.approved": "approved",
    "approval.rejected": "rejected",
    "approval.returned": "returned",
}


def outside_decision(turn: Turn, change: Change) -> None:
    """An approval in the OA system about the same document is the same approval: its decision counts."""
    state = OUTSIDE.get(change.event["type"])
    row = change.new
    of = row["d"].get("of") if row is not None else None
    if state is None or row is None or not isinstance(of, Mapping):
        return
    kind = str(of.get("kind"))
    native = turn.world.document(row, kind, of.get("id")) or ""
    target = turn.world.row(kind, native)
    if target is None:
        return
    actor = str(change.event["data"].get("by") or change.event["src"])
    for name, alert in turn.alerts.of_entity(kind, native):
        active = turn.book.by_name.get(f"{alert['rule']}@{alert['v']}")
        items = dict(alert["items"])
        for item_id, item in alert["items"].items():
            if item["kind"] != "approval" or item["st"] not in ("requested", "timed_out"):
                continue
            if actor in item["to"] and active is not None:
                word = {"approved": "approve", "rejected": "reject", "returned": "return"}[state]
                items[item_id] = chain.vote(turn.world, target, alert, active, item, actor, word, "")
            else:  # somebody outside our chain: the OA's own chain has ended
                items[item_id] = chain.decide(turn.world, target, alert, item, state, actor)
        if items != alert["items"]:
            settle_items(turn, kind, native, name, {**alert, "items": items}, actor)


def settle_items(turn: Turn, kind: str, native: str, name: str, alert: Row, actor: str) -> None:
    """Items changed: when all were granted or done the alert is resolved; a refusal leaves it standing,
    acted on.
    """
    turn.world.ctx.put(alert_bucket(kind, native), name, alert)
    busy = [i for i in alert["items"].values() if i["st"] in ("open", "overdue", "requested", "timed_out")]
    if busy or alert["st"] not in lifecycle.OPEN:
        return
    states = {i["st"] for i in alert["items"].values()} - {"void"}
    active = turn.book.by_name.get(f"{alert['rule']}@{alert['v']}")
    instant = active is None or not active.trigger.standing
    if states <= {"approved", "done", "cancelled"} and (states or instant):
        turn.alerts.finish(kind, native, name, Reason.ITEMS_DONE if states else Reason.AMOUNT_CHANGED, actor)
    elif alert["st"] != "acknowledged":
        turn.alerts.act(kind, native, name, "acknowledged", Reason.ITEMS_DONE, actor)


# -- events that name only the customer -------------------------------------------------------------------


def customer_event(turn: Turn, active: Active, change: Change) -> None:
    """Remember the customer's latest matching events and end the silences they break.

    Silences that are not due yet look the events up when they fall due, so ten thousand deals cost nothing
    here.
    """
    ctx, world = turn.world.ctx, turn.world
    rows: dict[str, Row] = {}
    for native_row in (change.new, change.old):
        if native_row is not None:
            for item in world.effective_events(change.kind, change.native):
                if item["e"]["type"] in active.roles_of:
                    rows[item["r"]] = item
    known = [e for e in (ctx.get("al", active.name) or ()) if e[3] != f"{change.kind}|{change.native}"]
    for ref, item in rows.items():
        begin = item["o"][0]
        end = end_of_day(begin, world.zone) if item["e"].get("day") else begin
        known.append([begin, end, ref, f"{change.kind}|{change.native}", item["o"], item["e"].get("hist", 0)])
    ctx.put("al", active.name, sorted(known)[-KEEP_CUSTOMER_EVENTS:])
    for name, row in list(ctx.scan(f"lv|{active.name}")):
        kind, _, native = name.partition("|")
        if row:
            turn.judge(active, kind, native).on_event(
                change.event, change.order, change.ref, False, world.row(kind, native), change.cause
            )


# -- sweeps -----------------------------------------------------------------------------------------------


def swept(turn: Turn, what: Mapping[str, Any]) -> None:
    """Visit every entity of this key because of what changed."""
    why = what["why"]
    if why == "rule":
        _rule_changed(turn, what["rule"], what.get("was"))
    elif why == "settings":
        for row in list(turn.world.entities()):
            _refolded(turn, row)
    elif why in ("person", "team"):
        owner = what["name"] if why == "person" else None
        _replan(turn, lambda a, row: a.reads_owner and (owner is None or turn.world.owner(row) == owner))
    elif why == "rate":
        _replan(turn, lambda a, row: row["d"].get("currency") == what["name"])


def _replan(turn: Turn, wanted: Any) -> None:
    for row in list(turn.world.entities({a.watch for a in turn.book.rules})):
        for active in turn.book.units:
            if active.watch == row["kind"] and active.trigger.follows_entity and wanted(active, row):
                turn.judge(active, row["kind"], row["id"]).replan(Reason.CORRECTED)


def _refolded(turn: Turn, row: Row) -> None:
    """Settings may say otherwise which stages are open or decisive."""
    kind, native = row["kind"], row["id"]
    if kind in entities.STAGED:
        rows = [r for _, r in turn.world.ctx.scan(events_bucket(kind, native))]
        new = entities.fold(kind, native, rows, turn.world.settings)
        if new is not None:
            turn.world.put({**new, **{n: row[n] for n in KEPT if n in row}})
    for active in turn.book.units:
        if active.watch == kind:
            turn.judge(active, kind, native).replan(Reason.CORRECTED)


def _rule_changed(turn: Turn, rule: str, was: int | None) -> None:
    """A rule was added, edited (`was`: the version that was in force) or switched off."""
    current = next((a for a in turn.book.rules if a.id == rule and not a.draining), None)
    if current is None:
        _switched_off(turn, rule)
        return
    busy: set[int] = set()
    for row in list(turn.world.entities((current.watch,))):
        _take_up(turn, current, row["kind"], row["id"], was)
        _tidy(turn, row["kind"], row["id"])
        if current.others:
            busy |= _under_way(turn, current, row["kind"], row["id"])
    former.keep(turn.world.ctx, rule, busy)


def _take_up(turn: Turn, current: Active, kind: str, native: str, was: int | None) -> None:
    if current.reset or current.recompute:
        _forget(turn, kind, native, current.id, keep=current.name)
    if current.reset:
        for name, alert in turn.alerts.of_entity(kind, native):
            older = alert["rule"] == current.id and alert["v"] != current.version
            if older and alert["st"] in lifecycle.OPEN:
                turn.alerts.withdraw(kind, native, name, Reason.RULE_EDITED)
    _write_down(turn, current.id, was, kind, native)
    turn.judge(current, kind, native).replan(Reason.RULE_EDITED)


def _write_down(turn: Turn, rule: str, was: int | None, kind: str, native: str) -> None:
    """What the version that was in force shared, or what followed from the entity, goes on under it."""
    for old in turn.book.rules:
        if old.id == rule and old.draining and old.version == was and old.watch == kind:
            turn.judge(old, kind, native).write_down()


def put_off(turn: Turn, what: Mapping[str, Any]) -> None:
    """The sweep comes later, and rules may look at entities before: what is under way for the version that
    was in force is written down now.
    """
    if what["why"] == "rule":
        for row in list(turn.world.entities()):
            _write_down(turn, what["rule"], what.get("was"), row["kind"], row["id"])


def _under_way(turn: Turn, current: Active, kind: str, native: str) -> set[int]:
    """Former versions of the rule that have a row on the entity."""
    names = {name for name, _ in turn.trigger_rows(kind, native)}
    return {
        old.version for old in turn.book.rules if old.id == current.id and old.draining and old.name in names
    }


def _tidy(turn: Turn, kind: str, native: str) -> None:
    """Forget what was under way for rules that nobody shares it with any more."""
    for name, _ in turn.trigger_rows(kind, native):
        if name.startswith(SHARED_RUN) and name not in turn.book.cohorts:
            forget_row(turn.world.ctx, kind, native, name)


def _switched_off(turn: Turn, rule: str) -> None:
    for row in list(turn.world.entities()):
        _give_up(turn, rule, row["kind"], row["id"])
        _tidy(turn, row["kind"], row["id"])


def _give_up(turn: Turn, rule: str, kind: str, native: str) -> None:
    _forget(turn, kind, native, rule, keep="")
    for name, alert in turn.alerts.of_entity(kind, native):
        if alert["rule"] == rule and alert["st"] in lifecycle.OPEN:
            turn.alerts.withdraw(kind, native, name, Reason.RULE_OFF)


def catch_up(turn: Turn, row: Row) -> None:
    """The entity comes from where the latest changes of rules, people and settings were not known yet."""
    kind, native = row["kind"], row["id"]
    _refolded(turn, row)
    on = {active.id for active in turn.book.rules}
    off = {name.rpartition("@")[0] for name, _ in turn.trigger_rows(kind, native)}
    off |= {alert["rule"] for _, alert in turn.alerts.of_entity(kind, native)}
    for rule in sorted(rule for rule in off - on if turn.world.ctx.shared("rule", rule) is not None):
        _give_up(turn, rule, kind, native)
    for active in turn.book.rules:
        if active.watch == kind and not active.draining:
            was = next((old.version for old in turn.book.rules if old.name in active.others[-1:]), None)
            _take_up(turn, active, kind, native, was)
    _tidy(turn, kind, native)


def _forget(turn: Turn, kind: str, native: str, rule: str, keep: str) -> None:
    for name, _ in turn.trigger_rows(kind, native):
        if name.rpartition("@")[0] == rule and name != keep:
            forget_row(turn.world.ctx, kind, native, name)
