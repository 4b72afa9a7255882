"""When a condition may change by the passage of time alone: never later than it does, perhaps earlier.

Two things move: the date of today at every local midnight, and derived durations (`age`), which grow with
time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from rules.conditions.operands import Today
from rules.conditions.scope import Path, Scope
from rules.conditions.tree import Group, ItemScope, Leaf, ListLeaf, Node, Not, items_of
from rules.conditions.values import Domain
from schemas.time import day_start

Flip = Callable[[Scope, int], int | None]
LAST_DAY = dt.date.max.toordinal()


def flips_of(node: Node) -> tuple[Flip, ...]:
    """The functions (scope, after) -> earliest change after `after`, one per leaf that time can change."""
    if isinstance(node, Leaf):
        return (_leaf_flip(node),) if node.timed() else ()
    if isinstance(node, Not):
        return flips_of(node.child)
    if isinstance(node, Group):
        return tuple(flip for child in node.children for flip in flips_of(child))
    inner = flips_of(node.inner)
    return (_list_flip(node, inner),) if inner else ()


def earliest(flips: tuple[Flip, ...], scope: Scope, after: int) -> int | None:
    """The least of the flips, None when there is none."""
    found = [at for flip in flips if (at := flip(scope, after)) is not None]
    return min(found, default=None)


def _list_flip(node: ListLeaf, inner: tuple[Flip, ...]) -> Flip:
    def flip(scope: Scope, after: int) -> int | None:
        items = items_of(scope, node.path) or ()
        found = [earliest(inner, ItemScope(scope, item), after) for item in items]
        return min((at for at in found if at is not None), default=None)

    return flip


def _leaf_flip(leaf: Leaf) -> Flip:
    return _length_flip(leaf) if leaf.domain is Domain.DURATION else _today_flip(leaf)


def _today_flip(leaf: Leaf) -> Flip:
    """The midnights at which the moved today reaches, or passes, the day it is compared with."""
    todays = [operand for operand in leaf.operands if isinstance(operand, Today)]
    read = leaf.read

    def flip(scope: Scope, after: int) -> int | None:
        day = read(scope) if read else None
        if not isinstance(day, int):
            return None
        starts = [start for today in todays for start in _midnights(today, day, scope)]
        return min((start for start in starts if start > after), default=None)

    return flip


def _midnights(today: Today, day: int, scope: Scope) -> Iterator[int]:
    """Starts of the first local day whose moved date is not before `day`, and of the first that is after
    it.
    """
    for target in (day, day + 1):
        first = _first_reaching(today, target)
        if first is not None:
            yield day_start(dt.date.fromordinal(first), scope.zone)


def _first_reaching(today: Today, target: int) -> int | None:
    """The least ordinal d with today.of(d) >= target (`of` is monotone); None when no day reaches it."""
    low, high = 1, LAST_DAY
    if today.of(high) < target:
        return None
    while low < high:
        middle = (low + high) // 2
        if today.of(middle) >= target:
            high = middle
        else:
            low = middle + 1
    return low


def _length_flip(leaf: Leaf) -> Flip:
    """The instants at which a growing length reaches, or passes, what it is compared with."""
    read = leaf.read
    others = [(operand.read, getattr(operand, "path", None)) for operand in leaf.operands]

    def flip(scope: Scope, after: int) -> int | None:
        own = read(scope) if read else None
        if not isinstance(own, int):
            return None
        growing = _grows(scope, leaf.path)
        starts: list[int] = []
        for value_of, path in others:
            value = value_of(scope)
            if isinstance(value, int) and growing is not (path is not None and _grows(scope, path)):
                left = value - own if growing else own - value
                starts += (scope.at + left, scope.at + left + 1)
        return min((start for start in starts if start > after), default=None)

    return flip


def _grows(scope: Scope, path: Path) -> bool:
    """Derived durations are int us as of the judged instant; those of events are texts and stay as they
    are.
    """
    return type(scope.get(path)) is int
