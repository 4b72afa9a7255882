"""Compiles the rules of the partition's shared rows: bucket `rule`, id -> {text, v, at, on, old}.

Compiling is memoised by content, so an edit compiles its own rule only, and once for all partitions of a
process. It must not judge anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from rules.compile import compile_rule
from rules.compiled import CompiledRule
from rules.compiled import SilentTrigger as SilentSpec
from rules.conditions.condition import ALWAYS
from rules.document import RuleDoc
from rules.load import load_rules
from rules.problems import RuleErrors
from rules.triggers.base import Trigger
from rules.triggers.build import build
from rules.triggers.holds import HoldsTrigger
from rules.triggers.silent import SilentTrigger
from schemas.errors import RuleError
from schemas.fields import FieldType
from schemas.time import Duration
from streams.machines.account import compiled_actions
from streams.machines.account.entities import PARENT_FIELDS
from streams.machines.account.rulebook import (
    BELOW,
    JOINABLE,
    OWNING,
    SHARED_RUN,
    Active,
    Pattern,
)

Key = tuple[
    str, str, int, int, tuple[tuple[str, str], ...], tuple[tuple[str, int, tuple[str, ...]], ...], str
]
"""Everything that a compiled rule follows from: see `_compiled`."""

_IN_USE: WeakValueDictionary[Key, Active] = WeakValueDictionary()
"""Compiled rules that some partition holds: all partitions of a process have the same rules."""


class Compiler:
    """Compiles rules and remembers what the last round used: an edit compiles its own rule only, and versions
    that are gone are forgotten.
    """

    def __init__(self) -> None:
        self._last: dict[Key, Active | None] = {}
        self._now: dict[Key, Active | None] = {}

    def begin(self) -> None:
        """A new round: what it does not ask for is forgotten at the next one."""
        self._last, self._now = self._now, {}

    def version(self, row: Mapping[str, Any], rule: str, settings: Mapping[str, Any]) -> Active | None:
        """One version of a rule, compiled; None when its text says `enabled: false`."""
        declared = tuple(sorted(settings.get("fields", {}).items()))
        sources = tuple(
            (name, int(spec.get("arrives_within", 0)), tuple(spec.get("types", ())))
            for name, spec in sorted(settings.get("sources", {}).items())
        )
        zone = settings.get("zone", "Asia/Shanghai")
        key = (row["text"], rule, row["v"], row["at"], declared, sources, zone)
        if key not in self._now:
            self._now[key] = self._last[key] if key in self._last else self._compile(key)
        return self._now[key]

    @staticmethod
    def _compile(key: Key) -> Active | None:
        """Compiled here, or by another partition that has it in use."""
        found = _IN_USE.get(key)
        if found is None:
            found = _compiled(*key)
            if found is not None:
                _IN_USE[key] = found
        return found


def activate(
    row: Mapping[str, Any], rule: str, settings: Mapping[str, Any], compiler: Compiler
) -> list[Active]:
    """The rule of a shared row, compiled, with its former versions that may still have open runs.

    Empty while it is switched off. Former versions are draining: they finish what they began (`keep`).
    """
    current = compiler.version(row, rule, settings) if row["on"] else None
    if current is None:
        return []
    if current.reset or current.recompute:
        return [current]
    former = [
        _former(old, o.get("alone", 0))
        for o in row.get("old", ())
        if o["v"] not in row.get("idle", ())
        if (old := compiler.version(o, rule, settings)) is not None
    ]
    if not former:
        return [current]
    current = replace(
        current,
        implied=None,
        cohort=None,
        summary=_summary(current.trigger, None),
        others=tuple(old.name for old in former),
    )
    return [*(replace(old, successor=current) for old in former), current]


def _former(old: Active, alone: int) -> Active:
    """A former version, which ends what it began; alone: it was the first, and shared its runs then."""
    return replace(
        old,
        draining=True,
        implied=None,
        was_implied=old.implied if alone else None,
        cohort=None,
        was_cohort=old.cohort if alone else None,
        summary=_summary(old.trigger, None),
    )


def other_rule(rule: str, found: Sequence[str]) -> RuleError:
    """The text that was sent for a rule is of another one."""
    return RuleError(
        "SW-RULE-016",
        place=rule,
        expected=f"rule: {rule}",
        found=", ".join(found) or "no rule",
        next_step="send every rule under its own id",
    )


def _compiled(
    text: str,
    rule: str,
    version: int,
    since: int,
    declared_items: tuple[tuple[str, str], ...],
    sources: tuple[tuple[str, int, tuple[str, ...]], ...],
    zone: str,
) -> Active | None:
    declared = {name: FieldType(kind) for name, kind in declared_items}
    docs = load_rules(text, rule, declared_fields=declared)
    doc = next((d for d in docs if d.rule == rule), None)
    if doc is None:
        raise RuleErrors([other_rule(rule, [d.rule for d in docs])])
    if not doc.enabled:
        return None
    compiled = compile_rule(doc, version=version, declared=declared, zone=ZoneInfo(zone))
    return _active(compiled, since, declared, sources)


def _active(
    rule: CompiledRule,
    since: int,
    declared: Mapping[str, FieldType],
    sources: Sequence[tuple[str, int, Sequence[str]]],
) -> Active:
    doc = rule.doc
    built = build(rule.trigger)
    roles: dict[str, list[tuple[str, Pattern]]] = {}
    for role, patterns in built.roles.items():
        for pattern in patterns:
            reads_opened = any(path[0] == "after" for path in pattern.where.reads)
            for type_ in sorted(pattern.types):
                roles.setdefault(type_, []).append((role, Pattern(pattern.where, reads_opened)))
    reads_owner = any(path[0] == "owner" for path in rule.reads)
    steps = frozenset(pair for path in rule.reads for pair in pairwise(path))
    heads = {head for head, _ in steps}
    inherits = any("owner" in path for path in rule.reads)
    joins = frozenset((heads & JOINABLE) | (OWNING - {doc.watch} if inherits else frozenset()))
    last = {path[-1] for path in rule.reads}
    awaited = _awaited(doc, built.trigger, roles, sources)
    grace = doc.grace.us if doc.grace is not None else max((within for _, within in awaited), default=0)
    cohort = _cohort(rule, built.trigger, f"{grace}{awaited}")
    return Active(
        name=f"{rule.id}@{rule.version}",
        id=rule.id,
        version=rule.version,
        since=since,
        title=doc.title,
        watch=doc.watch,
        severity=doc.severity,
        where=rule.where,
        trigger=built.trigger,
        reason=built.reason,
        roles_of={type_: tuple(found) for type_, found in roles.items()},
        match_fields=built.earlier,
        grace=grace,
        awaited=awaited,
        once_per=doc.once_per,
        remind=None if doc.remind is None else str(doc.remind),
        enrol_new=doc.enrol == "new",
        reset=doc.state_on_edit == "reset" and rule.version > 1,
        recompute=doc.state_on_edit == "recompute",
        include_account=isinstance(rule.trigger, SilentSpec) and rule.trigger.account,
        notifies=tuple(compiled_actions.notify(a.notify, doc, declared) for a in doc.then if a.notify),
        tasks=tuple(compiled_actions.task(a.task, doc, declared) for a in doc.then if a.task),
        approvals=tuple(compiled_actions.approval(a.approval, doc, declared) for a in doc.then if a.approval),
        joins=joins,
        reads=frozenset(path[0] for path in rule.reads if path[0] not in ("owner", "was", "event", "after"))
        | (frozenset({"owner", "by"}) if reads_owner else frozenset())
        | (PARENT_FIELDS if joins - {"account"} else frozenset()),
        cohort=cohort,
        summary=_summary(built.trigger, cohort),
        implied=_implied(rule, roles),
        plain_types=_plain(roles) if isinstance(rule.trigger, SilentSpec) else frozenset(),
        joined_reads=steps | (frozenset((kind, "owner") for kind in OWNING) if inherits else frozenset()),
        reads_was=any(path[0] in ("was", "event") for path in rule.where.reads),
        reads_below=bool(last & BELOW),
        reads_owner=reads_owner,
    )


_SUMMARY: Mapping[type, str] = {HoldsTrigger: "hs", SilentTrigger: "lv"}


def _summary(trigger: Trigger, cohort: str | None) -> str | None:
    """The list on the entity's row that names the rule while it has something under way."""
    return _SUMMARY.get(type(trigger)) if cohort is None else "ow"


def _cohort(rule: CompiledRule, trigger: Trigger, grace: str) -> str | None:
    """Name of the row that rules of the same trigger share; None when it may not share.

    What decides how a run goes must be the same: what is watched, the whole of `when`, the grace, and that
    the rule takes in what was there before. `where` may not change by time alone: that would be a run of
    its own.
    """
    doc = rule.doc
    timed = rule.where.time_dependent or any(path[0] == "overdue_amount" for path in rule.reads)
    fresh = doc.enrol == "existing" and (doc.state_on_edit == "keep" or rule.version == 1)
    if not trigger.shares_runs or timed or not fresh or doc.state_on_edit == "recompute":
        return None
    text = f"{doc.watch}|{doc.when.model_dump_json()}|{grace}"
    return f"{SHARED_RUN}{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _implied(rule: CompiledRule, roles: Mapping[str, Sequence[tuple[str, Pattern]]]) -> Duration | None:
    """How long the silence lasts, when its state follows from the entity's opening and its latest matches."""
    spec = rule.trigger
    if not isinstance(spec, SilentSpec) or spec.account or _plain(roles) != frozenset(roles):
        return None
    return spec.for_ if rule.doc.enrol == "existing" else None


def _plain(roles: Mapping[str, Sequence[tuple[str, Pattern]]]) -> frozenset[str]:
    """Event types that match by their type alone."""
    return frozenset(t for t, found in roles.items() if any(p.where is ALWAYS for _, p in found))


def _awaited(
    doc: RuleDoc,
    trigger: Trigger,
    roles: Mapping[str, object],
    sources: Sequence[tuple[str, int, Sequence[str]]],
) -> tuple[tuple[str, int], ...]:
    """(source, us) that the verdict waits for: for absences all that send events it names, unless the rule
    says itself how long it waits.
    """
    if doc.grace is not None or not trigger.awaits_sources:
        return ()
    return tuple(
        (name, within) for name, within, types in sources if within and (not types or set(types) & set(roles))
    )
