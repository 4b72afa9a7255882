"""What a rule compiles to: frozen, slotted values. The automata in `triggers/` take them; nothing is
decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from rules.conditions.condition import Condition
from rules.conditions.scope import Path
from rules.document import RuleDoc
from rules.when import Each
from schemas.time import Duration

Pairs = tuple[tuple[Path, Path], ...]
"""Fields that must be equal: (path in the later event, path in the earlier event)."""


@dataclass(frozen=True, slots=True, eq=False)
class EventPattern:
    """Events of one of the types that fit `where` (bare names: the event's data)."""

    types: frozenset[str]
    where: Condition


Patterns = tuple[EventPattern, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EventTrigger:
    """`event`: any of the patterns."""

    events: Patterns


@dataclass(frozen=True, slots=True, eq=False)
class HoldsTrigger:
    """`holds`: `where` is true for `for_`; it stays firing until false for `keep_firing_for`."""

    for_: Duration
    keep_firing_for: Duration


@dataclass(frozen=True, slots=True, eq=False)
class StageTrigger:
    """`enters` or `leaves` one of the stages; `decisive`: any stage that the settings call decisive."""

    side: Literal["enters", "leaves"]
    stages: frozenset[str]
    decisive: bool


@dataclass(frozen=True, slots=True, eq=False)
class SilentTrigger:
    """`silent`: none of the patterns for `for_`; `account`: events that name only the customer count too."""

    of: Patterns
    for_: Duration
    account: bool


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """A deadline: a fixed duration, or the duration field of the earlier event (or what it is joined to)."""

    duration: Duration | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MissingAfterTrigger:
    """`missing_after`: one of `after`, then none of `expect` with equal `match` fields in time."""

    after: Patterns
    expect: Patterns
    within: Within
    match: Pairs
    each: Each


@dataclass(frozen=True, slots=True, eq=False)
class MissingBeforeTrigger:
    """`missing_before`: one of `events` without any of `requires` before it, over (t - within, t] or ever."""

    events: Patterns
    requires: Patterns
    within: Duration | None
    match: Pairs


@dataclass(frozen=True, slots=True, eq=False)
class DateTrigger:
    """`date`: `offset` before or after the date at `path`, at `clock` us after local midnight.

    items: for a date within a list (`instalments.due_on`), the path of the list; `path` is then the item's.
    """

    path: Path
    items: Path | None
    side: Literal["before", "after"]
    offset: Duration
    clock: int


CompiledTrigger = (
    EventTrigger
    | HoldsTrigger
    | StageTrigger
    | SilentTrigger
    | MissingAfterTrigger
    | MissingBeforeTrigger
    | DateTrigger
)


def patterns_of(trigger: CompiledTrigger) -> Patterns:
    """All event patterns of a trigger, in the order of the document."""
    if isinstance(trigger, EventTrigger):
        return trigger.events
    if isinstance(trigger, SilentTrigger):
        return trigger.of
    if isinstance(trigger, MissingAfterTrigger):
        return trigger.after + trigger.expect
    if isinstance(trigger, MissingBeforeTrigger):
        return trigger.events + trigger.requires
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """One version of a rule, ready to be judged.

    kind: the watched kind. reads: every path of the watched entity (and what is joined to it) that may
    change what the rule says. event_types: every event type the rule names; `grace` waits for their sources.
    """

    id: str
    version: int
    doc: RuleDoc
    kind: str
    where: Condition
    trigger: CompiledTrigger
    patterns: Patterns
    reads: frozenset[Path]
    event_types: frozenset[str]
    zone: ZoneInfo

    def reads_of(self, root: str) -> frozenset[Path]:
        """The paths below a root (`account`, `was`), without it; `""` for those of the entity itself."""
        if not root:
            return frozenset(path for path in self.reads if len(path) == 1)
        return frozenset(path[1:] for path in self.reads if len(path) > 1 and path[0] == root)
