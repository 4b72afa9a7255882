"""The matcher by durable-rules: the C engine decides which rules match a fact of small integers.

What was learned about the engine: one `sid` only (state per sid is never given back); facts are asserted and
retracted, events would be used up by their first match; never timers; a fact that matches nothing answers
1, which `durable.engine` turns into MessageNotHandledException; a ruleset cannot be changed and must stay
below 400 rules. `durable.engine.Host` starts timer threads, so the C module below it is used. Answers are
remembered by fact: the engine is pure over codes.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from functools import lru_cache
from itertools import count

import durable_rules_engine as engine

from rules.conditions.condition import Condition
from rules.conditions.scope import Scope
from rules.matching.codes import FALSE, TRUE, Expression, Facts, In, Plan

SHARD = 256
"""Rules in one ruleset of the engine."""
REMEMBERED = 1 << 15
"""Facts whose answer a shard remembers."""

_NUMBERS = count()
"""Names of rulesets: the engine wants each to be new."""
_HANDLED, _NOT_HANDLED = 0, 1
NOBODY: frozenset[int] = frozenset()


class EngineError(RuntimeError):
    """The engine answered what its contract does not know; a bug, not a fault of any rule."""


class DurableMatcher:
    """A set of conditions judged by durable-rules, in shards. `close` (or the end of life) frees the
    rulesets.
    """

    __slots__ = ("_shards",)

    def __init__(self, conditions: Sequence[Condition]) -> None:
        starts = range(0, len(conditions), SHARD)
        self._shards = tuple(_Shard(conditions[start : start + SHARD], start) for start in starts)

    def match(self, scope: Scope) -> frozenset[int]:
        """The indexes of the conditions that hold."""
        if len(self._shards) == 1:
            return self._shards[0].match(scope)
        return NOBODY.union(*(shard.match(scope) for shard in self._shards))

    def close(self) -> None:
        """Delete the rulesets of the engine."""
        for shard in self._shards:
            shard.close()


class _Shard:
    """Up to SHARD conditions, numbered from `start`."""

    __slots__ = ("_always", "_answer", "_plan", "_ruleset")

    def __init__(self, conditions: Sequence[Condition], start: int) -> None:
        self._plan = Plan(conditions)
        numbered = list(enumerate(self._plan.expressions, start))
        self._always = frozenset(i for i, found in numbered if found == TRUE)
        asked = {i: found for i, found in numbered if found not in (TRUE, FALSE)}
        self._ruleset = _Ruleset(asked) if asked else None
        self._answer = lru_cache(REMEMBERED)(self._ruleset.ask) if self._ruleset else None

    def match(self, scope: Scope) -> frozenset[int]:
        facts = self._plan.encode(scope)
        if self._answer is None:
            return self._always
        found = self._answer(facts)
        return found | self._always if self._always else found

    def close(self) -> None:
        if self._ruleset is not None:
            self._ruleset.close()


class _Ruleset:
    """One ruleset of the engine. Rules are named `r` and their number, columns `c` and theirs."""

    __slots__ = ("__weakref__", "_free", "_handle")

    def __init__(self, expressions: dict[int, Expression]) -> None:
        rules = {f"r{i}": {"all": [{"m": written(found)}]} for i, found in expressions.items()}
        self._handle = engine.create_ruleset(f"stagewatch-{next(_NUMBERS)}", json.dumps(rules))
        self._free = weakref.finalize(self, engine.delete_ruleset, self._handle)

    def ask(self, facts: Facts) -> frozenset[int]:
        """The numbers of the rules that the fact matches."""
        codes = "".join([f',"c{i}":{code}' for i, code in enumerate(facts)])
        fact = f'{{"id":"1","sid":"0"{codes}}}'
        result, state = engine.assert_fact(self._handle, fact)
        try:
            if result not in (_HANDLED, _NOT_HANDLED):
                raise EngineError(f"assert_fact answered {result}")
            return self._matched(state) if result == _HANDLED else NOBODY
        finally:
            engine.retract_fact(self._handle, fact)

    def _matched(self, state: int) -> frozenset[int]:
        started = engine.start_action_for_state(self._handle, state)
        action = started[1] if started else None
        found: set[int] = set()
        while action:
            found.update(int(name[1:]) for name in json.loads(action))
            action = engine.complete_and_start_action(self._handle, state)
        return frozenset(found)

    def close(self) -> None:
        self._free()


def written(expression: Expression) -> dict[str, object]:
    """An expression in the engine's JSON."""
    if isinstance(expression, In):
        spans = [_span(f"c{expression.column}", span, expression.bounds) for span in expression.spans]
        return spans[0] if len(spans) == 1 else {"$or": spans}
    return {"$and" if expression.every else "$or": [written(part) for part in expression.parts]}


def _span(name: str, span: tuple[int, int], bounds: tuple[int, int]) -> dict[str, object]:
    low, high = span
    if low == high:
        return {name: low}
    if low == bounds[0]:
        return {"$lte": {name: high}}
    if high == bounds[1]:
        return {"$gte": {name: low}}
    return {"$and": [{"$gte": {name: low}}, {"$lte": {name: high}}]}
