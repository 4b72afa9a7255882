"""One function per trigger of the rule language, in one registry: from its document to its compiled form."""

from __future__ import annotations

from collections.abc import Callable

from rules.compiled import (
    CompiledTrigger,
    DateTrigger,
    EventTrigger,
    HoldsTrigger,
    MissingAfterTrigger,
    MissingBeforeTrigger,
    SilentTrigger,
    StageTrigger,
    Within,
)
from rules.compiler import Compiler, types_of
from rules.conditions.names import EntityNames, EventNames
from rules.conditions.scope import Path
from rules.problems import Loc, did_you_mean
from rules.when import MissingAfterDoc
from schemas.fields import field_type
from schemas.time import Duration
from schemas.types import FieldType

_MINUTE = 60_000_000


def _event(compiler: Compiler) -> CompiledTrigger:
    return EventTrigger(compiler.patterns(compiler.doc.when.event or (), ("when", "event")))


def _holds(compiler: Compiler) -> CompiledTrigger:
    holds = compiler.doc.when.holds
    if compiler.doc.where is None:
        message = "`holds` without `where` would always hold"
        compiler.problem(("when",), "SW-RULE-012", message, "where: a condition", "no where")
    length = holds.for_ if holds else Duration()
    return HoldsTrigger(length, holds.keep_firing_for if holds else Duration())


def _stage(compiler: Compiler) -> CompiledTrigger:
    when = compiler.doc.when
    enters = when.enters is not None
    names = frozenset(when.enters or when.leaves or ())
    if field_type(compiler.doc.watch, ("stage",), compiler.declared) is None:
        message = f"`{compiler.doc.watch}` has no stages"
        step = "watch opportunity or lead"
        compiler.problem(("when", when.trigger), "SW-RULE-022", message, "an entity with stages", "", step)
    decisive = "decisive" in names
    return StageTrigger("enters" if enters else "leaves", names - {"decisive"}, decisive)


def _silent(compiler: Compiler) -> CompiledTrigger:
    silent = compiler.doc.when.silent
    of = silent.of if silent else ()
    patterns = compiler.patterns(of, ("when", "silent", "of"))
    length = silent.for_ if silent else Duration()
    # everything of a customer belongs to the customer itself: there is nothing to include
    account = silent is not None and silent.include == "account" and compiler.doc.watch != "account"
    return SilentTrigger(patterns, length, account)


def _missing_after(compiler: Compiler) -> CompiledTrigger:
    doc = compiler.doc.when.missing_after
    here = ("when", "missing_after")
    if doc is None:
        return MissingAfterTrigger((), (), Within(Duration()), (), "every")
    after = compiler.patterns(doc.after, (*here, "after"))
    expect = compiler.patterns(doc.expect, (*here, "expect"), types_of(doc.after))
    pairs = compiler.pairs(doc.match, doc.expect, doc.after, (*here, "match"))
    return MissingAfterTrigger(after, expect, _within(compiler, doc, (*here, "within")), pairs, doc.each)


def _within(compiler: Compiler, doc: MissingAfterDoc, loc: Loc) -> Within:
    if isinstance(doc.within, Duration):
        return Within(doc.within)
    found = compiler.field(doc.within, EventNames(types_of(doc.after), compiler.declared), loc)
    if found is not None and found[1] is not FieldType.DURATION:
        message = f"`{doc.within}` is {found[1].value}"
        compiler.problem(loc, "SW-RULE-022", message, "a duration, or a duration field", doc.within)
    return Within(path=found[0] if found else None)


def _missing_before(compiler: Compiler) -> CompiledTrigger:
    doc = compiler.doc.when.missing_before
    here = ("when", "missing_before")
    if doc is None:
        return MissingBeforeTrigger((), (), None, ())
    events = compiler.patterns(doc.event, (*here, "event"))
    requires = compiler.patterns(doc.requires, (*here, "requires"))
    pairs = compiler.pairs(doc.match, doc.event, doc.requires, (*here, "match"))
    return MissingBeforeTrigger(events, requires, doc.within, pairs)


def _date(compiler: Compiler) -> CompiledTrigger:
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


def _date_field(compiler: Compiler, name: str, loc: Loc) -> tuple[Path, Path | None]:
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


TRIGGERS: dict[str, Callable[[Compiler], CompiledTrigger]] = {
    "event": _event,
    "holds": _holds,
    "enters": _stage,
    "leaves": _stage,
    "silent": _silent,
    "missing_after": _missing_after,
    "missing_before": _missing_before,
    "date": _date,
}
