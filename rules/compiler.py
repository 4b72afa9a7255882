"""What the compilation of rules has in common: one document, its names, and the problems found so far.

It checks event types, kinds, fields, receivers and texts; the triggers are in `compile_triggers.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rules.compiled import (
    EventPattern,
    Pairs,
    Patterns,
)
from rules.conditions.condition import ALWAYS, Condition, compile_tree
from rules.conditions.names import EntityNames, EventNames, Names, kind_of
from rules.conditions.scope import Path
from rules.conditions.values import DOMAIN_OF
from rules.document import ActionDoc, RuleDoc
from rules.problems import Loc, Problem, did_you_mean
from rules.receiver_names import check_receiver
from rules.templates import parse
from rules.when import EventRef
from schemas.errors import RuleError
from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.types import FieldType

Declared = Mapping[str, FieldType]

NOT_WATCHED = frozenset({"person", "team", "rate", "calendar", "source", "cost", "target"})
"""Kinds without a row of a customer: no rule can watch them."""

FOLDED = (".corrected", ".deleted")
"""Events that change earlier events; triggers see the result, never them."""


def types_of(refs: Iterable[EventRef]) -> tuple[str, ...]:
    """The event types of some references, each once, in order."""
    return tuple(dict.fromkeys(name for ref in refs for name in ref.type))


@dataclass(slots=True)
class Compiler:
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
        return EntityNames(self.doc.watch, self.declared, types_of(first), types_of(earlier))

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
