"""Alert rows of an account: fired, kept, resolved, withdrawn, acted on; every change is one numbered
transition.

Owns the life cycle (`rules.lifecycle` says what is legal). What firing sets in motion (notices, tasks,
approvals) is in `actions`; why an episode exists is the judge's affair.

Alert row, bucket `a|kind|id`, name `rule|alert id`: id, rule, v, title, sev, r triggering event, i item,
d due (us), k count among firings of that event, st state, n last transition, at of it, fired (us), q 1
when quiet, told persons, end why it ended, items {task or approval id: its row}, sub what people need to
see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules import lifecycle
from rules.reasons import Reason
from rules.triggers.base import Episode
from streams.machines.account.entities import Row
from streams.machines.account.rulebook import Active
from streams.machines.account.world import World

BY_PEOPLE = (None, Reason.RESOLVED_BY_PERSON, Reason.ITEMS_DONE)
"""Ends that no change of history takes back."""

ALERTS, TASKS, APPROVALS = "alerts", "tasks", "approvals"
SYSTEM = "system"


def alert_bucket(kind: str, native: str) -> str:
    """Bucket of the alert rows of an entity."""
    return f"a|{kind}|{native}"


class Alerts:
    """Reads and changes the alert rows of the account during one step."""

    def __init__(self, world: World, actions: Any) -> None:
        self.world = world
        self._actions = actions

    # -- reading ------------------------------------------------------------------------------------------

    def of_entity(self, kind: str, native: str) -> list[tuple[str, Row]]:
        """All alert rows of the entity: (name, row)."""
        return list(self.world.ctx.scan(alert_bucket(kind, native)))

    def of_rule(self, kind: str, native: str, active: Active) -> Iterator[tuple[str, Row]]:
        """Alerts of this rule and version (any version when it is recomputed) that have not been
        withdrawn.
        """
        for name, row in self.of_entity(kind, native):
            ours = row["rule"] == active.id and (row["v"] == active.version or active.recompute)
            if ours and row["st"] != "withdrawn":
                yield name, row

    def get(self, kind: str, native: str, name: str) -> Row | None:
        """The alert row of that name."""
        return self.world.ctx.get(alert_bucket(kind, native), name)

    # -- changes by rules ---------------------------------------------------------------------------------

    def fire(self, active: Active, row: Row, episode: Episode, *, quiet: bool) -> str:
        """Open an alert for the episode (with its tasks and approvals) and return its row's name.

        A breach that ended before it could be judged is recorded as fired and resolved and tells nobody.
        """
        kind, native = row["kind"], row["id"]
        others = [a for _, a in self.of_entity(kind, native) if a["rule"] == active.id]
        count = sum(1 for a in others if a["r"] == episode["r"] and a["i"] == episode["i"])
        ref = episode["r"] if not episode["i"] else f"{episode['r']}|{episode['i']}"
        alert = lifecycle.alert_id(active.id, f"{kind}:{native}", ref, count)
        name = f"{active.id}|{alert}"
        at = self.world.ctx.at
        new: Row = {
            "id": alert, "rule": active.id, "v": active.version, "title": active.title, "sev":
            active.severity,
            "r": episode["r"], "i": episode["i"], "d": episode["d"], "k": count, "st": None, "n": 0, "at": at,
            "fired": at, "items": {}, "told": [],
        }  # fmt: skip
        if quiet:
            new["q"] = 1
        now = self.world.row(kind, native)
        if now is not None and "ha" not in now:
            self.world.put({**now, "ha": 1})
        if self._once_per(active, others, episode["d"]):
            self._change((kind, native, name), new, "suppressed", Reason.ONCE_PER, SYSTEM)
            return name
        silent = quiet or episode["x"] is not None
        if silent:
            new["q"] = 1
        self.world.ctx.put("ai", alert, [kind, native, name])
        new["told"] = self._actions.receivers(active, row, self.world)
        new = self._change((kind, native, name), new, "firing", active.reason, SYSTEM, row=row)
        new = self._actions.on_fired(active, row, new, self.world, quiet=silent)
        self.world.ctx.put(alert_bucket(kind, native), name, new)
        return name

    def _once_per(self, active: Active, others: list[Row], due: int) -> bool:
        """Whether another alert of the rule on the entity is reason enough not to raise this one."""
        spared = active.once_per
        if spared is None:
            return False
        if spared == "episode":
            return any(a["st"] in lifecycle.OPEN for a in others)
        sent = [a["d"] for a in others if a["st"] not in ("suppressed", "withdrawn")]
        if not sent:
            return False
        return due < spared.add(max(sent), self.world.zone)

    def resolve(self, kind: str, native: str, episode: Episode) -> None:
        """The episode ended: its alert is resolved, if it still stands."""
        name = episode["a"]
        alert = self.get(kind, native, name)
        if alert is None or alert["st"] not in lifecycle.OPEN:
            return
        self._end(kind, native, name, alert, "resolved", Reason(episode["w"]))

    def keep(self, kind: str, native: str, name: str, episode: Episode, cause: Reason) -> None:
        """A changed history still bears the alert out; its due may have moved, its cure may be gone."""
        alert = self.get(kind, native, name)
        if alert is None:
            return
        if alert["d"] != episode["d"]:
            moved = {**alert, "d": episode["d"]}
            row = self.world.row(kind, native)
            alert = self._change((kind, native, name), moved, alert["st"], cause, SYSTEM, row=row)
        if alert["st"] == "resolved" and episode["x"] is None and alert.get("end") not in BY_PEOPLE:
            row = self.world.row(kind, native)
            alert = self._change(
                (kind, native, name), alert, "firing", Reason.CURE_TAKEN_BACK, SYSTEM, row=row
            )
            if row is not None and not alert.get("q"):
                self._actions.on_refired(row, alert, self.world)

    def withdraw(self, kind: str, native: str, name: str, cause: Reason) -> None:
        """The alert is proved wrong: withdrawn, whatever people did with it; their finished work is
        annotated.
        """
        alert = self.get(kind, native, name)
        if alert is not None and lifecycle.legal("alert", alert["st"], "withdrawn"):
            self._end(kind, native, name, alert, "withdrawn", cause)

    def _end(self, kind: str, native: str, name: str, alert: Row, state: str, reason: Reason) -> None:
        row = self.world.row(kind, native)
        alert = self._change(
            (kind, native, name), {**alert, "end": reason.value}, state, reason, SYSTEM, row=row
        )
        alert = self._actions.on_ended(kind, native, alert, state, reason, self.world)
        self.world.ctx.put(alert_bucket(kind, native), name, alert)

    # -- changes by people --------------------------------------------------------------------------------

    def act(
        self, kind: str, native: str, name: str, state: str, reason: Reason, actor: str, text: str = ""
    ) -> Row:
        """A person's change of the alert itself; the caller has checked that it is legal."""
        alert = self.get(kind, native, name) or {}
        return self._change(
            (kind, native, name), alert, state, reason, actor, row=self.world.row(kind, native), text=text
        )

    def finish(self, kind: str, native: str, name: str, reason: Reason, actor: str) -> None:
        """All that the alert asked for is done: resolved, unless its episode begins anew."""
        alert = self.get(kind, native, name)
        if alert is not None:
            row = self.world.row(kind, native)
            ended = {**alert, "end": reason.value}
            new = self._change((kind, native, name), ended, "resolved", reason, actor, row=row)
            new = self._actions.on_ended(kind, native, new, "resolved", reason, self.world)
            self.world.ctx.put(alert_bucket(kind, native), name, new)

    # -- one transition -----------------------------------------------------------------------------------

    def _change(
        self,
        place: tuple[str, str, str],
        alert: Row,
        state: str,
        reason: Reason,
        actor: str,
        *,
        row: Row | None = None,
        text: str = "",
    ) -> Row:
        kind, native, name = place
        at = max(self.world.ctx.at, alert["at"])
        new = {**alert, "st": state, "n": alert["n"] + 1, "at": at}
        self.world.ctx.put(alert_bucket(kind, native), name, new)
        transition = {
            "alert": new["id"],
            "id": lifecycle.transition_id(new["id"], new["n"]),
            "n": new["n"],
            "rule": new["rule"],
            "version": new["v"],
            "title": new["title"],
            "kind": "annotation" if state == alert["st"] and state != "acknowledged" else "alert",
            "entity": kind,
            "key": native,
            "account": self.world.account_id,
            "home": self.world.key,
            "name": name,
            "state": state,
            "was": alert["st"],
            "at": at,
            "due": new["d"],
            "reason": str(reason),
            "severity": new["sev"],
            "actor": actor,
            "quiet": bool(new.get("q")),
            "receivers": new["told"],
            "event": new["r"],
        }
        if new["i"]:
            transition["item"] = new["i"]
        if text:
            transition["text"] = text
        if row is not None:
            transition["data"] = facts(self.world, row)
        self.world.ctx.emit(ALERTS, self.world.key, "transition", transition)
        return new


FACTS = (
    "name",
    "amount",
    "currency",
    "stage",
    "tier",
    "owner",
    "by",
    "ends_on",
    "due_on",
    "planned_for",
    "valid_until",
)


def facts(world: World, row: Row) -> dict[str, Any]:
    """What people need to see of an entity with an alert: its main fields, its account's name, its stage."""
    data = row["d"]
    found: dict[str, Any] = {name: data[name] for name in FACTS if data.get(name) is not None}
    if row.get("s"):
        found["stage"] = row["s"]
    owner = world.owner(row)
    if owner is not None:
        found["owner"] = owner
    if world.account_id is not None:
        account = world.row("account", world.account_id)
        found["account"] = world.account_id
        if account is not None and account["d"].get("name"):
            found["account_name"] = account["d"]["name"]
    return found
