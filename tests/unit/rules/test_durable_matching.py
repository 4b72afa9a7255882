"""The matcher by durable-rules at the limits of its engine, and that nothing is left behind."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from rules.conditions.condition import ALWAYS, Condition, compile_condition
from rules.conditions.model import ConditionDoc
from rules.conditions.scope import MappingScope
from rules.matching.codes import In, Joined, Plan
from rules.matching.durable import DurableMatcher
from rules.matching.fitting import MAX_PATHS, RULE_PATHS, Bits, fit, paths, shards
from rules.matching.matcher import Matcher
from rules.matching.native import NativeMatcher


def compiled(document: dict[str, Any]) -> Condition:
    return compile_condition(ConditionDoc.model_validate(document), kind="opportunity")


def more_than(amount: int) -> Condition:
    return compiled({"field": "amount", "op": "gt", "value": amount})


def either(*names: str) -> dict[str, Any]:
    return {"any": [{"field": "name", "op": "eq", "value": name} for name in names]}


def resident() -> int:
    """Resident memory of this process in kB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4


def test_both_are_matchers() -> None:
    conditions = [more_than(1), ALWAYS, more_than(3)]
    matchers: list[Matcher] = [NativeMatcher(conditions), DurableMatcher(conditions)]
    for matcher in matchers:
        assert matcher.match(MappingScope(0, {"amount": "2"})) == {0, 1}
        assert matcher.match(MappingScope(0, {})) == {1}
        matcher.close()


def test_no_conditions_match_nothing() -> None:
    assert DurableMatcher([]).match(MappingScope(0, {})) == frozenset()


@pytest.mark.parametrize("count", [1, 59, 60, 61, 300])
def test_a_thing_that_fits_every_rule(count: int) -> None:
    matcher = DurableMatcher([more_than(i) for i in range(count)])
    assert matcher.match(MappingScope(0, {"amount": "1000"})) == frozenset(range(count))
    assert matcher.match(MappingScope(0, {"amount": "0.5"})) == {0}
    assert matcher.match(MappingScope(0, {"amount": "0"})) == frozenset()


def test_the_same_condition_many_times() -> None:
    matcher = DurableMatcher([more_than(1)] * 130)
    assert len(matcher.match(MappingScope(0, {"amount": "2"}))) == 130


def test_a_rule_with_too_many_ways_is_cut() -> None:
    wide = {"all": [either(*(f"{part}{i}" for i in range(6))) for part in "abc"]}
    conditions = [compiled(wide), compiled({"not": wide}), compiled(either(*(f"n{i}" for i in range(90))))]
    plan = Plan(conditions)
    bits = Bits(plan.width)
    assert [paths(found) for found in plan.expressions] == [216, 3, 90]
    assert all(paths(fit(found, bits)) <= RULE_PATHS for found in plan.expressions)
    matcher = DurableMatcher(conditions)
    assert matcher.match(MappingScope(0, {"name": "a1"})) == {1}
    assert matcher.match(MappingScope(0, {"name": "n89"})) == {1, 2}


def test_rulesets_stay_within_what_the_engine_carries() -> None:
    one = In(0, ((0, 0),), (0, 5))
    wide = Joined(False, (one,) * 25)
    dealt = shards(dict.fromkeys(range(10), wide) | {10: one})
    assert [sum(paths(found) for found in part.values()) for part in dealt] == [50, 50, 50, 50, 51]
    assert sorted(number for part in dealt for number in part) == list(range(11))
    apart = shards({i: In(i, ((0, 0),), (0, 5)) for i in range(2 * MAX_PATHS)})
    assert [len(part) for part in apart] == [MAX_PATHS, MAX_PATHS]


def test_quotes_and_other_scripts_never_reach_the_engine() -> None:
    for name in ('"}]', "\\", "合同", "\n", "c0", "🙂"):
        matcher = DurableMatcher([compiled({"field": "name", "op": "eq", "value": name})])
        assert matcher.match(MappingScope(0, {"name": name})) == {0}
        assert matcher.match(MappingScope(0, {"name": f"{name}."})) == frozenset()


def test_missing_rates_are_told() -> None:
    scope = MappingScope(0, {"amount": "1", "currency": "XXX"})
    assert DurableMatcher([more_than(5)]).match(scope) == {0}
    assert scope.unrated == ["XXX"]


def test_closing_twice_is_harmless() -> None:
    matcher = DurableMatcher([more_than(1)])
    matcher.close()
    matcher.close()


def test_memory_is_flat_over_edits() -> None:
    """Each edit builds the matcher anew and asks it; only the first ones may cost memory."""
    conditions = [more_than(i) for i in range(40)]

    def edit(number: int) -> None:
        conditions[number % 40] = more_than(number)
        matcher = DurableMatcher(conditions)
        for amount in range(5):
            matcher.match(MappingScope(0, {"amount": number + amount}))
        if number % 2:
            matcher.close()  # the others are freed with the object

    for number in range(100):
        edit(number)
    gc.collect()
    before = resident()
    for number in range(100, 600):
        edit(number)
    gc.collect()
    assert resident() - before < 4_000
