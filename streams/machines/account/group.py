"""Rules whose `where` is matched together, by durable-rules."""

from __future__ import annotations

from collections.abc import Sequence

from rules.conditions.scope import Scope
from rules.matching.choose import matcher
from streams.machines.account.rulebook import Active


class Group:
    """Rules whose `where` is matched together.

    reads: fields of the watched entity that any of them reads. always: some must be matched at every
    event of the entity (they read `was.*` or `event.*`). timed: those whose `where` time alone may change.
    """

    __slots__ = ("_matcher", "always", "reads", "rules", "timed")

    def __init__(self, rules: Sequence[Active]) -> None:
        self.rules = tuple(rules)
        self.reads = frozenset(name for rule in rules for name in rule.reads)
        self.always = any(rule.reads_was for rule in rules)
        self.timed = tuple(rule for rule in rules if rule.time_dependent)
        self._matcher = matcher([rule.where for rule in rules])

    def matching(self, scope: Scope) -> list[Active]:
        """The rules whose `where` holds."""
        return [self.rules[index] for index in sorted(self._matcher.match(scope))]
