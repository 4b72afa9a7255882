"""Approvals: chains of steps, votes, time-outs, and what a changed amount does to them.

A step is decided by `any` one of its approvers or by `all` of them; approvers are resolved when their
step begins, the requester never among them. What is approved (`of`, with its value) is remembered: a
value that the approval no longer covers voids it, and approval is asked for anew while the alert stands.

Approval row (in its alert's `items`): id, kind, st, n, no, title, to (who may decide now), of, value,
step (index), steps [{mode, receivers, to, yes}], requester, due (time-out, us), since (n at which this
step began), g generation, asked when (us) they were last told of it, via (channels, unless it is mail).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from rules import lifecycle
from rules.reasons import Reason
from rules.receivers import resolve_approvers
from schemas.time import parse_duration
from streams.machines.account import items, notices
from streams.machines.account.entities import Row
from streams.machines.account.rulebook import Active, ApprovalAction
from streams.machines.account.scope import EntityScope
from streams.machines.account.world import World
from streams.machines.gaps import superseded


def request(
    world: World,
    row: Row,
    alert: Row,
    active: Active,
    action: ApprovalAction,
    number: int,
    *,
    quiet: bool,
    generation: int = 0,
) -> tuple[Row, list[str]]:
    """Ask for a decision on the field `of` as it is now; (the approval's row, receivers nobody was found
    for).
    """
    value = EntityScope(world, row, world.ctx.at).get(tuple(action.of.split(".")))
    unit = row["d"].get("currency", "") if action.of.startswith("amount") else ""
    item: Row = {
        "id": lifecycle.item_id(alert["id"], "approval", number * 1000 + generation),
        "kind": "approval", "st": None, "n": 0, "no": number, "g": generation,
        "title": notices.text(world, row, alert, "", action.subject), "of": action.of,
        "value": None if value is None else str(value), "unit": unit, "requester": world.owner(row), "step":
        -1,
        "steps": [{"mode": mode, "receivers": list(names), "yes": []} for mode, names in action.chain],
        "to": [], "timeout": None if action.timeout is None else str(action.timeout), "on": action.on_timeout,
    }  # fmt: skip
    if action.via != notices.BY_MAIL:
        item["via"] = list(action.via)
    return _next_step(world, row, alert, active, item, "system", quiet=quiet)


def _next_step(
    world: World, row: Row, alert: Row, active: Active, item: Row, actor: str, *, quiet: bool
) -> tuple[Row, list[str]]:
    """Begin the next step of the chain; the approval is granted when there is none."""
    step = item["step"] + 1
    kind, native = row["kind"], row["id"]
    name = f"{alert['rule']}|{alert['id']}"
    wait = items.item_wait(kind, native, name, item["id"])
    if step == len(item["steps"]):
        world.ctx.wait(wait, None)
        return _granted(world, row, alert, item, actor, quiet=quiet), []
    persons, missing = _approvers(world, row, item, step)
    steps = [dict(s) for s in item["steps"]]
    steps[step]["to"] = persons
    due = None if item["timeout"] is None else _timeout(world, item)
    item = {**item, "step": step, "steps": steps, "to": persons, "due": due}
    reason = Reason.APPROVAL_REQUESTED if step == 0 else Reason.NEXT_STEP
    item = items.change(world, (kind, native), alert, item, "requested", reason, actor)
    item = {**item, "since": item["n"], "asked": world.ctx.at}
    if not quiet:
        _ask(world, row, alert, item, reason, "approval")
        if due is not None:
            world.ctx.wait(wait, due)
    return item, missing


def _timeout(world: World, item: Row) -> int:
    return parse_duration(item["timeout"]).add(world.ctx.at, world.zone)


def _approvers(world: World, row: Row, item: Row, step: int) -> tuple[list[str], list[str]]:
    persons: dict[str, None] = {}
    missing: list[str] = []
    subject, directory = notices.subject_of(world, row), notices.directory(world)
    for receiver in item["steps"][step]["receivers"]:
        found = resolve_approvers(receiver, subject, directory, world.ctx.at, item["requester"])
        persons.update(dict.fromkeys(found.persons))
        if found.missing:
            missing.append(f"{receiver} ({found.missing})")
    return list(persons), missing


def _ask(world: World, row: Row, alert: Row, item: Row, reason: Reason, what: str, number: int = 0) -> None:
    lines = [f"{item['of']}: {item['value']} {item['unit']}".strip()] if item["value"] is not None else []
    for person in item["to"]:
        if person not in item["steps"][item["step"]]["yes"]:
            notices.tell(
                world, row, alert, person, what, reason=reason, title=item["title"], lines=lines, item=item,
                about="approval" if what == "reminder" else None, due=item.get("due"), number=number,
                via=item.get("via", notices.BY_MAIL),
            )  # fmt: skip


def _granted(world: World, row: Row, alert: Row, item: Row, actor: str, *, quiet: bool) -> Row:
    new = items.change(
        world, (row["kind"], row["id"]), alert, {**item, "to": []}, "approved", Reason.APPROVED, actor
    )
    _tell_outcome(world, row, alert, new, Reason.APPROVED, quiet=quiet)
    return new


def _tell_outcome(world: World, row: Row, alert: Row, item: Row, reason: Reason, *, quiet: bool) -> None:
    """Approvers need not decide any more; whoever asked learns the outcome."""
    for person in dict.fromkeys(p for step in item["steps"] for p in step.get("to", ())):
        notices.tell(world, row, alert, person, "closed", reason=reason, item=item)
    if item["requester"] and not quiet:
        notices.tell(
            world, row, alert, item["requester"], "decided", reason=reason, item=item, title=item["title"]
        )


def vote(
    world: World, row: Row, alert: Row, active: Active, item: Row, person: str, decision: str, text: str
) -> Row:
    """One approver decides: `approve`, `reject` or `return`. The caller has checked that they may."""
    kind, native = row["kind"], row["id"]
    if decision != "approve":
        return decide(
            world, row, alert, item, "rejected" if decision == "reject" else "returned", person, text
        )
    steps = [dict(s) for s in item["steps"]]
    step = steps[item["step"]]
    step["yes"] = [*step["yes"], person]
    item = {**item, "steps": steps}
    done = step["mode"] == "any" or set(step["yes"]) >= set(step["to"])
    if done:
        return _next_step(world, row, alert, active, item, person, quiet=bool(alert.get("q")))[0]
    return items.change(world, (kind, native), alert, item, "requested", Reason.APPROVED, person, text)


def decide(world: World, row: Row, alert: Row, item: Row, state: str, actor: str, text: str = "") -> Row:
    """End the approval as a whole (`approved`, `rejected`, `returned`, `timed_out`), whoever decided it."""
    kind, native = row["kind"], row["id"]
    reason = {
        "approved": Reason.APPROVED, "rejected": Reason.REJECTED, "returned": Reason.RETURNED,
        "timed_out": Reason.TIMED_OUT, "withdrawn": Reason.ALERT_ENDED,
    }[state]  # fmt: skip
    world.ctx.wait(items.item_wait(kind, native, f"{alert['rule']}|{alert['id']}", item["id"]), None)
    new = items.change(world, (kind, native), alert, {**item, "to": []}, state, reason, actor, text)
    _tell_outcome(world, row, alert, new, reason, quiet=bool(alert.get("q")))
    return new


def timed_out(world: World, row: Row, alert: Row, item: Row) -> Row:
    """Nobody decided in time: remind again, or reject, as the rule says."""
    if item["on"] == "reject":
        return decide(world, row, alert, item, "timed_out", "system")
    due, at = _timeout(world, item), world.ctx.at
    missed = superseded(world.ctx, item.get("asked", 0), at, due)
    item = {**item, "due": due}
    if not missed:
        item = {**item, "reminded": item.get("reminded", 0) + 1, "asked": at}
        _ask(world, row, alert, item, Reason.TIMED_OUT, "reminder", item["reminded"])
    world.ctx.wait(items.item_wait(row["kind"], row["id"], f"{alert['rule']}|{alert['id']}", item["id"]), due)
    return item


def covers(item: Row, value: object) -> bool:
    """Does the approval cover this value? A smaller amount is covered; any other change of a plain value is
    not.
    """
    if value is None or item["value"] is None:
        return value is None and item["value"] is None
    try:
        return bool(Decimal(str(value)) <= Decimal(item["value"]))
    except InvalidOperation:
        return bool(str(value) == item["value"])


def review(
    world: World, row: Row, alert: Row, active: Active, action: ApprovalAction, item: Row
) -> list[Row]:
    """The entity changed: the approval as it is, or voided and asked for anew."""
    value = EntityScope(world, row, world.ctx.at).get(tuple(action.of.split(".")))
    if item["st"] not in ("requested", "approved", "timed_out") or covers(item, value):
        return [item]
    kind, native = row["kind"], row["id"]
    world.ctx.wait(items.item_wait(kind, native, f"{alert['rule']}|{alert['id']}", item["id"]), None)
    void = items.change(
        world, (kind, native), alert, {**item, "to": []}, "void", Reason.AMOUNT_CHANGED, "system"
    )
    quiet = bool(alert.get("q"))
    if not quiet:
        for person in item["to"]:
            notices.tell(world, row, alert, person, "voided", reason=Reason.AMOUNT_CHANGED, item=void)
    if not active.trigger.standing:  # the change is an event of its own and asks by itself
        return [void]
    again, _ = request(world, row, alert, active, action, item["no"], quiet=quiet, generation=item["g"] + 1)
    return [void, again]
