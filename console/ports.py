"""What the web side needs from the rest of the system: a view to read, a way to carry out commands,
readiness.

Ports only, named by role; the composition root plugs in SQLite, Redis or memory. No HTTP and no I/O here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Kind = Literal["alerts", "tasks", "approvals"]
Row = Mapping[str, Any]
"""A row of a view: the last transition of an alert, task or approval, JSON types, with at least `id` and
`state`.
"""

Ready = Callable[[], Sequence[str]]
"""Why the system is not ready, in words; empty when it is. Must be quick: asked once per intake request."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows: all `filters` (field -> allowed values) hold; at most `limit`, after the row named by
    `cursor`.
    """

    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in a stable order, newest first; `cursor` gets the next page, None at the end."""

    rows: Sequence[Row]
    cursor: str | None = None


class View(Protocol):
    """Alerts, tasks and approvals as they stand. May lag behind the stream by a moment."""

    async def find(self, kind: Kind, query: Query) -> Page:
        """The rows that the query asks for."""
        ...

    async def one(self, kind: Kind, name: str) -> Row | None:
        """The row with the id `name`, or None."""
        ...


Status = Literal["done", "pending", "already", "voided", "not_allowed", "stale", "unknown"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command.

    done: carried out. pending: durably accepted, the result is not known yet. already: somebody had decided
    before, `by` whom and `at` when (us). voided: nothing is left to decide. not_allowed: this person may
    not. stale: it has changed since the sender looked. unknown: there is no such alert, task or approval.
    `reason` is the machine's word.
    """

    status: Status
    state: str | None = None
    by: str | None = None
    at: int | None = None
    reason: str | None = None


class Commands(Protocol):
    """Where decisions of people go in."""

    async def carry_out(self, command: Mapping[str, Any]) -> Outcome:
        """Append the command durably, then wait a moment for what comes of it.

        `command`: machine, key (None: look it up by alert or item), command, alert, item, seen, by, text,
        via, and what the command itself needs. Raises StagewatchError when it could not be stored: then
        nothing happened.
        """
        ...


class UsedLinks(Protocol):
    """The durable memory of links that were used."""

    async def claim(self, link: str, until: int) -> bool:
        """Mark the link (a digest of its token) as used until `until` (us); False when it was already."""
        ...

    async def release(self, link: str) -> None:
        """Take a claim back: the decision could not be stored, so the link may be used again."""
        ...


class RequestObserver(Protocol):
    """Counts requests; the composition root plugs in Prometheus."""

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered. `route` is the route's pattern, never the raw path."""
        ...
