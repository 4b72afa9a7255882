"""durable-rules and the native evaluator say the same of every fact."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions.scope import MappingScope
from rules.matching.codes import Plan, holds
from rules.matching.durable import DurableMatcher
from rules.matching.native import NativeMatcher
from tests.property.rules.worlds import compiled, documents, scopes

sets = st.lists(documents, min_size=1, max_size=8)
many_scopes = st.lists(scopes, min_size=1, max_size=4)


@settings(max_examples=400, deadline=None)
@given(sets, many_scopes)
def test_agree(found: list[dict[str, Any]], judged: list[MappingScope]) -> None:
    conditions = [compiled(document) for document in found]
    durable, native = DurableMatcher(conditions), NativeMatcher(conditions)
    for scope in judged:
        assert durable.match(scope) == native.match(scope)
        if native.match(scope):  # the second answer is a remembered one
            assert durable.match(scope) == native.match(scope)
    durable.close()


@settings(max_examples=200, deadline=None)
@given(sets, scopes)
def test_the_plan_alone_agrees(found: list[dict[str, Any]], scope: MappingScope) -> None:
    conditions = [compiled(document) for document in found]
    plan = Plan(conditions)
    facts = plan.encode(scope)
    assert [holds(part, facts) for part in plan.expressions] == [c.holds(scope) for c in conditions]
