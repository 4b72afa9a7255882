"""What an alert sets in motion: notices to people, tasks, approvals. Everything it does is a record or a
row value.

Receivers are resolved against the directory in force now; nobody found is itself an alert to the
administrators. The alert's own state is not changed here.
"""

from __future__ import annotations

from rules import lifecycle
from rules.reasons import Reason, reason_text
from streams.machines.account import approvals, items
from streams.machines.account.entities import Row
from streams.machines.account.notices import find, tell, text
from streams.machines.account.rulebook import Active, NotifyAction
from streams.machines.account.world import World

Found = tuple[list[str], list[str]]
"""(person ids, receivers for whom nobody was found)."""


class Actions:
    """The consequences of alerts for one step."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, tuple[str, ...]], Found] = {}

    def _find(self, world: World, row: Row, action: NotifyAction) -> Found:
        """As `find`, once a step."""
        address = (row["kind"], row["id"], action.to)
        found = self._found.get(address)
        if found is None:
            found = self._found[address] = find(world, row, action.to)
        return found

    def receivers(self, active: Active, row: Row, world: World) -> list[str]:
        """Persons that the rule's notify actions name, each once."""
        persons: dict[str, None] = {}
        for action in active.notifies:
            for person in self._find(world, row, action)[0]:
                persons[person] = None
        return list(persons)

    def on_fired(self, active: Active, row: Row, alert: Row, world: World, *, quiet: bool) -> Row:
        """Notices, tasks and approvals of a new alert; the alert row with its items."""
        missing: list[str] = []
        if not quiet:
            missing.extend(self._notify(active, row, alert, world))
        ended = quiet and alert["st"] != "firing"
        opened: dict[str, Row] = {}
        if not ended:
            for number, task in enumerate(active.tasks):
                item, absent = items.open_task(world, row, alert, active, task, number, quiet=quiet)
                opened[item["id"]] = item
                missing.extend(absent)
            for number, approval in enumerate(active.approvals, len(active.tasks)):
                item, absent = approvals.request(world, row, alert, active, approval, number, quiet=quiet)
                opened[item["id"]] = item
                missing.extend(absent)
        if missing and not quiet:
            self._nobody(row, alert, world, missing)
        return {**alert, "items": opened} if opened else alert

    def _notify(self, active: Active, row: Row, alert: Row, world: World) -> list[str]:
        """Each person once, in the words of the first action that names them, by the channels of all."""
        missing: list[str] = []
        told: dict[str, tuple[NotifyAction, dict[str, None]]] = {}
        for action in active.notifies:
            persons, absent = self._find(world, row, action)
            missing.extend(absent)
            for person in persons:
                told.setdefault(person, (action, {}))[1].update(dict.fromkeys(action.via))
        for person, (action, via) in told.items():
            tell(
                world, row, alert, person, "fired", title=text(world, row, alert, person, action.subject),
                lines=[text(world, row, alert, person, action.text)] if action.text else [],
                remind=active.remind, reason=active.reason, via=via,
            )  # fmt: skip
        return missing

    def on_refired(self, row: Row, alert: Row, world: World) -> None:
        """What had resolved the alert was taken back: whoever was told learns that it stands again."""
        for person in alert["told"]:
            tell(world, row, alert, person, "fired", reason=Reason.CURE_TAKEN_BACK)

    def on_ended(self, kind: str, native: str, alert: Row, state: str, reason: Reason, world: World) -> Row:
        """The alert was resolved or withdrawn: open items end, finished ones are annotated, people learn it
        once.
        """
        row = world.row(kind, native)
        closed = {
            name: items.close(world, kind, native, alert, item, state, reason)
            for name, item in alert["items"].items()
        }
        new = {**alert, "items": closed}
        if not alert.get("q"):
            what = "withdrawn" if state == "withdrawn" else "resolved"
            for person in alert["told"]:
                tell(world, row, new, person, what, reason=reason, kind=kind, native=native)
        return new

    def on_acted(self, kind: str, native: str, alert: Row, world: World) -> None:
        """Somebody acted: reminders stop, nobody is told."""
        for person in alert["told"]:
            tell(world, None, alert, person, "acted", reason=Reason.ACKNOWLEDGED, kind=kind, native=native)

    def _nobody(self, row: Row, alert: Row, world: World, missing: list[str]) -> None:
        """Nobody found for a receiver is itself an alert, to the administrators."""
        system_alert(world, row, "system-no-receiver", alert["id"], Reason.NO_RECEIVER, "; ".join(missing))


def system_alert(
    world: World,
    row: Row,
    rule: str,
    about: str,
    reason: Reason,
    detail: str,
    *,
    count: int = 0,
    quiet: bool = False,
) -> None:
    """An alert of the system itself about an entity: fired once for what it is about (and its `count`), told
    to the administrators unless it is quiet.
    """
    kind, native = row["kind"], row["id"]
    alert_id = lifecycle.alert_id(rule, f"{kind}:{native}", about, count)
    bucket, name = f"a|{kind}|{native}", f"{rule}|{alert_id}"
    if world.ctx.get(bucket, name) is not None:
        return
    admins = find(world, row, ["role:admin"])[0]
    title = f"{reason_text(reason, 'zh')} / {reason_text(reason, 'en')}: {detail}"
    alert: Row = {
        "id": alert_id, "rule": rule, "v": 1, "title": title, "sev": "critical", "r": about, "i": "",
        "d": world.ctx.at, "k": count, "st": "firing", "n": 1, "at": world.ctx.at, "fired": world.ctx.at,
        "items": {}, "told": admins,
    }  # fmt: skip
    if quiet:
        alert["q"] = 1
    world.ctx.put(bucket, name, alert)
    world.ctx.put("ai", alert_id, [kind, native, name])
    world.ctx.emit("alerts", world.key, "transition", {
        "alert": alert_id, "id": lifecycle.transition_id(alert_id, 1), "n": 1, "rule": rule, "version": 1,
        "title": title, "kind": "alert", "entity": kind, "key": native, "account": world.account_id,
        "home": world.key, "name": name, "state": "firing", "was": None, "at": world.ctx.at, "due":
        world.ctx.at,
        "reason": str(reason), "severity": "critical", "actor": "system", "quiet": quiet, "receivers": admins,
        "event": about,
    })  # fmt: skip
    for person in () if quiet else admins:
        tell(world, row, alert, person, "fired", reason=reason)
