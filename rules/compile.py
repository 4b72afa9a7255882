"""From a rule document to a `CompiledRule`: event types, kinds, fields, conditions, receivers and templates
checked.

One function per trigger, in one registry. All problems of a document are collected. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from rules.compiled import (
    CompiledRule,
    CompiledTrigger,
    DateTrigger,
    EventPattern,
    EventTrigger,
    HoldsTrigger,
    MissingAfterTrigger,
    MissingBeforeTrigger,
    Pairs,
    Patterns,
    SilentTrigger,
    StageTrigger,
    Within,
    patterns_of,
)
from rules.conditions.condition import ALWAYS, Condition, compile_tree
from rules.conditions.names import EntityNames, EventNames, Names, kind_of
from rules.conditions.scope import Path
from rules.conditions.values import DOMAIN_OF
from rules.document import ActionDoc, EventRef, MissingAfterDoc, RuleDoc
from rules.problems import Loc, Problem, did_you_mean, raise_all
from rules.receiver_names import check_receiver
from rules.templates import parse
from schemas.errors import RuleError
from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.fields import field_type
from schemas.time import Duration
from schemas.types import FieldType

Declared = Mapping[str, FieldType]

NOT_WATCHED = frozenset({"person", "team", "rate", "calendar", "source", "cost", "target"})
"""Kinds without a row of a customer: no rule can watch them."""

FOLDED = (".corrected", ".deleted")
"""Events that change earlier events; triggers see the result, never them."""

_MINUTE = 60_000_000


def compile_rule(
    doc: RuleDoc, *, version: int, declared: Declared | None = None, zone: ZoneInfo
) -> CompiledRule:
    """Compile one document.

    Args:
        version: assigned by the system, counted from 1 per rule id.
        declared: the workspace's own fields, `"kind.field"` -> type; their kinds may also be watched and
        named. zone: the organisation's.

    Raises:
        RuleErrors: everything that `check_rule` finds.
    """
    compiler = _Compiler(doc, declared or {})
    where = compiler.where()
    if compiler.knows_kind():
        trigger = compiler.trigger()
        compiler.actions()
    raise_all(compiler.problems)
    patterns = patterns_of(trigger)
    return CompiledRule(
        doc.rule,
        version,
        doc,
        doc.watch,
        where,
        trigger,
        patterns,
        _reads(doc, where, trigger),
        frozenset(name for pattern in patterns for name in pattern.types),
        zone,
    )


def check_rule(doc: RuleDoc, declared: Declared | None = None) -> list[Problem]:
    """Everything that is wrong with a well-formed document; empty when it compiles."""
    compiler = _Compiler(doc, declared or {})
    compiler.where()
    if compiler.knows_kind():
        compiler.trigger()
        compiler.actions()
    return compiler.problems


def _reads(doc: RuleDoc, where: Condition, trigger: CompiledTrigger) -> frozenset[Path]:
    """Paths of the entity and of what is joined to it; data of events is not among them."""
    found = {path for path in where.reads if path[0] not in ("event", "after")}
    for pattern in patterns_of(trigger):
        found |= {p for p in pattern.where.reads if len(p) > 1 and p[0] not in ("event", "after", "was")}
    if isinstance(trigger, DateTrigger):
        found.add(trigger.items or trigger.path)
    if isinstance(trigger, StageTrigger):
        found.add(("stage",))
    if isinstance(trigger, MissingAfterTrigger) and trigger.within.path and len(trigger.within.path) > 1:
        found.add(trigger.within.path)
    names = EntityNames(doc.watch, {})
    found |= {names.normal(tuple(a.approval.of.split("."))) for a in doc.then if a.approval}
    return frozenset(found)


def _types(refs: Iterable[EventRef]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for ref in refs for name in ref.type))


@dataclass(slots=True)
class _Compiler:
    """One document being compiled; problems are appended and something harmless is returned instead."""

    doc: RuleDoc
    declared: Declared
    problems: list[Problem] = field(default_factory=list)

    def where(self) -> Condition:
        """The rule's `where`, on the watched entity; `event.*` and `after.*` by the trigger's events."""
        if not self.knows_kind():
            step = did_you_mean(self.doc.watch, self._kinds())
            message = f"There is no entity `{self.doc.watch}` to watch"
            self.problem(("watch",), "SW-RULE-021", message, "a kind of entity", self.doc.watch, step)
            return ALWAYS
        return compile_tree(self.doc.where, self._names(), False, ("where",), self.problems)

    def trigger(self) -> CompiledTrigger:
        """The trigger, by the registry."""
        return _TRIGGERS[self.doc.when.trigger](self)

    def actions(self) -> None:
        """Receivers, fields and texts of the actions."""
        self._text(self.doc.title, ("title",))
        for i, action in enumerate(self.doc.then):
            self._action(action, ("then", i))

    def problem(self, loc: Loc, code: str, message: str, expected: str, found: str, step: str = "") -> None:
        self.problems.append(Problem(loc, code, message, expected, found, step))

    def patterns(self, refs: tuple[EventRef, ...], loc: Loc, after: tuple[str, ...] = ()) -> Patterns:
        """The patterns of named events; `after`: the types that `after.*` means in their `where`."""
        return tuple(self._pattern(ref, (*loc, i), after) for i, ref in enumerate(refs))

    def _pattern(self, ref: EventRef, loc: Loc, after: tuple[str, ...]) -> EventPattern:
        for i, name in enumerate(ref.type):
            self._event_type(name, (*loc, "type", i))
        names = EventNames(ref.type, self.declared, after)
        where = compile_tree(ref.where, names, True, (*loc, "where"), self.problems)
        return EventPattern(frozenset(ref.type), where)

    def _event_type(self, name: str, loc: Loc) -> None:
        own = {key.partition(".")[0] for key in self.declared}
        if name.endswith(FOLDED):
            step = "name the event that is corrected: rules see it as if it had been right from the start"
            self.problem(
                loc, "SW-RULE-020", f"No rule sees `{name}`", "an event of the vocabulary", name, step
            )
        elif name not in EVENT_MODELS and not (name.count(".") and kind_of(name) in own - set(KINDS)):
            step = did_you_mean(name, (known for known in EVENT_MODELS if not known.endswith(FOLDED)))
            step = step or "see the event vocabulary, or declare a field of its kind under [fields]"
            self.problem(loc, "SW-RULE-020", f"There is no event `{name}`", "a known event type", name, step)

    def knows_kind(self) -> bool:
        """Whether the watched kind is known; if it is not, none of its fields can be checked."""
        return self.doc.watch in self._kinds()

    def _kinds(self) -> set[str]:
        return (set(KINDS) | {key.partition(".")[0] for key in self.declared}) - NOT_WATCHED

    def _names(self) -> EntityNames:
        when = self.doc.when
        earlier = when.missing_after.after if when.missing_after else ()
        first = earlier or when.event or (when.silent.of if when.silent else ())
        first = first or (when.missing_before.event if when.missing_before else ())
        return EntityNames(self.doc.watch, self.declared, _types(first), _types(earlier))

    def field(self, name: str, names: Names, loc: Loc) -> tuple[Path, FieldType] | None:
        """The path and type of a name outside conditions, None (and a problem) when there is none."""
        path = tuple(name.split("."))
        normal = names.normal(path) if all(path) else path
        found = names.type_of(normal) if all(path) else None
        if found is None:
            step = did_you_mean(name, names.known())
            message = f"There is no field `{name}` here"
            self.problem(loc, "SW-RULE-032", message, "a known field", name, step)
            return None
        return normal, found

    def pairs(
        self,
        match: Iterable[tuple[str, str]],
        later: tuple[EventRef, ...],
        earlier: tuple[EventRef, ...],
        loc: Loc,
    ) -> Pairs:
        """The `match` fields: known to each pattern of their side, and comparable."""
        found = []
        for i, (left, other) in enumerate(match):
            right = other.removeprefix("after.")
            here = (*loc, i)
            sides = [self._side(left, later, here), self._side(right, earlier, here)]
            if None not in sides and len({DOMAIN_OF.get(side) for side in sides if side}) > 1:
                message = f"`{left}` is {sides[0]}, `{right}` is {sides[1]}"
                self.problem(here, "SW-RULE-022", message, "two fields of one type", f"{left}: {right}")
            found.append((tuple(left.split(".")), tuple(right.split("."))))
        return tuple(found)

    def _side(self, name: str, refs: tuple[EventRef, ...], loc: Loc) -> FieldType | None:
        types = [self.field(name, EventNames(ref.type, self.declared), loc) for ref in refs]
        return next((found[1] for found in types if found), None)

    def _action(self, action: ActionDoc, loc: Loc) -> None:
        if action.notify is not None:
            here = (*loc, "notify")
            self._receivers(action.notify.to, (*here, "to"))
            self._text(action.notify.subject, (*here, "subject"))
            self._text(action.notify.text, (*here, "text"))
        if action.task is not None:
            here = (*loc, "task")
            self._receivers((action.task.to,), (*here, "to"))
            self._text(action.task.title, (*here, "title"))
            self._text(action.task.text, (*here, "text"))
        if action.approval is not None:
            here = (*loc, "approval")
            self.field(action.approval.of, EntityNames(self.doc.watch, self.declared), (*here, "of"))
            for i, step in enumerate(action.approval.chain):
                name = "any" if step.any is not None else "all"
                self._receivers(step.any or step.all or (), (*here, "chain", i, name))
            self._text(action.approval.subject, (*here, "subject"))
            self._text(action.approval.text, (*here, "text"))

    def _receivers(self, names: tuple[str, ...], loc: Loc) -> None:
        for i, name in enumerate(names):
            try:
                check_receiver(name)
            except RuleError as error:
                self._again(error, (*loc, i))

    def _text(self, text: str | None, loc: Loc) -> None:
        if text is None:
            return
        names = self._names()

        def type_of(name: str) -> FieldType | None:
            path = tuple(name.split("."))
            return names.type_of(names.normal(path)) if all(path) else None

        try:
            parse(text, type_of, names.known())
        except RuleError as error:
            self._again(error, loc)

    def _again(self, error: RuleError, loc: Loc) -> None:
        """An error of another part, at its place in this document."""
        self.problem(loc, error.code, error.message, error.expected, error.found, error.next_step)


def _event(compiler: _Compiler) -> CompiledTrigger:
    return EventTrigger(compiler.patterns(compiler.doc.when.event or (), ("when", "event")))


def _holds(compiler: _Compiler) -> CompiledTrigger:
    holds = compiler.doc.when.holds
    if compiler.doc.where is None:
        message = "`holds` without `where` would always hold"
        compiler.problem(("when",), "SW-RULE-012", message, "where: a condition", "no where")
    length = holds.for_ if holds else Duration()
    return HoldsTrigger(length, holds.keep_firing_for if holds else Duration())


def _stage(compiler: _Compiler) -> CompiledTrigger:
    when = compiler.doc.when
    enters = when.enters is not None
    names = frozenset(when.enters or when.leaves or ())
    if field_type(compiler.doc.watch, ("stage",), compiler.declared) is None:
        message = f"`{compiler.doc.watch}` has no stages"
        step = "watch opportunity or lead"
        compiler.problem(("when", when.trigger), "SW-RULE-022", message, "an entity with stages", "", step)
    decisive = "decisive" in names
    return StageTrigger("enters" if enters else "leaves", names - {"decisive"}, decisive)


def _silent(compiler: _Compiler) -> CompiledTrigger:
    silent = compiler.doc.when.silent
    of = silent.of if silent else ()
    patterns = compiler.patterns(of, ("when", "silent", "of"))
    length = silent.for_ if silent else Duration()
    return SilentTrigger(patterns, length, silent is not None and silent.include == "account")


def _missing_after(compiler: _Compiler) -> CompiledTrigger:
    doc = compiler.doc.when.missing_after
    here = ("when", "missing_after")
    if doc is None:
        return MissingAfterTrigger((), (), Within(Duration()), (), "every")
    after = compiler.patterns(doc.after, (*here, "after"))
    expect = compiler.patterns(doc.expect, (*here, "expect"), _types(doc.after))
    pairs = compiler.pairs(doc.match, doc.expect, doc.after, (*here, "match"))
    return MissingAfterTrigger(after, expect, _within(compiler, doc, (*here, "within")), pairs, doc.each)


def _within(compiler: _Compiler, doc: MissingAfterDoc, loc: Loc) -> Within:
    if isinstance(doc.within, Duration):
        return Within(doc.within)
    found = compiler.field(doc.within, EventNames(_types(doc.after), compiler.declared), loc)
    if found is not None and found[1] is not FieldType.DURATION:
        message = f"`{doc.within}` is {found[1].value}"
        compiler.problem(loc, "SW-RULE-022", message, "a duration, or a duration field", doc.within)
    return Within(path=found[0] if found else None)


def _missing_before(compiler: _Compiler) -> CompiledTrigger:
    doc = compiler.doc.when.missing_before
    here = ("when", "missing_before")
    if doc is None:
        return MissingBeforeTrigger((), (), None, ())
    events = compiler.patterns(doc.event, (*here, "event"))
    requires = compiler.patterns(doc.requires, (*here, "requires"))
    pairs = compiler.pairs(doc.match, doc.event, doc.requires, (*here, "match"))
    return MissingBeforeTrigger(events, requires, doc.within, pairs)


def _date(compiler: _Compiler) -> CompiledTrigger:
    doc = compiler.doc.when.date
    here = ("when", "date", "field")
    if doc is None:
        return DateTrigger((), None, "before", Duration(), 0)
    path, items = _date_field(compiler, doc.field, here)
    hours, minutes = doc.at.split(":")
    clock = (int(hours) * 60 + int(minutes)) * _MINUTE
    if doc.before is not None:
        return DateTrigger(path, items, "before", doc.before, clock)
    return DateTrigger(path, items, "after", doc.after or Duration(), clock)


def _date_field(compiler: _Compiler, name: str, loc: Loc) -> tuple[Path, Path | None]:
    names = EntityNames(compiler.doc.watch, compiler.declared)
    path = names.normal(tuple(name.split(".")))
    head, last = path[:-1], path[-1]
    if head and names.type_of(head) is FieldType.LIST:
        found = names.items(head).get(last)
        path, items = (last,), head
    else:
        answer = compiler.field(name, names, loc)
        if answer is None:
            return path, None
        found, items = answer[1], ()
    if found not in (FieldType.DATE, FieldType.INSTANT):
        message = f"`{name}` is {found.value if found else 'not known'}"
        dates = [n for n in names.known() if names.type_of(tuple(n.split("."))) is FieldType.DATE]
        compiler.problem(loc, "SW-RULE-022", message, "a date field", name, did_you_mean(name, dates))
    return path, items or None


_TRIGGERS: dict[str, Callable[[_Compiler], CompiledTrigger]] = {
    "event": _event,
    "holds": _holds,
    "enters": _stage,
    "leaves": _stage,
    "silent": _silent,
    "missing_after": _missing_after,
    "missing_before": _missing_before,
    "date": _date,
}
