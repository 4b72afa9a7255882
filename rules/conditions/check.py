"""From the document of a condition to its checked tree: names, types, operators and values. Collects
problems.

Every problem is found when the rule is checked; nothing here is left for the time of judgement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.conditions import operators
from rules.conditions.literals import WORDS, hint, literal
from rules.conditions.model import ConditionDoc, FieldOperand
from rules.conditions.names import ItemNames, Names
from rules.conditions.operands import Constant, Operand, Today, other, parse_today
from rules.conditions.operators import OPERATORS_OF, Answering
from rules.conditions.patterns import PatternError
from rules.conditions.scope import Path
from rules.conditions.tree import Group, Leaf, ListLeaf, Node, Not
from rules.conditions.values import DOMAIN_OF, Domain, Reader, reader
from rules.problems import Loc, Problem, did_you_mean
from schemas.errors import RuleError, show
from schemas.time import is_date
from schemas.types import FieldType

LISTS = frozenset({"in", "not_in", "between"})
"""Operators whose value is a list."""


@dataclass(frozen=True, slots=True)
class Field:
    """A name that was found."""

    name: str
    path: Path
    type: FieldType


@dataclass(slots=True)
class Checker:
    """Walks one condition. in_event: bare names are an event's, where an absent field is unchanged."""

    in_event: bool
    problems: list[Problem] = field(default_factory=list)

    def node(self, doc: ConditionDoc, names: Names, loc: Loc) -> Node | None:
        """The tree of a document, None when it (or a part of it) has a problem."""
        if doc.field is not None:
            return self._leaf(doc, names, loc)
        if doc.not_ is not None:
            child = self.node(doc.not_, names, (*loc, "not"))
            return None if child is None else Not(child)
        if doc.any_of is not None or doc.all_of is not None:
            return self._list(doc, names, loc)
        kind = "all" if doc.all is not None else "any"
        parts = [self.node(part, names, (*loc, kind, i)) for i, part in enumerate(doc.all or doc.any or ())]
        found = tuple(part for part in parts if part is not None)
        return Group(kind, found) if len(found) == len(parts) else None

    def field(self, name: str, names: Names, loc: Loc) -> Field | None:
        """The field that a name means; a problem with a suggestion when there is none."""
        path = tuple(name.split("."))
        normal = names.normal(path) if all(path) else path
        found = names.type_of(normal) if all(path) else None
        if found is not None:
            return Field(name, normal, found)
        step = did_you_mean(name, names.known()) or "see the event vocabulary, or declare it under [fields]"
        self._problem(loc, "SW-RULE-032", f"There is no field `{name}` here", "a known field", name, step)
        return None

    def _problem(self, loc: Loc, code: str, message: str, expected: str, found: object, step: str) -> None:
        self.problems.append(Problem(loc, code, message, expected, show(found), step))

    def _list(self, doc: ConditionDoc, names: Names, loc: Loc) -> Node | None:
        kind, name = ("any_of", doc.any_of) if doc.any_of is not None else ("all_of", doc.all_of)
        found = self.field(name or "", names, (*loc, kind))
        if found is None or doc.where is None:
            return None
        items = names.items(found.path)
        if found.type is not FieldType.LIST or not items:
            what = "a list of plain values" if found.type is FieldType.LIST else found.type.value
            step = "for a list of plain values use `contains`"
            self._problem((*loc, kind), "SW-RULE-036", f"`{name}` is {what}", "a list of objects", name, step)
            return None
        inner = self.node(doc.where, ItemNames(names, found.path, items), (*loc, "where"))
        return None if inner is None else ListLeaf(kind, found.path, found.name, inner)

    def _leaf(self, doc: ConditionDoc, names: Names, loc: Loc) -> Leaf | None:
        found, op = self.field(doc.field or "", names, (*loc, "field")), doc.op or ""
        if found is None:
            return None
        fits = OPERATORS_OF[found.type]
        if op not in fits:
            message = f"`{op}` cannot be used on `{found.name}`, which is {found.type.value}"
            step = did_you_mean("", fits)
            self._problem((*loc, "op"), "SW-RULE-033", message, f"one of {', '.join(sorted(fits))}", op, step)
            return None
        return _LeafMaker(self, doc, found, names, loc).leaf()

    def wrong_value(self, loc: Loc, message: str, expected: str, value: object, step: str = "") -> None:
        """A value that does not fit its field."""
        self._problem(loc, "SW-RULE-034", message, expected, value, step)

    def wrong_pattern(self, loc: Loc, pattern: str, error: PatternError) -> None:
        """A pattern that RE2 does not take."""
        step = "patterns are RE2: no look-around and no back-references"
        self._problem(loc, "SW-RULE-035", f"The pattern is refused: {error}", "an RE2 pattern", pattern, step)


@dataclass(slots=True)
class _LeafMaker:
    """Makes one leaf whose field and operator are already known to fit."""

    check: Checker
    doc: ConditionDoc
    field: Field
    names: Names
    loc: Loc

    @property
    def op(self) -> str:
        return self.doc.op or ""

    def leaf(self) -> Leaf | None:
        path = self.field.path
        if self.op == "is_set":
            return Leaf(self.doc, path, self.op, operators.is_set(path), reads=(path,))
        if self.op == "is_empty":
            return Leaf(self.doc, path, self.op, operators.is_empty(path), reads=(path,))
        if self.op == "changed":
            return self._changed()
        if self.op in ("contains", "starts_with", "matches"):
            return self._text_or_list()
        return self._compared()

    def _changed(self) -> Leaf | None:
        path, domain = self.field.path, DOMAIN_OF.get(self.field.type)
        if self.names.type_of(("was", *path)) is None:
            message = f"`changed` needs a field of the watched entity, `{self.field.name}` has no past here"
            self.check.wrong_value((*self.loc, "field"), message, "a bare field", self.field.name)
            return None
        domain = Domain.NUMBER if domain is Domain.MONEY else domain
        now = reader(path, domain) if domain else None
        was = reader(("was", *path), domain) if domain else None
        answer = operators.changed(path, now, was, self.check.in_event)
        return Leaf(self.doc, path, self.op, answer, reads=(path, ("was", *path)))

    def _text_or_list(self) -> Leaf | None:
        path, value, loc = self.field.path, self.doc.value, (*self.loc, "value")
        if self.field.type is FieldType.LIST:
            if isinstance(value, (tuple, FieldOperand)) or value is None:
                self.check.wrong_value(loc, "`contains` looks for one value", "a literal", value)
                return None
            return Leaf(self.doc, path, self.op, operators.contains_item(path, value), reads=(path,))
        if not isinstance(value, str):
            self.check.wrong_value(
                loc, f"`{self.op}` needs a text", "a text", value, hint(value, Domain.TEXT)
            )
            return None
        answer = self._text_answer(value, loc)
        return answer and Leaf(self.doc, path, self.op, answer, Domain.TEXT, reads=(path,))

    def _text_answer(self, value: str, loc: Loc) -> Answering | None:
        read = reader(self.field.path, Domain.TEXT)
        if self.op == "contains":
            return operators.contains_text(read, value)
        if self.op == "starts_with":
            return operators.starts_with(read, value)
        try:
            return operators.matches(read, value)
        except PatternError as error:
            self.check.wrong_pattern(loc, value, error)
            return None

    def _compared(self) -> Leaf | None:
        values = self._values()
        if values is None:
            return None
        domain = self._domain(values)
        operands = [self._operand(value, domain, loc) for value, loc in values]
        found = tuple(operand for operand in operands if operand is not None)
        if len(found) < len(operands):
            return None
        path = self.field.path
        currencies = self.names.currencies(path) if domain is Domain.MONEY else ()
        read = reader(path, domain, currencies)
        others = tuple(o.path for o in found if not isinstance(o, (Constant, Today)))
        rated = domain is Domain.MONEY
        return Leaf(
            self.doc,
            path,
            self.op,
            self._answer(read, found, rated),
            domain,
            read,
            found,
            (path, *currencies, *others, *(c for p in others for c in self.names.currencies(p) if rated)),
            rated,
        )

    def _answer(self, read: Reader, operands: tuple[Operand, ...], rated: bool) -> Answering:
        if self.op == "between":
            return operators.between(read, operands[0], operands[1])
        if self.op not in ("in", "not_in"):
            return operators.comparison(self.op, read, operands[0], rated)
        keys = frozenset(o.key for o in operands if isinstance(o, Constant))
        if rated or not all(isinstance(o, Constant) for o in operands):
            return operators.membership(self.op, read, operands)
        return operators.fixed_membership(self.op, read, keys)

    def _values(self) -> list[tuple[object, Loc]] | None:
        """The values with their places; a problem when a list is wanted and there is none, or the other
        way.
        """
        value, loc = self.doc.value, (*self.loc, "value")
        if (self.op in LISTS) is not isinstance(value, tuple):
            wanted = "a list" if self.op in LISTS else "one value"
            step = "write [a, b]" if self.op in LISTS else "for several values use `in`"
            self.check.wrong_value(loc, f"`{self.op}` needs {wanted}", wanted, value, step)
            return None
        if not isinstance(value, tuple):
            return [(value, loc)]
        count = len(value)
        if count == 0 or (self.op == "between" and count != 2):
            wanted = "two values: [least, most]" if self.op == "between" else "at least one value"
            self.check.wrong_value(loc, f"`{self.op}` has {count} values", wanted, value)
            return None
        return [(item, (*loc, i)) for i, item in enumerate(value)]

    def _domain(self, values: list[tuple[object, Loc]]) -> Domain:
        """The field's own domain; times are compared by their day as soon as one value is a day."""
        domain = DOMAIN_OF[self.field.type]
        if domain in (Domain.INSTANT, Domain.DAY) and any(self._is_day(value) for value, _ in values):
            return Domain.DAY
        return domain

    def _is_day(self, value: object) -> bool:
        if isinstance(value, FieldOperand):
            path = tuple(value.field.split("."))
            return all(path) and self.names.type_of(self.names.normal(path)) is FieldType.DATE
        return isinstance(value, str) and (is_date(value) or value.lstrip().startswith("today"))

    def _operand(self, value: object, domain: Domain, loc: Loc) -> Operand | None:
        if isinstance(value, FieldOperand):
            return self._other(value, domain, loc)
        operand = literal(value, domain)
        if operand is None:
            expected = WORDS[domain]
            message = f"`{self.field.name}` is {self.field.type.value}, the value is not"
            self.check.wrong_value(loc, message, expected, value, hint(value, domain) or _today_hint(value))
        return operand

    def _other(self, value: FieldOperand, domain: Domain, loc: Loc) -> Operand | None:
        found = self.check.field(value.field, self.names, (*loc, "field"))
        if found is None:
            return None
        if not _comparable(domain, found.type):
            message = f"`{self.field.name}` is {self.field.type.value}, `{found.name}` is {found.type.value}"
            self.check.wrong_value((*loc, "field"), message, WORDS[domain], found.name)
            return None
        numeric = domain in (Domain.NUMBER, Domain.MONEY)
        if not numeric and (value.times is not None or value.plus is not None):
            step = "leave `times` and `plus` out"
            self.check.wrong_value(
                loc, "Only numbers are multiplied or added to", "{field: path}", value, step
            )
            return None
        own = Domain.NUMBER if found.type is FieldType.NUMBER else domain
        currencies = self.names.currencies(found.path) if found.type is FieldType.MONEY else ()
        return other(found.path, reader(found.path, own, currencies), value.times, value.plus)


def _comparable(domain: Domain, found: FieldType) -> bool:
    """Money may be compared with a plain number (base currency), a day with a time (by its local date)."""
    other_domain = DOMAIN_OF.get(found)
    if domain is Domain.MONEY:
        return other_domain in (Domain.MONEY, Domain.NUMBER)
    if domain is Domain.DAY:
        return other_domain in (Domain.DAY, Domain.INSTANT)
    return other_domain is domain


def _today_hint(value: object) -> str:
    """Why a value that begins with `today` is none."""
    if not isinstance(value, str) or not value.lstrip().startswith("today"):
        return ""
    try:
        parse_today(value)
    except RuleError as error:
        return error.next_step
    return "move today by whole days: today+7d, today-2w, today+1mo"
