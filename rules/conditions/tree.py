"""The checked form of a condition: a tree of `all`, `any`, `not`, leaves and list leaves, and its evaluation.

A leaf answers True, False or None: None means that the amount could not be converted, and counts as matched
whether the leaf stands under `not` or not. So `not` is pushed down to the leaves before anything is
evaluated. Nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from rules.conditions.model import ConditionDoc
from rules.conditions.names import ITEM
from rules.conditions.operands import Constant, Operand, Today
from rules.conditions.scope import Path, Scope, walk
from rules.conditions.values import Domain, Key, Reader

Test = Callable[[Scope], bool]
Answer = bool | None

RANKED = frozenset({"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "between"})
"""Operators that compare one value with others of its domain."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One comparison. `read` and `domain` are None when the operator needs neither (is_set, lists).

    rated: whether the answer may be None. doc: what was written, for explanations.
    """

    doc: ConditionDoc
    path: Path
    op: str
    answer: Callable[[Scope], Answer]
    domain: Domain | None = None
    read: Reader | None = None
    operands: tuple[Operand, ...] = ()
    reads: tuple[Path, ...] = ()
    rated: bool = False

    def constants(self) -> tuple[Key, ...] | None:
        """The keys it is compared with, when there are only constants; else None."""
        if self.read is None or self.op not in RANKED:
            return None
        keys = tuple(operand.key for operand in self.operands if isinstance(operand, Constant))
        return keys if len(keys) == len(self.operands) else None

    def timed(self) -> bool:
        """Whether time alone may change the answer."""
        return self.domain is Domain.DURATION or any(isinstance(o, Today) for o in self.operands)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """`all` or `any` of the children."""

    kind: str
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """The opposite of the child."""

    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class ListLeaf:
    """`any_of` or `all_of` the items of the list at `path`; `inner` is judged on each."""

    kind: str
    path: Path
    name: str
    inner: Node
    positive: Test = field(init=False)
    negative: Test = field(init=False)
    rated: bool = field(init=False)

    def __post_init__(self) -> None:
        quantify = _quantifier(self.kind)
        object.__setattr__(self, "positive", quantify(self.path, build(self.inner)))
        object.__setattr__(self, "negative", _denied(self.kind)(self.path, build(self.inner, deny=True)))
        object.__setattr__(self, "rated", any(leaf.rated for leaf in leaves(self.inner)))

    def answer(self, scope: Scope) -> Answer:
        """True, False, or None when a missing rate makes both it and its opposite hold."""
        if not self.positive(scope):
            return False
        return None if self.rated and self.negative(scope) else True


Node = Leaf | ListLeaf | Group | Not


class ItemScope:
    """The scope of one item of a list: paths that begin with `ITEM` are the item's, all others are
    outside.
    """

    __slots__ = ("_item", "_outer", "at", "zone")

    def __init__(self, outer: Scope, item: object) -> None:
        self._outer = outer
        self._item = item
        self.at: int = outer.at
        self.zone: ZoneInfo = outer.zone

    def get(self, path: Path) -> object:
        """As `Scope.get`."""
        return walk(self._item, path[1:]) if path[0] == ITEM else self._outer.get(path)

    def rate(self, currency: str) -> Decimal | None:
        """As `Scope.rate`."""
        return self._outer.rate(currency)

    def missing_rate(self, currency: str) -> None:
        """As `Scope.missing_rate`."""
        self._outer.missing_rate(currency)


def items_of(scope: Scope, path: Path) -> list[object] | None:
    """The objects of the list at `path`; None when there is no list. Items that are no objects are left
    out.
    """
    raw = scope.get(path)
    if not isinstance(raw, (list, tuple)):
        return None
    return [item for item in raw if isinstance(item, Mapping)]


def build(node: Node, deny: bool = False) -> Test:
    """The test of a tree, or of its opposite."""
    if isinstance(node, Not):
        return build(node.child, not deny)
    if isinstance(node, Group):
        tests = tuple(build(child, deny) for child in node.children)
        return _all(tests) if (node.kind == "all") is not deny else _any(tests)
    if isinstance(node, ListLeaf):
        return node.negative if deny else node.positive
    return _denying(node.answer) if deny else _affirming(node)


def _affirming(leaf: Leaf) -> Test:
    answer = leaf.answer
    return (lambda scope: answer(scope) is not False) if leaf.rated else cast(Test, answer)


def _denying(answer: Callable[[Scope], Answer]) -> Test:
    return lambda scope: not answer(scope)


def _all(tests: tuple[Test, ...]) -> Test:
    """Nested closures: quicker than a loop over a tuple."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda scope: first(scope) and second(scope)
    one, two, three = (_all(part) for part in _thirds(tests))
    return lambda scope: one(scope) and two(scope) and three(scope)


def _any(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda scope: first(scope) or second(scope)
    one, two, three = (_any(part) for part in _thirds(tests))
    return lambda scope: one(scope) or two(scope) or three(scope)


def _thirds(tests: tuple[Test, ...]) -> tuple[tuple[Test, ...], ...]:
    third = len(tests) // 3
    return tests[:third], tests[third : 2 * third], tests[2 * third :]


def _quantifier(kind: str) -> Callable[[Path, Test], Test]:
    return _some if kind == "any_of" else _each


def _denied(kind: str) -> Callable[[Path, Test], Test]:
    """The opposite: a missing list fits neither `any_of` nor `all_of`, so it fits both opposites."""
    return _each_or_missing if kind == "any_of" else _some_or_missing


def _some(path: Path, test: Test) -> Test:
    return lambda scope: any(test(ItemScope(scope, item)) for item in items_of(scope, path) or ())


def _each(path: Path, test: Test) -> Test:
    def holds(scope: Scope) -> bool:
        items = items_of(scope, path)
        return items is not None and all(test(ItemScope(scope, item)) for item in items)

    return holds


def _each_or_missing(path: Path, test: Test) -> Test:
    return lambda scope: all(test(ItemScope(scope, item)) for item in items_of(scope, path) or ())


def _some_or_missing(path: Path, test: Test) -> Test:
    def holds(scope: Scope) -> bool:
        items = items_of(scope, path)
        return items is None or any(test(ItemScope(scope, item)) for item in items)

    return holds


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves, those within list leaves included."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, ListLeaf):
        yield from leaves(node.inner)
    elif isinstance(node, Not):
        yield from leaves(node.child)
    else:
        for child in node.children:
            yield from leaves(child)


def reads(node: Node) -> frozenset[Path]:
    """All paths asked of the scope; of a list leaf the list itself and what its items refer to outside."""
    if isinstance(node, Leaf):
        return frozenset(node.reads)
    if isinstance(node, ListLeaf):
        return frozenset(p for p in reads(node.inner) if p[0] != ITEM) | {node.path}
    children = (node.child,) if isinstance(node, Not) else node.children
    return frozenset().union(*(reads(child) for child in children))


def equalities(node: Node) -> frozenset[tuple[Path, str | bool]]:
    """The (path, value) that must be equal for the tree to hold: `eq` leaves joined by `all` from the top."""
    if isinstance(node, Group) and node.kind == "all":
        return frozenset().union(*(equalities(child) for child in node.children))
    if isinstance(node, Leaf) and node.op == "eq":
        keys = node.constants() or ()
        return frozenset((node.path, key) for key in keys if isinstance(key, (str, bool)))
    return frozenset()
