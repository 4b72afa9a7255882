"""Expressions cut to what the engine can carry: few paths through its network, one comparison per column
test.

While it judges a fact the engine keeps at most 64 pending nodes (it answers error 303 beyond), and there
can be as many as there are paths from the root to a rule. So a ruleset gets at most `MAX_PATHS` paths, a
rule at most `RULE_PATHS`, and what would be more becomes a bit: worked out from the codes beforehand,
exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rules.matching.codes import Expression, Facts, In, Joined, holds

MAX_PATHS = 60
RULE_PATHS = 30
MAX_COLUMNS = 200
"""Columns of one ruleset; the engine reads at most 255 properties of a fact."""
YES = ((1, 1),)
BIT = (0, 1)


@dataclass(slots=True)
class Bits:
    """Expressions that became columns of their own, numbered after the `width` columns of the plan."""

    width: int
    numbers: dict[Expression, int] = field(default_factory=dict)

    def of(self, expression: Expression) -> In:
        """The test of the bit that stands for an expression."""
        number = self.numbers.setdefault(expression, self.width + len(self.numbers))
        return In(number, YES, BIT)

    def extend(self, facts: Facts) -> Facts:
        """The codes with the bits behind them."""
        return facts + tuple([int(holds(found, facts)) for found in self.numbers])


def fit(expression: Expression, bits: Bits) -> Expression:
    """The same expression with at most RULE_PATHS paths and tests that are one comparison each."""
    if isinstance(expression, In):
        return expression if _simple(expression) else bits.of(expression)
    parts = [(fit(part, bits), part) for part in expression.parts]
    while paths_of(expression.every, [fitted for fitted, _ in parts]) > RULE_PATHS:
        widest = max(range(len(parts)), key=lambda i: paths(parts[i][0]))
        if paths(parts[widest][0]) == 1:
            return bits.of(expression)
        parts[widest] = (bits.of(parts[widest][1]), parts[widest][1])
    ordered = sorted((fitted for fitted, _ in parts), key=_share)
    return Joined(expression.every, tuple(ordered))


def _share(expression: Expression) -> float:
    """Roughly how much of all facts fits: the engine tests in order, so the choosy ones come first."""
    if isinstance(expression, In):
        first, last = expression.bounds
        return sum(high - low + 1 for low, high in expression.spans) / (last - first + 1)
    shares = [_share(part) for part in expression.parts]
    return min(shares) if expression.every else min(1.0, sum(shares))


def _simple(test: In) -> bool:
    """One span, or all codes but one."""
    return len(test.spans) == 1 or left_out(test) is not None


def left_out(test: In) -> int | None:
    """The only code that does not fit, None when there are more."""
    (first, last), spans = test.bounds, test.spans
    if len(spans) == 2 and spans[0][0] == first and spans[1][1] == last and spans[1][0] - spans[0][1] == 2:
        return spans[0][1] + 1
    return None


def paths(expression: Expression) -> int:
    """Ways through the network that the expression makes."""
    return 1 if isinstance(expression, In) else paths_of(expression.every, expression.parts)


def paths_of(every: bool, parts: Sequence[Expression]) -> int:
    """The product for `every`, the sum for `some`."""
    total = 1 if every else 0
    for part in parts:
        total = total * paths(part) if every else total + paths(part)
    return total


def columns_of(expression: Expression) -> set[int]:
    """The columns that it tests."""
    if isinstance(expression, In):
        return {expression.column}
    return set().union(*(columns_of(part) for part in expression.parts))


def shards(expressions: dict[int, Expression]) -> list[dict[int, Expression]]:
    """The expressions dealt into rulesets that the engine can carry, in order."""
    dealt: list[dict[int, Expression]] = []
    carried, columns = MAX_PATHS + 1, set[int]()
    for number, expression in expressions.items():
        more, tested = paths(expression), columns_of(expression)
        if carried + more > MAX_PATHS or len(columns | tested) > MAX_COLUMNS:
            dealt.append({})
            carried, columns = 0, set()
        dealt[-1][number] = expression
        carried, columns = carried + more, columns | tested
    return dealt
