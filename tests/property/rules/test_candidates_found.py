"""The index never leaves out a rule that could start, and an edited index is that of the edited rules."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.candidates import CandidateIndex
from rules.compile import compile_rule
from rules.compiled import CompiledRule
from rules.conditions.scope import MappingScope
from rules.document import RuleDoc
from tests.property.rules.worlds import documents, scopes

FIELDS = ["amount", "currency", "discount", "name", "valid_until", "created", "age", "lines"]


def compiled(name: str, where: dict[str, Any]) -> CompiledRule:
    raw = {"rule": name, "title": "t", "watch": "quote", "when": {"holds": {}}, "where": where}
    return compile_rule(RuleDoc.model_validate(raw), version=1, zone=ZoneInfo("UTC"))


rule_sets = st.lists(documents, min_size=1, max_size=6).map(
    lambda found: [compiled(f"r-{i}", where) for i, where in enumerate(found)]
)


@settings(max_examples=200)
@given(rule_sets, scopes, st.sampled_from(FIELDS), scopes)
def test_what_starts_to_hold_is_picked(
    rules: list[CompiledRule], scope: MappingScope, name: str, source: MappingScope
) -> None:
    """One field changes (and `was` with it); each rule that turns true must be among the candidates."""
    changed = {**scope.data, name: source.data[name]}
    before = MappingScope(scope.at, scope.data, {**scope.joined, "was": scope.data}, scope.zone, scope.rates)
    after = MappingScope(scope.at, changed, {**scope.joined, "was": scope.data}, scope.zone, scope.rates)
    picked = CandidateIndex(rules).pick("quote.revised", [name], get=after.get).own
    started = {rule.id for rule in rules if rule.where.holds(after) and not rule.where.holds(before)}
    assert started <= {rule.id for rule in picked}


@settings(max_examples=100)
@given(rule_sets, rule_sets, st.lists(st.integers(0, 5), max_size=4))
def test_edits_come_to_the_same(
    rules: list[CompiledRule], others: list[CompiledRule], gone: list[int]
) -> None:
    index = CandidateIndex(rules)
    left = {rule.id: rule for rule in rules}
    for rule in others:
        index, left[rule.id] = index.with_rule(rule), rule
    for number in gone:
        index = index.without(f"r-{number}")
        left.pop(f"r-{number}", None)
    fresh = CandidateIndex(left.values())
    assert index.rules == fresh.rules
    for name in FIELDS:
        assert index.pick("quote.revised", [name]) == fresh.pick("quote.revised", [name])
    assert index.pick("quote.created", None) == fresh.pick("quote.created", None)
