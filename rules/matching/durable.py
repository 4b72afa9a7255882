"""The matcher by durable-rules: the C engine decides which rules match a fact of small integers.

What was learned about the engine: one `sid` only, and its state is freed by `delete_state` alone, not with
the ruleset; facts are asserted and retracted, events would be used up by their first match; never timers; a
fact that matches nothing answers 1, which `durable.engine` turns into MessageNotHandledException; a ruleset
cannot be changed. How much it carries is in `fitting.py`. `durable.engine.Host` starts timer threads, so
the C module below it is used. Answers are remembered by fact: the engine is pure over codes.
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
from rules.matching.fitting import Bits, columns_of, fit, left_out, shards

REMEMBERED = 1 << 14
"""Facts whose answer a matcher remembers."""

_NUMBERS = count()
"""Names of rulesets: the engine wants each to be new."""
_HANDLED, _NOT_HANDLED = 0, 1
_SID = "0"
_LAST = "r-1"
_LAST_FACT = f'{{"id":"2","sid":"{_SID}","last":1}}'
NOBODY: frozenset[int] = frozenset()


class EngineError(RuntimeError):
    """The engine answered what its contract does not know: a fault of the adapter, not of any rule."""


class DurableMatcher:
    """A set of conditions judged by durable-rules. `close` (or the end of its life) frees the rulesets."""

    __slots__ = ("_answer", "_engine", "_plan")

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._plan = Plan(conditions)
        self._engine = _Rulesets(self._plan)
        self._answer = lru_cache(REMEMBERED)(self._engine.ask)

    def match(self, scope: Scope) -> frozenset[int]:
        """The indexes of the conditions that hold."""
        return self._answer(self._plan.encode(scope))

    def close(self) -> None:
        """Delete the rulesets of the engine."""
        self._engine.close()


class _Rulesets:
    """All rulesets of one plan."""

    __slots__ = ("_always", "_bits", "_rulesets")

    def __init__(self, plan: Plan) -> None:
        numbered = dict(enumerate(plan.expressions))
        self._bits = Bits(plan.width)
        fitted = {i: fit(found, self._bits) for i, found in numbered.items() if found not in (TRUE, FALSE)}
        self._always = frozenset(i for i, found in numbered.items() if found == TRUE)
        self._rulesets = tuple(_Ruleset(part) for part in shards(fitted))

    def ask(self, facts: Facts) -> frozenset[int]:
        """The numbers of the conditions that the codes fit."""
        codes = self._bits.extend(facts)
        return self._always.union(*[ruleset.ask(codes) for ruleset in self._rulesets])

    def close(self) -> None:
        for ruleset in self._rulesets:
            ruleset.close()


class _Ruleset:
    """One ruleset of the engine. Rules are named `r` and their number, columns `c` and theirs."""

    __slots__ = ("__weakref__", "_free", "_handle", "_known", "_template", "_used")

    def __init__(self, expressions: dict[int, Expression]) -> None:
        rules = {f"r{i}": {"all": [{"m": written(found)}]} for i, found in expressions.items()}
        self._used = sorted(set[int]().union(*(columns_of(found) for found in expressions.values())))
        codes = "".join(f',"c{i}":%d' for i in self._used)
        self._template = f'{{"id":"1","sid":"{_SID}"{codes}}}'
        self._known: dict[Facts, frozenset[int]] = {}
        rules[_LAST] = {"all": [{"m": {"last": 1}}]}
        self._handle = engine.create_ruleset(f"stagewatch-{next(_NUMBERS)}", json.dumps(rules))
        self._free = weakref.finalize(self, _delete, self._handle)

    def ask(self, codes: Facts) -> frozenset[int]:
        """The numbers of the rules that the fact matches; facts that look the same from here are asked
        once.
        """
        facts = tuple([codes[i] for i in self._used])
        found = self._known.get(facts)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[facts] = _run(self._handle, self._template % facts)
        return found

    def close(self) -> None:
        self._free()


def _run(handle: int, fact: str) -> frozenset[int]:
    """Assert a fact, collect the rules that match it, retract it."""
    result, state = engine.assert_fact(handle, fact)
    if result not in (_HANDLED, _NOT_HANDLED):
        raise EngineError(f"assert_fact answered {result} to {fact}")
    found = _matched(handle, state) if result == _HANDLED else NOBODY
    engine.retract_fact(handle, fact)
    return found


def _matched(handle: int, state: int) -> frozenset[int]:
    started = engine.start_action_for_state(handle, state)
    action = started[1] if started else None
    found: set[int] = set()
    while action:
        found.update(int(name[1:]) for name in json.loads(action))
        action = engine.complete_and_start_action(handle, state)
    return frozenset(found)


def _delete(handle: int) -> None:
    """Free a ruleset and its state. A state that never had an action cannot be freed, so it is given one
    first.
    """
    _run(handle, _LAST_FACT)
    engine.delete_state(handle, _SID)
    engine.delete_ruleset(handle)


def written(expression: Expression) -> dict[str, object]:
    """A fitted expression in the engine's JSON."""
    if not isinstance(expression, In):
        return {"$and" if expression.every else "$or": [written(part) for part in expression.parts]}
    name, (first, last), (low, high) = f"c{expression.column}", expression.bounds, expression.spans[0]
    missed = left_out(expression)
    if missed is not None:
        return {"$neq": {name: missed}}
    if low == high:
        return {name: low}
    if low == first:
        return {"$lte": {name: high}}
    at_least: dict[str, object] = {"$gte": {name: low}}
    return at_least if high == last else {"$and": [at_least, {"$lte": {name: high}}]}
