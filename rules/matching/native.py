"""The native matcher: condition by condition. It says the same as durable-rules, and is what explanations
use.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules.conditions.condition import Condition
from rules.conditions.scope import Scope


class NativeMatcher:
    """A set of conditions judged one after the other."""

    __slots__ = ("_tests",)

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._tests = tuple(condition.holds for condition in conditions)

    def match(self, scope: Scope) -> frozenset[int]:
        """The indexes of the conditions that hold."""
        return frozenset(i for i, holds in enumerate(self._tests) if holds(scope))

    def close(self) -> None:
        """Nothing is held."""
