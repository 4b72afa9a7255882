"""The one legal table of states and transitions of alerts, tasks and approvals, and their ids.

Pure decisions: whoever owns the rows asks here whether a change is legal, and numbers it. No storage, no
receivers.

    alert     firing > acknowledged | snoozed > resolved ; suppressed, withdrawn
    task      open > done | cancelled | overdue
    approval  requested > approved | rejected | returned | withdrawn | timed_out | void
"""

from __future__ import annotations

from schemas.canonical import digest

ALERT: dict[str | None, frozenset[str]] = {
    None: frozenset({"firing", "suppressed"}),
    "firing": frozenset({"acknowledged", "snoozed", "resolved", "withdrawn"}),
    "acknowledged": frozenset({"snoozed", "resolved", "withdrawn", "acknowledged"}),
    "snoozed": frozenset({"firing", "acknowledged", "snoozed", "resolved", "withdrawn"}),
    "resolved": frozenset({"firing", "withdrawn"}),
    "suppressed": frozenset({"withdrawn"}),
    "withdrawn": frozenset(),
}
"""state -> states it may change to. A condition that still has to last (`for`) is no alert. `resolved ->
firing` only when what had resolved it was taken back.
"""

TASK: dict[str | None, frozenset[str]] = {
    None: frozenset({"open"}),
    "open": frozenset({"done", "cancelled", "overdue"}),
    "overdue": frozenset({"done", "cancelled"}),
    "done": frozenset(),
    "cancelled": frozenset(),
}

APPROVAL: dict[str | None, frozenset[str]] = {
    None: frozenset({"requested"}),
    "requested": frozenset(
        {"requested", "approved", "rejected", "returned", "withdrawn", "timed_out", "void"}
    ),
    "approved": frozenset({"void"}),
    "rejected": frozenset({"void"}),
    "returned": frozenset({"void"}),
    "timed_out": frozenset({"approved", "rejected", "void"}),
    "withdrawn": frozenset(),
    "void": frozenset(),
}
"""`requested -> requested` is a delegation or the next step of the chain."""

TABLES = {"alert": ALERT, "task": TASK, "approval": APPROVAL}

OPEN = frozenset({"firing", "acknowledged", "snoozed"})
"""States in which an alert stands."""

OPEN_TASK = frozenset({"open", "overdue"})


def legal(kind: str, before: str | None, after: str) -> bool:
    """May an `alert`, `task` or `approval` change from `before` (None: it is new) to `after`?"""
    return after in TABLES[kind].get(before, frozenset())


def alert_id(rule: str, entity: str, event: str, episode: int) -> str:
    """Stable id: rule, entity (`kind:id` as the triggering event named it), triggering event, count among
    its firings.
    """
    return digest("alert", rule, entity, event, str(episode))


def item_id(alert: str, kind: str, number: int) -> str:
    """Id of the n-th task or approval of an alert."""
    return digest(kind, alert, str(number))


def transition_id(subject: str, n: int) -> str:
    """Id of the n-th transition (from 1) of an alert, task or approval."""
    return digest("transition", subject, str(n))
