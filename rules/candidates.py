"""Which rules an event may concern: an immutable index, so that an event is judged by a few rules and not
by all.

A pick costs one hash lookup for the event type and one per changed field, one more per field that rules of
the bucket compare with `eq`, and then only the rules it finds (n log n for their order). Adding or removing
a rule copies the outer dict and the buckets of that rule alone; the old index stays as it was, one per
version.

The index never judges: it may name a rule that then does not match, never leave one out that could start. A
rule that has a run or an alert open on the entity must be judged whether it is picked or not; only the
owner of that state knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rules.compiled import CompiledRule, DateTrigger, HoldsTrigger, StageTrigger
from rules.conditions.condition import Condition
from rules.conditions.names import kind_of
from rules.conditions.scope import Path
from schemas.fields import target_kind

Get = Callable[[Path], object]
Key = tuple[str, ...]
Equality = tuple[Path, str | bool]
Found = dict[str, CompiledRule]

PRUNED = (HoldsTrigger, StageTrigger, DateTrigger)
"""Triggers that cannot start while `where` is false, and are picked again when a field of `where` changes."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rules in the order of their ids.

    named: they name the event's type, and the event fits what they compare with `eq`. own: they watch the
    event's entity, and a field they read has changed. joined: they read the changed field of another entity
    through a join (`account.tier`), so the entities below this one are to be judged.
    """

    named: tuple[CompiledRule, ...]
    own: tuple[CompiledRule, ...]
    joined: tuple[CompiledRule, ...]

    def all(self) -> tuple[CompiledRule, ...]:
        """Each rule once, in the order of their ids."""
        return _ordered({rule.id: rule for part in (self.named, self.own, self.joined) for rule in part})


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Rules under one key; those in `by` only when the field has the value."""

    plain: Found = field(default_factory=dict)
    by: Mapping[Path, Mapping[str | bool, Found]] = field(default_factory=dict)

    def pick(self, get: Get | None) -> Iterator[Found]:
        yield self.plain
        for path, values in self.by.items():
            if get is None:
                yield from values.values()
                continue
            value = get(path)
            if isinstance(value, (str, bool)) and value in values:
                yield values[value]

    def with_rule(self, rule: CompiledRule, equality: Equality | None) -> _Bucket:
        if equality is None:
            return _Bucket({**self.plain, rule.id: rule}, self.by)
        path, value = equality
        values = self.by.get(path, {})
        found = {**values.get(value, {}), rule.id: rule}
        return _Bucket(self.plain, {**self.by, path: {**values, value: found}})

    def without(self, rule_id: str) -> _Bucket:
        by = {
            path: {value: left for value, found in values.items() if (left := _less(found, rule_id))}
            for path, values in self.by.items()
        }
        return _Bucket(_less(self.plain, rule_id), {path: values for path, values in by.items() if values})

    def __bool__(self) -> bool:
        return bool(self.plain) or bool(self.by)


_EMPTY = _Bucket()


class CandidateIndex:
    """The enabled rules of one version of the rule set.

    >>> CandidateIndex(()).pick("opportunity.created", None).all()
    ()
    """

    __slots__ = ("_buckets", "rules")

    def __init__(self, rules: Iterable[CompiledRule] = ()) -> None:
        self.rules: Mapping[str, CompiledRule] = {}
        self._buckets: dict[Key, _Bucket] = {}
        for rule in rules:
            self._add(rule)

    def with_rule(self, rule: CompiledRule) -> CandidateIndex:
        """A new index with the rule, in place of another version of it; a disabled one is only taken out."""
        index = self.without(rule.id)
        if rule.doc.enabled:
            index._add(rule)
        return index

    def without(self, rule_id: str) -> CandidateIndex:
        """A new index without the rule; the same rules when it is not there."""
        index = CandidateIndex()
        index.rules = dict(self.rules)
        index._buckets = dict(self._buckets)
        rule = index.rules.pop(rule_id, None)
        for key in {key for key, _ in _entries(rule)} if rule else ():
            left = index._buckets[key].without(rule_id)
            if left:
                index._buckets[key] = left
            else:
                del index._buckets[key]
        return index

    def _add(self, rule: CompiledRule) -> None:
        if not rule.doc.enabled:
            return
        self.rules = {**self.rules, rule.id: rule}
        for key, equality in _entries(rule):
            self._buckets[key] = self._buckets.get(key, _EMPTY).with_rule(rule, equality)

    def pick(
        self,
        event_type: str,
        changed: Iterable[str] | None,
        *,
        kind: str | None = None,
        get: Get | None = None,
        data: Mapping[str, object] | None = None,
    ) -> Candidates:
        """The rules that an event may concern.

        Args:
            event_type: of the event.
            kind: of its entity; default the part of the type before the last dot.
            changed: names of the entity's own fields that it changed, derived ones included; None for all
            of them (a new entity, an enrolment).
            get: raw values of the entity after the event, by path as of `Scope.get`; without it nothing is
            pruned. data: the event's data; without it patterns are not pruned.
        """
        kind = kind or kind_of(event_type)
        get_data = None if data is None else lambda path: data.get(path[0])
        named = self._find(("event", event_type), get_data)
        if changed is None:
            return Candidates(
                _ordered(named),
                _ordered(self._find(("kind", kind), get)),
                _ordered(self._find(("joined", kind), None)),
            )
        fields = list(changed)
        own: Found = {}
        joined: Found = {}
        for name in fields:
            own.update(self._find(("field", kind, name), get))
            joined.update(self._find(("joined", kind, name), None))
        return Candidates(_ordered(named), _ordered(own), _ordered(joined))

    def watching(self, kind: str) -> tuple[CompiledRule, ...]:
        """All rules that watch the kind."""
        return _ordered(self._find(("kind", kind), None))

    def _find(self, key: Key, get: Get | None) -> Found:
        bucket = self._buckets.get(key)
        found: Found = {}
        if bucket is not None:
            for part in bucket.pick(get):
                found.update(part)
        return found


def _ordered(found: Found) -> tuple[CompiledRule, ...]:
    return tuple(found[rule_id] for rule_id in sorted(found))


def _less(found: Found, rule_id: str) -> Found:
    return {key: rule for key, rule in found.items() if key != rule_id}


def _entries(rule: CompiledRule) -> Iterator[tuple[Key, Equality | None]]:
    """Where a rule stands in the index."""
    for pattern in rule.patterns:
        equality = _equality(pattern.where, lambda path: len(path) == 1)
        for event_type in sorted(pattern.types):
            yield ("event", event_type), equality
    own = _equality(rule.where, _of_entity) if isinstance(rule.trigger, PRUNED) else None
    yield ("kind", rule.kind), own
    for path in sorted(rule.reads):
        steps = list(_steps(rule.kind, path))
        if steps:
            yield ("field", rule.kind, steps[0][1]), own
        for kind, name in steps[1:]:
            yield ("joined", kind), None
            yield ("joined", kind, name), None


def _of_entity(path: Path) -> bool:
    return path[0] not in ("was", "event", "after")


def _equality(condition: Condition, fits: Callable[[Path], bool]) -> Equality | None:
    """One of the condition's equalities, always the same one."""
    found = sorted((pair for pair in condition.equalities if fits(pair[0])), key=repr)
    return found[0] if found else None


def _steps(kind: str, path: Path) -> Iterator[tuple[str, str]]:
    """(kind, field) of every field that a path goes through: `owner.region` reads the owner, then their
    region.

    `was` is the same entity; data of events belongs to no entity.
    """
    for name in path:
        if name in ("event", "after"):
            return
        if name != "was":
            yield kind, name
            kind = target_kind(kind, name) or kind
