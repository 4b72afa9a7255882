"""What people decide: acknowledge, snooze, resolve an alert; finish a task; approve, reject, return,
delegate.

A command names the alert, the item and the transition its sender saw; what does not fit any more is
refused with a code, and both outcomes are records on `results`, so whoever sent it learns what became of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rules import lifecycle
from rules.reasons import Reason
from schemas.errors import CommandError
from streams.machines.account import approvals, items, notices
from streams.machines.account.alerts import alert_bucket
from streams.machines.account.entities import Row
from streams.machines.account.review import settle_items
from streams.machines.account.turn import Turn

RESULTS = "results"


@dataclass(slots=True)
class Target:
    """What a command is about: the alert's row and its place."""

    kind: str
    native: str
    name: str
    alert: Row


def on_command(turn: Turn, value: Mapping[str, Any]) -> None:
    """Carry a command out, or refuse it; never raises."""
    result: dict[str, Any] = {"command": value.get("id"), "alert": value.get("alert"), "item":
    value.get("item"),
                              "by": value.get("by"), "at": turn.world.ctx.at}  # fmt: skip
    try:
        target = _target(turn, value)
        handler = _COMMANDS.get(str(value.get("command")))
        if handler is None:
            raise _refused("SW-CMD-002", "a known command", str(value.get("command")), ", ".join(_COMMANDS))
        handler(turn, target, value)
        result["ok"] = True
    except CommandError as error:
        result |= {"ok": False, "error": error.to_dict()}
    turn.world.ctx.emit(RESULTS, turn.world.key, "result", result)


def _refused(code: str, expected: str, found: str, next_step: str) -> CommandError:
    return CommandError(code, place="command", expected=expected, found=found, next_step=next_step)


def _target(turn: Turn, value: Mapping[str, Any]) -> Target:
    place = turn.world.ctx.get("ai", str(value.get("alert")))
    if place is None:
        raise _refused(
            "SW-CMD-003", "an alert of this account", str(value.get("alert")), "list alerts to see their ids"
        )
    kind, native, name = place
    alert = turn.alerts.get(kind, native, name)
    if alert is None:
        raise _refused(
            "SW-CMD-003", "an alert of this account", str(value.get("alert")), "list alerts to see their ids"
        )
    return Target(kind, native, name, alert)


def _fresh(target: Target, value: Mapping[str, Any], n: int, what: str) -> None:
    seen = value.get("seen")
    if seen is not None and int(seen) < n:
        now = f"the state of the {what} as it is now (transition {n})"
        raise _refused("SW-CMD-004", now, f"transition {seen}", "look at it again; it has changed since")


def _alert_state(state: str, reason: Reason) -> Callable[[Turn, Target, Mapping[str, Any]], None]:
    def act(turn: Turn, target: Target, value: Mapping[str, Any]) -> None:
        alert = target.alert
        if not lifecycle.legal("alert", alert["st"], state) or alert["st"] not in lifecycle.OPEN:
            raise _refused("SW-CMD-005", "an alert that stands", str(alert["st"]), "nothing is left to do")
        _fresh(target, value, alert["n"], "alert")
        by = str(value.get("by") or "unknown")
        new = turn.alerts.act(
            target.kind, target.native, target.name, state, reason, by, str(value.get("text") or "")
        )
        bucket = alert_bucket(target.kind, target.native)
        if state == "resolved":
            closed = {
                n: items.close(turn.world, target.kind, target.native, new, i, state, reason)
                for n, i in new["items"].items()
            }
            new = {**new, "items": closed, "end": str(reason)}
            turn.world.ctx.put(bucket, target.name, new)
        if state == "snoozed":
            until = int(value.get("until") or turn.world.ctx.at + 86_400_000_000)
            turn.world.ctx.put(bucket, target.name, {**new, "until": until})
            turn.world.ctx.wait(f"z|{target.kind}|{target.native}|{target.name}", until)
        for person in new["told"]:
            notices.tell(
                turn.world, None, new, person, "acted", reason=reason, kind=target.kind, native=target.native
            )

    return act


def _item(target: Target, value: Mapping[str, Any], kind: str) -> Row:
    item: Row | None = target.alert["items"].get(str(value.get("item")))
    if item is None or item["kind"] != kind:
        raise _refused(
            "SW-CMD-003", f"a {kind} of the alert", str(value.get("item")), f"list {kind}s to see their ids"
        )
    return item


def _task_state(state: str, reason: Reason) -> Callable[[Turn, Target, Mapping[str, Any]], None]:
    def act(turn: Turn, target: Target, value: Mapping[str, Any]) -> None:
        item = _item(target, value, "task")
        if not lifecycle.legal("task", item["st"], state):
            raise _refused("SW-CMD-005", "an open task", str(item["st"]), "nothing is left to do")
        by = str(value.get("by") or "unknown")
        world, alert = turn.world, target.alert
        world.ctx.wait(items.item_wait(target.kind, target.native, target.name, item["id"]), None)
        new = items.change(
            world, (target.kind, target.native), alert, item, state, reason, by, str(value.get("text") or "")
        )
        for person in item["to"]:
            notices.tell(world, None, alert, person, "closed", reason=reason, item=new, kind=target.kind,
                         native=target.native)  # fmt: skip
        changed = {**alert, "items": {**alert["items"], new["id"]: new}}
        settle_items(turn, target.kind, target.native, target.name, changed, by)

    return act


def _vote(decision: str) -> Callable[[Turn, Target, Mapping[str, Any]], None]:
    def act(turn: Turn, target: Target, value: Mapping[str, Any]) -> None:
        item, by, row, active = _may_decide(turn, target, value)
        new = approvals.vote(
            turn.world, row, target.alert, active, item, by, decision, str(value.get("text") or "")
        )
        changed = {**target.alert, "items": {**target.alert["items"], new["id"]: new}}
        settle_items(turn, target.kind, target.native, target.name, changed, by)

    return act


def _may_decide(turn: Turn, target: Target, value: Mapping[str, Any]) -> tuple[Row, str, Row, Any]:
    item = _item(target, value, "approval")
    by = str(value.get("by") or "")
    if item["st"] != "requested":
        raise _refused(
            "SW-CMD-005", "an approval that is asked for", str(item["st"]), "it has been decided already"
        )
    _fresh(target, value, item["since"], "approval")
    if by not in item["to"]:
        raise _refused(
            "SW-CMD-006", f"one of {', '.join(item['to'])}", by, "only the approvers of this step decide"
        )
    if by in item["steps"][item["step"]]["yes"]:
        raise _refused(
            "SW-CMD-005", "a vote not yet given", f"{by} has agreed already", "wait for the others"
        )
    row = turn.world.row(target.kind, target.native)
    if row is None:
        raise _refused("SW-CMD-003", "the document", f"{target.kind} {target.native}", "it was deleted")
    return item, by, row, turn.book.by_name.get(f"{target.alert['rule']}@{target.alert['v']}")


def _delegate(turn: Turn, target: Target, value: Mapping[str, Any]) -> None:
    item, by, row, _ = _may_decide(turn, target, value)
    to = str(value.get("to") or "")
    if not to or notices.directory(turn.world).person(to) is None or to == item["requester"]:
        raise _refused(
            "SW-CMD-007", "a person who may decide", to or "nobody", "name a person of the directory"
        )
    steps = [dict(s) for s in item["steps"]]
    steps[item["step"]]["to"] = [to if p == by else p for p in steps[item["step"]]["to"]]
    moved = {**item, "steps": steps, "to": [to if p == by else p for p in item["to"]]}
    new = items.change(
        turn.world, (target.kind, target.native), target.alert, moved, "requested", Reason.DELEGATED, by
    )
    notices.tell(
        turn.world, row, target.alert, to, "approval", reason=Reason.DELEGATED, title=item["title"], item=new,
        due=item.get("due"), via=item.get("via", notices.BY_MAIL),
    )  # fmt: skip
    notices.tell(turn.world, row, target.alert, by, "closed", reason=Reason.DELEGATED, item=new)
    changed = {**target.alert, "items": {**target.alert["items"], new["id"]: new}}
    turn.world.ctx.put(alert_bucket(target.kind, target.native), target.name, changed)


_COMMANDS: Mapping[str, Callable[[Turn, Target, Mapping[str, Any]], None]] = {
    "ack": _alert_state("acknowledged", Reason.ACKNOWLEDGED),
    "snooze": _alert_state("snoozed", Reason.SNOOZED),
    "resolve": _alert_state("resolved", Reason.RESOLVED_BY_PERSON),
    "task.done": _task_state("done", Reason.TASK_DONE),
    "task.cancel": _task_state("cancelled", Reason.TASK_CANCELLED),
    "approve": _vote("approve"),
    "reject": _vote("reject"),
    "return": _vote("return"),
    "delegate": _delegate,
}


def on_item_wait(turn: Turn, name: str) -> None:
    """A task is overdue, an approval timed out, a snooze ended."""
    what, kind, rest = name.split("|", 2)
    if what == "z":
        native, rule, alert_id = rest.rsplit("|", 2)
        _snooze_ended(turn, kind, native, f"{rule}|{alert_id}")
        return
    native, rule, alert_id, item_id = rest.rsplit("|", 3)
    alert_name = f"{rule}|{alert_id}"
    alert = turn.alerts.get(kind, native, alert_name)
    item = None if alert is None else alert["items"].get(item_id)
    row = turn.world.row(kind, native)
    if alert is None or item is None or row is None:
        return
    if item["kind"] == "task" and item["st"] == "open":
        new = items.change(turn.world, (kind, native), alert, item, "overdue", Reason.TASK_OVERDUE, "system")
    elif item["kind"] == "approval" and item["st"] == "requested":
        new = approvals.timed_out(turn.world, row, alert, item)
    else:
        return
    changed = {**alert, "items": {**alert["items"], item_id: new}}
    settle_items(turn, kind, native, alert_name, changed, "system")


def _snooze_ended(turn: Turn, kind: str, native: str, name: str) -> None:
    alert = turn.alerts.get(kind, native, name)
    if alert is None or alert["st"] != "snoozed":
        return
    new = turn.alerts.act(kind, native, name, "firing", Reason.SNOOZE_ENDED, "system")
    row = turn.world.row(kind, native)
    for person in new["told"]:
        notices.tell(turn.world, row, new, person, "fired", reason=Reason.SNOOZE_ENDED)
