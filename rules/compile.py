"""From a rule document to a `CompiledRule`. All problems of a document are collected; nothing is judged
here.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from rules.compile_triggers import TRIGGERS
from rules.compiled import (
    CompiledRule,
    CompiledTrigger,
    DateTrigger,
    MissingAfterTrigger,
    StageTrigger,
    patterns_of,
)
from rules.compiler import Compiler, Declared
from rules.conditions.condition import Condition
from rules.conditions.names import EntityNames
from rules.conditions.scope import Path
from rules.document import RuleDoc
from rules.problems import Problem, raise_all


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
    compiler = Compiler(doc, declared or {})
    where = compiler.where()
    if compiler.knows_kind():
        trigger = TRIGGERS[doc.when.trigger](compiler)
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
    compiler = Compiler(doc, declared or {})
    compiler.where()
    if compiler.knows_kind():
        TRIGGERS[doc.when.trigger](compiler)
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
