"""A condition says what a plain reading of its document says, explains the same and asks what it declares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from rules.conditions.scope import MappingScope, Path, walk
from rules.matching.codes import Plan, holds
from schemas.time import date_of, is_date, parse_duration, parse_instant
from tests.property.rules.worlds import compiled, documents, scopes

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
MONEY = {"amount"}
NO_RATE = object()


class Oracle:
    """Reads a document word by word: slow, and without any of the compiler's parts. None: no rate."""

    def __init__(self, scope: MappingScope) -> None:
        self.scope = scope

    def judge(self, doc: dict[str, Any], deny: bool = False, item: Any = None) -> bool:
        if "not" in doc:
            return self.judge(doc["not"], not deny, item)
        for kind, join in (("all", any if deny else all), ("any", all if deny else any)):
            if kind in doc:
                return join(self.judge(part, deny, item) for part in doc[kind])
        if "where" in doc:
            return self.listed(doc, deny)
        found = self.leaf(doc, item)
        return True if found is None else found is not deny

    def listed(self, doc: dict[str, Any], deny: bool) -> bool:
        some = "any_of" in doc
        items = self.scope.get((doc["any_of" if some else "all_of"],))
        if not isinstance(items, list):
            return deny
        join = any if some is not deny else all
        return join(self.judge(doc["where"], deny, entry) for entry in items)

    def raw(self, name: str, item: Any) -> Any:
        path = tuple(name.split("."))
        return walk(item, path) if item is not None else self.scope.get(path)

    def number(self, name: str, item: Any) -> Any:
        raw = self.raw(name, item)
        if raw is None or name.rpartition(".")[2] not in MONEY:
            return None if raw is None else Decimal(raw)
        beside = ".".join([*name.split(".")[:-1], "currency"])
        currency = self.scope.get(("currency",)) if item is not None else self.raw(beside, item)
        if currency is None:
            return Decimal(raw)
        rate = self.scope.rate(str(currency))
        return NO_RATE if rate is None else Decimal(raw) * rate

    def value(self, name: str, item: Any, day: bool) -> Any:
        raw = self.raw(name, item)
        if raw is None or name in ("name", "account.tier", "product"):
            return raw
        if name in ("valid_until", "created"):
            return self.moment(raw, day)
        return raw if name == "age" else self.number(name, item)

    def moment(self, raw: Any, day: bool) -> Any:
        if isinstance(raw, str) and is_date(raw):
            return date.fromisoformat(raw)
        us = parse_instant(raw) if isinstance(raw, str) else raw
        return date_of(us, self.scope.zone) if day else us

    def given(self, name: str, value: Any, day: bool) -> Any:
        if isinstance(value, dict):
            other = self.number(value["field"], None)
            if other is None or other is NO_RATE:
                return other
            return other * Decimal(value.get("times", 1)) + Decimal(value.get("plus", 0))
        if name in ("valid_until", "created"):
            return self.today(value) if value.startswith("today") else self.moment(value, day)
        return parse_duration(value).us if name == "age" else value

    def today(self, text: str) -> date:
        now = date_of(self.scope.at, self.scope.zone)
        match = re.fullmatch(r"today(?:([+-])(\d+)(d|w|mo|q))?", text)
        assert match is not None
        if match[1] is None:
            return now
        count = int(match[1] + match[2])
        if match[3] in ("d", "w"):
            return date.fromordinal(now.toordinal() + count * (7 if match[3] == "w" else 1))
        month = now.year * 12 + now.month - 1 + count * (3 if match[3] == "q" else 1)
        for day in (now.day, 30, 29, 28):
            try:
                return date(month // 12, month % 12 + 1, min(day, now.day))
            except ValueError:
                continue
        raise AssertionError(text)

    def leaf(self, doc: dict[str, Any], item: Any) -> bool | None:
        name, op, wanted = doc["field"], doc["op"], doc.get("value")
        if op in ("is_set", "is_empty"):
            return (self.raw(name, item) in (None, "", [])) is (op == "is_empty")
        if op == "changed":
            return self.changed(name)
        listed = wanted if isinstance(wanted, list) else [wanted]
        day = any(isinstance(v, str) and (is_date(v) or v.startswith("today")) for v in listed)
        found = self.value(name, item, day)
        if op in ("contains", "starts_with", "matches"):
            tests: dict[str, Callable[[str, str], bool]] = {
                "contains": lambda text, part: part in text,
                "starts_with": lambda text, part: text.startswith(part),
                "matches": lambda text, pattern: re.fullmatch(pattern, text) is not None,
            }
            return found is not None and tests[op](found, str(wanted))
        values = [self.given(name, value, day) for value in listed]
        return self.compared(op, found, values)

    def changed(self, name: str) -> bool:
        now, was = self.raw(name, None), self.raw(f"was.{name}", None)
        if name in ("amount", "discount"):
            now, was = (None if raw is None else Decimal(raw) for raw in (now, was))
        elif name == "created":
            now, was = (None if raw is None else self.moment(raw, False) for raw in (now, was))
        return bool(now != was)

    def compared(self, op: str, found: Any, values: list[Any]) -> bool | None:
        if op in ("in", "not_in"):
            if found is None or found is NO_RATE:
                return None if found is NO_RATE else op == "not_in"
            if any(value is not NO_RATE and value == found for value in values):
                return op == "in"
            return None if NO_RATE in values else op == "not_in"
        if found is None or None in values:
            return op == "ne"
        if found is NO_RATE or NO_RATE in values:
            return None
        if op == "between":
            return bool(values[0] <= found <= values[1])
        return ORDER[op](found, values[0])


class Listening(MappingScope):
    """Remembers what it was asked."""

    def get(self, path: Path) -> object:
        self.asked.add(path)
        return super().get(path)

    asked: set[Path]


def listening(scope: MappingScope) -> Listening:
    heard = Listening(scope.at, scope.data, scope.joined, scope.zone, scope.rates)
    heard.asked = set()
    return heard


@settings(max_examples=600)
@given(documents, scopes)
def test_holds_as_a_plain_reading_says(document: dict[str, Any], scope: MappingScope) -> None:
    assert compiled(document).holds(scope) is Oracle(scope).judge(document)


@settings(max_examples=300)
@given(documents, scopes)
def test_the_explanation_says_the_same(document: dict[str, Any], scope: MappingScope) -> None:
    condition = compiled(document)
    told = condition.explain(scope)
    assert told.result is condition.holds(scope)
    assert json.loads(json.dumps(told.to_dict()))["result"] is told.result
    assert len(told.lines("zh")) == len(told.lines("en")) >= 1


@settings(max_examples=300)
@given(documents, scopes)
def test_only_declared_paths_are_asked(document: dict[str, Any], scope: MappingScope) -> None:
    condition, heard = compiled(document), listening(scope)
    condition.holds(heard)
    condition.explain(heard)
    assert heard.asked <= condition.reads


@settings(max_examples=300)
@given(documents, scopes)
def test_what_holds_has_its_equalities(document: dict[str, Any], scope: MappingScope) -> None:
    condition = compiled(document)
    if condition.holds(scope):
        assert all(scope.get(path) == value for path, value in condition.equalities)


@settings(max_examples=300)
@given(documents, scopes)
def test_codes_say_the_same(document: dict[str, Any], scope: MappingScope) -> None:
    condition = compiled(document)
    plan = Plan([condition])
    assert holds(plan.expressions[0], plan.encode(scope)) is condition.holds(scope)
