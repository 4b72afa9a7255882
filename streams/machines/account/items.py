"""Tasks of an alert, and what ends an alert's items. A task row lives in its alert's row under `items`.

Item row: id, kind `task`|`approval`, st, n, no, title, to persons, due (us). Approval rows add the fields
of `approvals`.
"""

from __future__ import annotations

from typing import Any

from rules import lifecycle
from rules.reasons import Reason
from streams.machines.account import notices
from streams.machines.account.entities import Row
from streams.machines.account.rulebook import Active, TaskAction
from streams.machines.account.world import World

TOPICS = {"task": "tasks", "approval": "approvals"}
OPEN = {"task": lifecycle.OPEN_TASK, "approval": frozenset({"requested", "timed_out"})}


def item_wait(kind: str, native: str, alert_name: str, item: str) -> str:
    """Name of an item's wait (its due or time-out)."""
    return f"i|{kind}|{native}|{alert_name}|{item}"


def open_task(
    world: World, row: Row, alert: Row, active: Active, task: TaskAction, number: int, *, quiet: bool
) -> tuple[Row, list[str]]:
    """Open a task for whoever `to` names; (its row, receivers for whom nobody was found)."""
    persons, missing = notices.find(world, row, [task.to])
    due = task.due.add(world.ctx.at, world.zone)
    item: Row = {
        "id": lifecycle.item_id(alert["id"], "task", number), "kind": "task", "st": None, "n": 0, "no":
        number,
        "title": notices.text(world, row, alert, "", task.title), "to": persons, "due": due,
    }  # fmt: skip
    item = change(world, (row["kind"], row["id"]), alert, item, "open", Reason.TASK_OPENED, "system")
    if not quiet:
        for person in (p for p in persons if p not in alert["told"]):  # one mail about one thing
            notices.tell(
                world, row, alert, person, "task", reason=Reason.TASK_OPENED, title=item["title"], item=item,
                due=due, remind=active.remind, via=task.via,
            )  # fmt: skip
        world.ctx.wait(item_wait(row["kind"], row["id"], f"{alert['rule']}|{alert['id']}", item["id"]), due)
    return item, missing


def change(
    world: World,
    entity: tuple[str, str],
    alert: Row,
    item: Row,
    state: str,
    reason: Reason,
    actor: str,
    text: str = "",
) -> Row:
    """One transition of a task or approval: its new row; the record goes to its topic."""
    kind, native = entity
    new = {**item, "st": state, "n": item["n"] + 1}
    transition: dict[str, Any] = {
        "alert": alert["id"], "item": new["id"], "id": lifecycle.transition_id(new["id"], new["n"]), "n":
        new["n"],
        "rule": alert["rule"], "version": alert["v"], "kind": new["kind"], "title": new["title"], "entity":
        kind,
        "key": native, "account": world.account_id, "home": world.key,
        "name": f"{alert['rule']}|{alert['id']}", "state": state, "was": item["st"], "at": world.ctx.at,
        "due": new.get("due"), "reason": str(reason), "severity": alert["sev"], "actor": actor,
        "quiet": bool(alert.get("q")), "receivers": new["to"],
    }  # fmt: skip
    for extra in ("of", "value", "step", "steps", "requester", "votes"):
        if extra in new:
            transition[extra] = new[extra]
    if text:
        transition["text"] = text
    world.ctx.emit(TOPICS[new["kind"]], world.key, "transition", transition)
    return new


def close(world: World, kind: str, native: str, alert: Row, item: Row, state: str, reason: Reason) -> Row:
    """The item's alert ended: an open item ends with it; finished work stays, annotated."""
    if item["st"] not in OPEN[item["kind"]]:
        return {**item, "note": str(reason)} if state == "withdrawn" else item
    if item["kind"] == "approval" and state == "resolved" and reason is Reason.ITEMS_DONE:
        return item
    ended = "cancelled" if item["kind"] == "task" else "void"
    world.ctx.wait(item_wait(kind, native, f"{alert['rule']}|{alert['id']}", item["id"]), None)
    new = change(world, (kind, native), alert, item, ended, Reason.ALERT_ENDED, "system")
    if not alert.get("q"):
        for person in item["to"]:
            notices.tell(
                world, None, alert, person, "closed", reason=reason, item=new, kind=kind, native=native
            )
    return new
