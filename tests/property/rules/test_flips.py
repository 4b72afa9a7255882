"""`next_flip` is never late: before it, time alone changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions.scope import MappingScope
from schemas.time import DAY
from tests.property.rules.worlds import compiled, nested, scopes, time_leaves

documents = nested(time_leaves)
steps = st.one_of(
    st.integers(1, 100 * DAY),
    st.integers(0, 120).map(lambda n: n * DAY + 1),
    st.sampled_from([1, DAY - 12345, 7 * DAY - 12345 + 1]),
)


def later(scope: MappingScope, at: int) -> MappingScope:
    """The same entity at another instant: only its age has grown, before the change (`was`) as after it."""
    grown = at - scope.at
    joined = {
        name: _aged(fields, grown) if name == "was" else fields for name, fields in scope.joined.items()
    }
    return replace(scope, at=at, data=_aged(scope.data, grown), joined=joined)


def _aged(fields: Mapping[str, object], grown: int) -> dict[str, object]:
    age = fields.get("age")
    return {**fields, "age": age + grown} if isinstance(age, int) else dict(fields)


@settings(max_examples=600)
@given(documents, scopes, steps)
def test_nothing_changes_before_the_flip(document: dict[str, Any], scope: MappingScope, step: int) -> None:
    condition = compiled(document)
    flip = condition.next_flip(scope, scope.at)
    if flip is None:
        times = [scope.at + step, scope.at + 10_000 * DAY]
    else:
        assert flip > scope.at
        times = [flip - 1, min(scope.at + step, flip - 1)]
    for at in times:
        assert condition.holds(later(scope, at)) is condition.holds(scope)


@settings(max_examples=300)
@given(documents, scopes, steps, steps)
def test_nor_between_a_later_instant_and_its_flip(
    document: dict[str, Any], scope: MappingScope, first: int, second: int
) -> None:
    condition = compiled(document)
    after = scope.at + first
    flip = condition.next_flip(scope, after)
    assert flip is None or flip > after
    at = after + second if flip is None else min(after + second, flip - 1)
    assert condition.holds(later(scope, at)) is condition.holds(later(scope, after))


@settings(max_examples=200)
@given(documents, scopes)
def test_a_condition_without_time_never_flips(document: dict[str, Any], scope: MappingScope) -> None:
    condition = compiled(document)
    if not condition.time_dependent:
        assert condition.next_flip(scope, scope.at) is None
