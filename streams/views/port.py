"""The ports of the views: what is written to them, what they are asked; SQLite and Redis plug in.

A view is a fold of transitions by their number: the transition with the greatest `n` is how an item stands,
the one with the least says when it was opened, the last that brought facts for people gives those. So a
repeat or another order of the same transitions makes the same view. Of the closed items a view keeps those
that closed last, as many as it was told. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rules.lifecycle import OPEN, OPEN_TASK
from streams.stores.log import Logged

OPEN_STATES: dict[str, frozenset[str]] = {
    "alerts": OPEN,
    "tasks": OPEN_TASK,
    "approvals": frozenset({"requested", "timed_out"}),
}
"""Topic -> states in which somebody still has to do something."""

KEPT = 100_000
"""Closed items of each topic that a view keeps, unless it is told otherwise: those that closed last."""

FOUND = 20
"""Items that `find` names at most."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """An alert, task or approval as it stands.

    value: its last transition. opened, at: logical time (us) of its first and last. position: of the last.
    """

    topic: str
    id: str
    value: Row
    opened: int
    at: int
    position: int
    n: int


class View(Protocol):
    """The writing side."""

    def project(self, transitions: Iterable[Logged]) -> object:
        """Take transitions, all or none; one seen before changes nothing."""
        ...


class ViewReader(Protocol):
    """Questions. Each answer is as of one batch that was projected."""

    def items(
        self,
        topic: str,
        *,
        open_only: bool = False,
        newest_first: bool = True,
        limit: int = 100,
        after: tuple[int, str] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        **equal: str,
    ) -> list[Item]:
        """Items of `alerts`, `tasks` or `approvals`, in the order in which they were opened.

        equal: any of state, severity, rule, account, entity (kind), key (native id), alert, receiver.
        filters: the same, with values of which one must fit. after: (opened, id) of the last item before.
        limit: -1 for all.

        Raises:
            KeyError: an unknown filter.
        """
        ...

    def get(self, topic: str, item: str) -> Item | None:
        """One item."""
        ...

    def history(self, topic: str, item: str) -> list[Row]:
        """All transitions of an item, oldest first."""
        ...

    def of_alert(self, topic: str, alert: str) -> list[Item]:
        """Tasks or approvals that an alert opened, oldest first."""
        ...

    def find(self, topic: str, prefix: str) -> list[Item]:
        """Items whose id begins with `prefix` (people type the first few digits), by id; at most FOUND."""
        ...

    def count(
        self, topic: str, *, open_only: bool = False, filters: Mapping[str, Sequence[str]] | None = None
    ) -> int:
        """How many items `items` would give without a limit."""
        ...

    def count_open(self, topic: str) -> int:
        """Number of open items."""
        ...


def is_transition(record: Logged) -> bool:
    """Whether a record of a sink topic is one that views show."""
    return record.topic in OPEN_STATES and isinstance(record.value, dict)


def id_of(transition: Logged) -> str:
    """The id of the item that a transition is about."""
    return str(transition.value["alert"] if transition.topic == "alerts" else transition.value["item"])


def with_facts(value: Row, before: Row) -> Row:
    """A transition that brings no facts for people keeps the last ones."""
    return {**value, "data": before["data"]} if "data" in before and "data" not in value else value


def receivers_of(value: Row) -> set[str]:
    """Those who were told of an item's last transition."""
    return {str(receiver) for receiver in value.get("receivers") or ()}


def columns_of(topic: str, value: Row) -> dict[str, str]:
    """What an item can be asked for, beside its receivers: filter -> value."""
    names = ("severity", "rule", "account", "entity", "key")
    return {
        "state": str(value["state"]),
        **{name: str(value.get(name) or "") for name in names},
        "alert": str(value["alert"]),
    }


def is_open(topic: str, value: Row) -> bool:
    """Whether somebody still has to do something about an item."""
    return str(value["state"]) in OPEN_STATES[topic]
