"""Every operator below, at, between and above its constants, missing and unrated, with and without `not`."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from rules.conditions.condition import Condition, compile_condition
from rules.conditions.model import ConditionDoc
from rules.conditions.scope import MappingScope
from rules.matching.codes import Plan, holds
from rules.matching.durable import DurableMatcher
from rules.matching.native import NativeMatcher

COMPARE = ["eq", "ne", "gt", "gte", "lt", "lte"]


def compiled(document: dict[str, Any]) -> Condition:
    return compile_condition(ConditionDoc.model_validate(document), kind="quote")


def both_ways(leaf: dict[str, Any]) -> list[Condition]:
    return [
        compiled(leaf),
        compiled({"not": leaf}),
        compiled({"not": {"any": [{"not": leaf}, {"not": leaf}]}}),
    ]


def leaves(name: str, values: list[Any], ordered: bool) -> list[dict[str, Any]]:
    found = [
        {"field": name, "op": op, "value": v} for op in (COMPARE if ordered else COMPARE[:2]) for v in values
    ]
    found += [
        {"field": name, "op": op, "value": [a, b]}
        for op in ("in", "not_in")
        for a, b in product(values, values)
    ]
    if ordered:
        found += [{"field": name, "op": "between", "value": [a, b]} for a, b in product(values, values)]
    return found


NUMBERS = [f"{half / 2}" for half in range(1, 10)]
CASES: list[tuple[str, list[Any], bool, list[dict[str, Any]]]] = [
    ("discount", [1, 2, 4], True, [{"discount": number} for number in (*NUMBERS, None)]),
    (
        "amount",
        [1, 2, 4],
        True,
        [{"amount": number, "currency": c} for number in (*NUMBERS, None) for c in ("XXX", None)],
    ),
    (
        "valid_until",
        ["2026-03-02", "2026-03-04"],
        True,
        [{"valid_until": f"2026-03-0{day}"} for day in range(1, 6)] + [{}],
    ),
    ("age", ["1s", "3s"], True, [{"age": number * 500_000} for number in range(8)] + [{}]),
    ("name", ["a", "b"], False, [{"name": name} for name in ("a", "b", "c", "", None)]),
]


@pytest.mark.parametrize(("name", "values", "ordered", "worlds"), CASES, ids=[case[0] for case in CASES])
def test_every_operator(name: str, values: list[Any], ordered: bool, worlds: list[dict[str, Any]]) -> None:
    conditions = [found for leaf in leaves(name, values, ordered) for found in both_ways(leaf)]
    native, durable, plan = NativeMatcher(conditions), DurableMatcher(conditions), Plan(conditions)
    answers = set()
    for data in worlds:
        scope = MappingScope(0, data)
        answer = native.match(scope)
        assert durable.match(scope) == answer
        facts = plan.encode(scope)
        assert {i for i, found in enumerate(plan.expressions) if holds(found, facts)} == answer
        answers.add(answer)
    assert len(answers) > len(values)


@pytest.mark.parametrize("head", ["any_of", "all_of"])
def test_lists_of_amounts_without_a_rate(head: str) -> None:
    leaf = {head: "lines", "where": {"field": "amount", "op": "gt", "value": 5}}
    conditions = both_ways(leaf)
    native, durable = NativeMatcher(conditions), DurableMatcher(conditions)
    worlds: list[Any] = [[{"amount": "1"}], [{"amount": "9"}], [{}], [{"amount": "1"}, {}], [], None]
    for lines in worlds:
        for currency in ("XXX", None):
            scope = MappingScope(0, {"lines": lines, "currency": currency})
            assert durable.match(scope) == native.match(scope)
    unrated = MappingScope(0, {"lines": [{"amount": "1"}], "currency": "XXX"})
    assert durable.match(unrated) == {0, 1, 2}
