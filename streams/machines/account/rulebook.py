"""A rule in force as the account machine judges it: one version, compiled. `compiler` makes it.

Plain values: it reads no rows and judges nothing by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from rules.conditions.condition import Condition
from rules.reasons import Reason
from rules.templates import Template
from rules.triggers.base import Trigger
from rules.triggers.date import DateTrigger
from rules.triggers.holds import HoldsTrigger
from rules.triggers.missing import MissingAfterTrigger
from schemas.events.registry import KINDS
from schemas.parents import ANCESTORS
from schemas.time import Duration
from streams.machines.account.entities import PARENT_FIELDS

Path = tuple[str, ...]

OWNING = frozenset({"account", "opportunity", "lead"})
"""Kinds whose owner stands in where an entity below them has none."""

SHARED_RUN = "~"
"""What the names of rows that a cohort shares begin with."""

NOTHING: frozenset[str] = frozenset()
JOINABLE = frozenset(KINDS)
"""Roots of paths that are joined entities."""

BELOW = frozenset({
    "last_follow_up", "first_response", "calls", "visits", "demos", "proposals", "meetings", "emails",
    "messages",
    "overdue_amount", "credit_left", "paid_ratio", "open_instalments",
})  # fmt: skip
"""Derived fields that events of child entities change."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event pattern in a role; reads_opened: its `where` compares with the earlier event (`after.*`)."""

    where: Condition
    reads_opened: bool


@dataclass(frozen=True, slots=True)
class NotifyAction:
    """Whom to tell, by which channels, in which words (None: the rule's title)."""

    to: tuple[str, ...]
    via: tuple[str, ...]
    subject: Template | None
    text: Template | None


@dataclass(frozen=True, slots=True)
class TaskAction:
    """What somebody is given to do, by which channels they learn it, and how long for."""

    to: str
    via: tuple[str, ...]
    title: Template
    due: Duration


@dataclass(frozen=True, slots=True)
class ApprovalAction:
    """What is decided, by which steps (`any` or `all`, receivers), and what happens when nobody does."""

    of: str
    chain: tuple[tuple[str, tuple[str, ...]], ...]
    via: tuple[str, ...]
    timeout: Duration | None
    on_timeout: str
    subject: Template | None


@dataclass(slots=True, eq=False, weakref_slot=True)
class Active:
    """One rule version in force, compiled. since: logical time (us) it took effect, 0 for the first rules.

    grace: us the verdict waits at most; awaited: (source, us) for which it waits, see `grace`. implied: how
    long its silence lasts, when its state follows from the entity. cohort: name of the row that
    it shares with rules of the same trigger. was_implied, was_cohort: the same of a former version.
    """

    name: str
    """Name of its trigger rows: `rule@version`."""
    id: str
    version: int
    since: int
    title: str
    watch: str
    severity: str
    where: Condition
    trigger: Trigger
    reason: Reason
    roles_of: Mapping[str, tuple[tuple[str, Pattern], ...]]
    match_fields: tuple[Path, ...]
    grace: int
    once_per: Duration | Literal["episode"] | None
    remind: str | None
    enrol_new: bool
    reset: bool
    recompute: bool
    include_account: bool
    notifies: tuple[NotifyAction, ...]
    tasks: tuple[TaskAction, ...]
    approvals: tuple[ApprovalAction, ...]
    awaited: tuple[tuple[str, int], ...] = ()
    joins: frozenset[str] = field(default_factory=frozenset)
    reads: frozenset[str] = field(default_factory=frozenset)
    joined_reads: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    reads_below: bool = False
    reads_owner: bool = False
    reads_was: bool = False
    draining: bool = False
    others: tuple[str, ...] = ()
    summary: str | None = None
    implied: Duration | None = None
    was_implied: Duration | None = None
    cohort: str | None = None
    was_cohort: str | None = None
    plain_types: frozenset[str] = field(default_factory=frozenset)
    successor: Active | None = None
    judged: list[int] = field(default_factory=lambda: [0, 0], compare=False, repr=False)
    """How often `where` did not hold, and held: for metrics; shared by its copies, no decision reads it."""
    joined_by_kind: dict[str, frozenset[str]] = field(init=False, default_factory=dict)
    leads: frozenset[str] = field(init=False, default=NOTHING)
    """Kinds by way of which it reaches what it joins: when one names other documents, it reads others."""
    falls_due_with: tuple[object, ...] = field(init=False, default=())
    """Alike for silences that, as long as nothing but the entity says when, fall due together."""

    @property
    def runs_overlap(self) -> bool:
        """Every triggering event has a run of its own, so versions can work side by side."""
        return self.reason is Reason.DEADLINE_PASSED

    @property
    def types_below(self) -> frozenset[str]:
        """Event types it names."""
        return frozenset(self.roles_of)

    @property
    def time_dependent(self) -> bool:
        """May `where` change without any event?"""
        return self.where.time_dependent or "overdue_amount" in self.reads

    def reads_joined(self, kind: str) -> frozenset[str]:
        """Fields it reads of the joined entity of that kind."""
        return self.joined_by_kind.get(kind, NOTHING)

    def __post_init__(self) -> None:
        found: dict[str, set[str]] = {}
        for head, name in self.joined_reads:
            found.setdefault(head, set()).add(name)
        self.falls_due_with = (self.implied, self.plain_types, self.grace, self.awaited)
        self.leads = _leading(self.watch, self.joins)
        for kind in self.leads:
            found.setdefault(kind, set()).update(PARENT_FIELDS)
        self.joined_by_kind = {head: frozenset(names) for head, names in found.items()}

    @property
    def bridges(self) -> bool:
        """Its episodes outlast their condition for a while (`keep_firing_for`)."""
        return isinstance(self.trigger, HoldsTrigger) and self.trigger.bridges

    def may_begin(self, row: Mapping[str, Any]) -> bool:
        """Can its trigger have anything to say about an entity that has just become known?"""
        if isinstance(self.trigger, DateTrigger):
            return row["d"].get(self.trigger.reads) is not None or self.trigger.reads in BELOW
        return not isinstance(self.trigger, MissingAfterTrigger)

    def is_plain(self, type_: str) -> bool:
        """An event of the type matches whatever it says."""
        return type_ in self.plain_types

    def matches(self, scope: Any) -> bool:
        """Does the rule's `where` hold? Counted, for metrics only."""
        held = self.where.holds(scope)
        self.judged[held] += 1
        return held

    def next_flip(self, scope: Any, after: int) -> int | None:
        """Earliest instant after `after` at which `where` may change by time alone."""
        return self.where.next_flip(scope, after)

    def opened_pattern(self, role: str, type_: str) -> Pattern | None:
        """The pattern of the role that must be judged against the opening event, if there is one."""
        for name, pattern in self.roles_of.get(type_, ()):
            if name == role:
                return pattern if pattern.reads_opened else None
        return None


@cache
def _leading(watch: str, joins: frozenset[str]) -> frozenset[str]:
    """Kinds between the watched one and the joined ones; what an entity is joined to the account by is its
    key.
    """
    above = ANCESTORS.get(watch, NOTHING) | {watch}
    return frozenset(
        kind for kind in above if (ANCESTORS.get(kind, NOTHING) | {kind}) & joins - {"account", kind}
    )
