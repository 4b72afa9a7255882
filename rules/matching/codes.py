"""A plan: the conditions of a set as expressions over columns of small integers.

The plan knows the structure of the conditions (`all`, `any`, `not`, comparisons) and leaves judging it to
an engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.conditions.condition import Condition
from rules.conditions.scope import Scope
from rules.conditions.tree import Group, Leaf, ListLeaf, Node, Not
from rules.matching.columns import Column, column_of, key_of

Facts = tuple[int, ...]
Span = tuple[int, int]
"""Codes from the first to the last, both included."""


@dataclass(frozen=True, slots=True)
class In:
    """The code of a column lies in one of the spans (ascending, not touching); `bounds` are its extreme
    codes.
    """

    column: int
    spans: tuple[Span, ...]
    bounds: Span


@dataclass(frozen=True, slots=True)
class Joined:
    """`every` part holds, or at least one; no parts: always, or never."""

    every: bool
    parts: tuple[Expression, ...]


Expression = In | Joined
TRUE = Joined(True, ())
FALSE = Joined(False, ())


class Plan:
    """How the conditions of a set are asked by codes: `expressions` has one per condition, over `width`
    columns.
    """

    __slots__ = ("_columns", "_encoders", "expressions", "width")

    def __init__(self, conditions: Sequence[Condition]) -> None:
        trees = [condition.tree for condition in conditions]
        leaves: dict[tuple[object, ...], list[Leaf | ListLeaf]] = {}
        for tree in trees:
            for leaf in _leaves(tree):
                leaves.setdefault(key_of(leaf), []).append(leaf)
        self._columns = {key: column_of(i, found) for i, (key, found) in enumerate(leaves.items())}
        self._encoders = [column.encoder() for column in self._columns.values()]
        self.width = len(self._encoders)
        self.expressions = tuple(TRUE if tree is None else self._of(tree, False) for tree in trees)

    def encode(self, scope: Scope) -> Facts:
        """The codes of a scope, one per column. Tells the scope of missing rates."""
        return tuple([encode(scope) for encode in self._encoders])

    def _of(self, node: Node, deny: bool) -> Expression:
        if isinstance(node, Not):
            return self._of(node.child, not deny)
        if isinstance(node, Group):
            every = (node.kind == "all") is not deny
            return joined(every, [self._of(child, deny) for child in node.children])
        column = self._columns[key_of(node)]
        codes = column.accepted(node)
        if deny:
            codes = set(column.codes()) - codes
        if column.either is not None:
            codes = codes | {column.either}
        return within(column, codes)


def _leaves(tree: Node | None) -> Iterator[Leaf | ListLeaf]:
    """Leaves and list leaves, not those within list leaves."""
    if isinstance(tree, (Leaf, ListLeaf)):
        yield tree
    elif isinstance(tree, Not):
        yield from _leaves(tree.child)
    elif tree is not None:
        for child in tree.children:
            yield from _leaves(child)


def joined(every: bool, parts: list[Expression]) -> Expression:
    """The parts joined; constants and nested joints of the same kind are folded away."""
    flat: list[Expression] = []
    for part in parts:
        if isinstance(part, Joined) and part.every is every:
            flat.extend(part.parts)
        elif part == (FALSE if every else TRUE):
            return part
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else Joined(every, tuple(flat))


def within(column: Column, codes: set[int]) -> Expression:
    """The column holds one of the codes."""
    known = column.codes()
    spans: list[Span] = []
    for code in sorted(codes.intersection(known)):
        if spans and spans[-1][1] == code - 1:
            spans[-1] = (spans[-1][0], code)
        else:
            spans.append((code, code))
    bounds = (known[0], known[-1])
    if spans == [bounds]:
        return TRUE
    return In(column.number, tuple(spans), bounds) if spans else FALSE


def holds(expression: Expression, facts: Facts) -> bool:
    """What the engine is expected to find, for tests of the plan alone."""
    if isinstance(expression, In):
        return any(low <= facts[expression.column] <= high for low, high in expression.spans)
    found = (holds(part, facts) for part in expression.parts)
    return all(found) if expression.every else any(found)
