"""The rules in force, indexed: which of them care about an event, a changed field, a joined entity.

Built anew when rules or settings change; everything here is immutable and derived from the `Active` rules.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rules.conditions.scope import Scope
from rules.matching.choose import matcher
from rules.triggers.event import EventTrigger
from rules.triggers.holds import HoldsTrigger
from rules.triggers.silent import SilentTrigger
from schemas.events.registry import EVENT_MODELS
from streams.machines.account.rulebook import Active

K = TypeVar("K", bound=Hashable)


class Group:
    """Rules whose `where` is matched together, by durable-rules.

    reads: fields of the watched entity that any of them reads. always: some must be matched at every
    event of the entity (they read `was.*` or `event.*`).
    """

    __slots__ = ("_matcher", "always", "reads", "rules", "timed")

    def __init__(self, rules: Sequence[Active]) -> None:
        self.rules = tuple(rules)
        self.reads = frozenset(name for rule in rules for name in rule.reads)
        self.always = any(rule.reads_was for rule in rules)
        self.timed = tuple(rule for rule in rules if rule.time_dependent)
        self._matcher = matcher([rule.where for rule in rules])

    def matching(self, scope: Scope) -> list[Active]:
        """The rules whose `where` holds."""
        return [self.rules[index] for index in sorted(self._matcher.match(scope))]


@dataclass(slots=True)
class Rulebook:
    """Indexes over the rules in force.

    by_type: event type -> rules that name it. followers: kind -> rules that watch it and want its changes.
    conditional: kind -> its `holds` rules. instant: (event type, watched kind) -> `event` rules. silent:
    event type
    -> rules that it keeps quiet. implied: kind -> silences whose state follows from the entity until they
    fall due.
    joined: kind -> rules that watch something else and read a joined entity of that kind.
    """

    rules: tuple[Active, ...]
    by_type: dict[str, tuple[Active, ...]]
    followers: dict[str, tuple[Active, ...]]
    joined: dict[str, tuple[Active, ...]]
    below: dict[str, tuple[Active, ...]]
    conditional: dict[str, Group]
    instant: dict[tuple[str, str], Group]
    silent: dict[tuple[str, str], tuple[Active, ...]]
    customer: dict[str, tuple[Active, ...]]
    silencing: frozenset[str]
    implied: dict[str, tuple[Active, ...]]
    by_name: dict[str, Active]
    approving: dict[str, tuple[Active, ...]]
    heard: dict[str, frozenset[str]]
    all_plain: bool

    @classmethod
    def of(cls, rules: Sequence[Active]) -> Rulebook:
        """Index the rules."""
        silences = [rule for rule in rules if isinstance(rule.trigger, SilentTrigger)]
        instants = [rule for rule in rules if isinstance(rule.trigger, EventTrigger)]
        together = [rule for rule in rules if _is_matched_together(rule)]
        following = [rule for rule in rules if rule.trigger.follows_entity]
        alone = [rule for rule in following if rule not in together]
        others = [rule for rule in rules if rule not in silences and rule not in instants]
        return cls(
            rules=tuple(rules),
            by_type=_by(others, lambda rule: rule.roles_of),
            followers=_by(alone, lambda rule: (rule.watch,)),
            joined=_by(rules, lambda rule: rule.joins),
            below=_by([r for r in following if r.reads_below], lambda rule: (rule.watch,)),
            conditional={k: Group(found) for k, found in _by(together, lambda rule: (rule.watch,)).items()},
            instant={k: Group(found) for k, found in _by(instants, _places).items()},
            silent=_by(silences, _places),
            customer=_by([r for r in silences if r.include_account], lambda rule: rule.roles_of),
            silencing=frozenset(type_ for rule in silences for type_ in rule.roles_of),
            implied=_by([r for r in rules if r.implied is not None], lambda rule: (rule.watch,)),
            by_name={rule.name: rule for rule in rules},
            approving=_by([r for r in rules if r.approvals], lambda rule: (rule.watch,)),
            heard=_heard(rules),
            all_plain=all(rule.plain_types == frozenset(rule.roles_of) for rule in silences),
        )


def _is_matched_together(rule: Active) -> bool:
    return isinstance(rule.trigger, HoldsTrigger) and not rule.draining and not rule.others


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
    """Event type -> kinds of entities whose rules hear of it from below."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        if rule.roles_of or rule.reads_below:
            for type_ in rule.roles_of if not rule.reads_below else EVENT_MODELS:
                found.setdefault(type_, set()).add(rule.watch)
    return {type_: frozenset(kinds) for type_, kinds in found.items()}
