"""The rules in force, indexed: which of them care about an event, a changed field, a joined entity.

Built anew when rules or settings change; everything here is immutable and derived from the `Active` rules.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rules.triggers.base import Trigger
from rules.triggers.event import EventTrigger
from rules.triggers.holds import HoldsTrigger
from rules.triggers.silent import SilentTrigger
from rules.triggers.stage import StageTrigger
from streams.machines.account.cohort import Cohort
from streams.machines.account.group import Group
from streams.machines.account.interest import MONEY, Interest
from streams.machines.account.rulebook import NOTHING, Active

K = TypeVar("K", bound=Hashable)

ANY = ""
REMEMBERED = 1_000
"""Sets of changed fields whose readers are remembered."""


@dataclass(slots=True)
class Rulebook:
    """Indexes over the rules in force.

    rules: all of them. units: what is judged: rules, and for those of a cohort its lead (`cohorts`, by the
    lead's name). All other indexes but `by_name` are of units.

    by_type: event type -> those that name it. followers: kind -> those that watch it and want its changes.
    conditional: kind -> its `holds` rules. staged: kind -> its `enters` and `leaves` rules. instant: (event
    type, watched kind) -> `event` rules. silent: event type -> rules that it keeps quiet. implied: kind ->
    silences whose state follows from the entity until they fall due. joined: kind -> those that watch
    something else and read a joined entity of that kind, or reach it by way of such a one.
    """

    rules: tuple[Active, ...]
    units: tuple[Active, ...]
    cohorts: dict[str, Cohort]
    by_type: dict[str, tuple[Active, ...]]
    followers: dict[str, tuple[Active, ...]]
    joined: dict[str, tuple[Active, ...]]
    below: dict[str, tuple[Active, ...]]
    conditional: dict[str, Group]
    staged: dict[str, Group]
    instant: dict[tuple[str, str], Group]
    silent: dict[tuple[str, str], tuple[Active, ...]]
    customer: dict[str, tuple[Active, ...]]
    silencing: frozenset[str]
    implied: dict[str, tuple[Active, ...]]
    by_name: dict[str, Active]
    approving: dict[str, tuple[Active, ...]]
    heard: dict[str, frozenset[str]]
    all_plain: bool
    _interests: dict[tuple[str, str], Interest] = field(default_factory=dict)
    _reading: dict[tuple[str, frozenset[str] | None], tuple[Active, ...]] = field(default_factory=dict)

    def interest(self, type_: str, kind: str) -> Interest:
        """What the rules care about in an event of that type about that kind of entity."""
        found = self._interests.get((type_, kind))
        if found is None:
            found = self._interests[type_, kind] = self._interest(type_, kind)
        return found

    def reading(self, kind: str, changed: frozenset[str] | None) -> tuple[Active, ...]:
        """Rules that watch something else and read one of these fields of such an entity; None: any field."""
        found = self._reading.get((kind, changed))
        if found is None:
            if len(self._reading) == REMEMBERED:  # anybody may send fields of any name
                self._reading.clear()
            found = self._reading[kind, changed] = tuple(
                active
                for active in self.joined.get(kind, ())
                if changed is None or not changed.isdisjoint(active.reads_joined(kind))
            )
        return found

    def _interest(self, type_: str, kind: str) -> Interest:
        followers = self.followers.get(kind, ())
        joined = self.joined.get(kind, ())
        conditional, implied = self.conditional.get(kind), self.implied.get(kind, ())
        return Interest(
            conditional=conditional,
            staged=self.staged.get(kind),
            followers=followers,
            implied=implied,
            joined=joined,
            approving=kind in self.approving,
            instant={watch: group for (named, watch), group in self.instant.items() if named == type_},
            silent={watch: rules for (named, watch), rules in self.silent.items() if named == type_},
            named=self.by_type.get(type_, ()),
            customer=self.customer.get(type_, ()),
            heard=self.heard.get(type_, NOTHING) | self.heard.get(ANY, NOTHING),
            reads_above=frozenset().union(*(rule.joins for rule in self.units if rule.watch == kind)),
            below=self.below,
            leads=frozenset().union(*(rule.leads for rule in self.units if rule.watch == kind)),
            money=kind in MONEY,
            fields=bool(followers or joined or conditional or implied or kind in self.staged),
        )

    @classmethod
    def of(cls, rules: Sequence[Active]) -> Rulebook:
        """Index the rules."""
        cohorts = {
            name: Cohort.of(found)
            for name, found in _by([r for r in rules if r.cohort], lambda r: (r.cohort or "",)).items()
        }
        units = _units(rules, cohorts)
        silences = [rule for rule in units if isinstance(rule.trigger, SilentTrigger)]
        instants = [rule for rule in units if isinstance(rule.trigger, EventTrigger)]
        together = [rule for rule in units if _is_matched_together(rule, HoldsTrigger)]
        staged = [rule for rule in units if _is_matched_together(rule, StageTrigger)]
        following = [rule for rule in units if rule.trigger.follows_entity]
        grouped = {rule.name for rule in (*together, *staged)}
        alone = [rule for rule in following if rule.name not in grouped and rule.implied is None]
        others = [rule for rule in units if rule not in silences and rule not in instants]
        return cls(
            rules=tuple(rules),
            units=units,
            cohorts=cohorts,
            by_type=_by(others, lambda rule: rule.roles_of),
            followers=_by(alone, lambda rule: (rule.watch,)),
            joined=_by(units, lambda rule: rule.joins | rule.leads),
            below=_by([r for r in following if r.reads_below], lambda rule: (rule.watch,)),
            conditional=_groups(together),
            staged=_groups(staged),
            instant={k: Group(found) for k, found in _by(instants, _places).items()},
            silent=_by(silences, _places),
            customer=_by([r for r in silences if r.include_account], lambda rule: rule.roles_of),
            silencing=frozenset(type_ for rule in silences for type_ in rule.roles_of),
            implied=_by([r for r in units if r.implied is not None], lambda rule: (rule.watch,)),
            by_name={rule.name: rule for rule in (*rules, *units)},
            approving=_by([r for r in rules if r.approvals], lambda rule: (rule.watch,)),
            heard=_heard(units),
            all_plain=all(rule.plain_types == frozenset(rule.roles_of) for rule in silences),
        )


def _units(rules: Sequence[Active], cohorts: Mapping[str, Cohort]) -> tuple[Active, ...]:
    """Rules, each cohort's lead in the place of its first member."""
    found: dict[str, Active] = {}
    for rule in rules:
        unit = rule if rule.cohort is None else cohorts[rule.cohort].lead
        found.setdefault(unit.name, unit)
    return tuple(found.values())


def _groups(rules: Sequence[Active]) -> dict[str, Group]:
    return {kind: Group(found) for kind, found in _by(rules, lambda rule: (rule.watch,)).items()}


def _is_matched_together(rule: Active, trigger: type[Trigger]) -> bool:
    return isinstance(rule.trigger, trigger) and not rule.draining and not rule.others


def _places(rule: Active) -> Iterable[tuple[str, str]]:
    """(event type, watched kind) of every type the rule names."""
    return ((type_, rule.watch) for type_ in rule.roles_of)


def _by(rules: Iterable[Active], keys_of: Callable[[Active], Iterable[K]]) -> dict[K, tuple[Active, ...]]:
    """key -> the rules that have it, in their order."""
    found: dict[K, list[Active]] = {}
    for rule in rules:
        for key in keys_of(rule):
            found.setdefault(key, []).append(rule)
    return {key: tuple(listed) for key, listed in found.items()}


def _heard(rules: Sequence[Active]) -> dict[str, frozenset[str]]:
    """Event type -> kinds of entities whose rules hear of it from below; those of "" hear of every type."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        for type_ in [ANY] if rule.reads_below else rule.roles_of:
            found.setdefault(type_, set()).add(rule.watch)
    return {type_: frozenset(kinds) for type_, kinds in found.items()}
