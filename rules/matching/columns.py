"""Columns: what one field says, as a small integer that tells apart just what the conditions of a set ask.

A ranked column holds a value's place among all constants it is compared with: 2k + 1 for equal to the k-th,
2k for between its neighbours. A word column holds the number of the equal text, or one more for any other.
An answer column holds what a leaf answers that the engine could not judge. Exact: no number, text or date
goes any further.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from rules.conditions.scope import Scope
from rules.conditions.tree import Answer, Leaf, ListLeaf
from rules.conditions.values import UNRATED, Domain, Key, Reader

MISSING = -1
NO_RATE = -2

Encode = Callable[[Scope], int]


class Column(Protocol):
    """One column of a plan. `codes()` are all it can hold, `either` the one that fits a leaf and its
    opposite.
    """

    number: int
    either: int | None

    def codes(self) -> range: ...

    def accepted(self, leaf: Leaf | ListLeaf) -> set[int]:
        """The codes for which the leaf answers True."""
        ...

    def encoder(self) -> Encode: ...


@dataclass(slots=True)
class Ranked:
    """Numbers, money, days, instants, durations. keys: ascending, each once."""

    number: int
    read: Reader
    keys: list[Any]
    either: int | None

    def codes(self) -> range:
        """-2 without a rate (money only), -1 missing, then gap 0, the first key 1, gap 2, ..."""
        return range(MISSING if self.either is None else NO_RATE, 2 * len(self.keys) + 1)

    def accepted(self, leaf: Leaf | ListLeaf) -> set[int]:
        """By operator; a missing value only fits `ne` and `not_in`."""
        if not isinstance(leaf, Leaf):
            return set()
        last = 2 * len(self.keys)
        at = [2 * bisect_left(self.keys, key) + 1 for key in leaf.constants() or ()]
        low, high = at[0], at[-1]
        spans: dict[str, Iterable[int]] = {
            "eq": at,
            "in": at,
            "gt": range(low + 1, last + 1),
            "gte": range(low, last + 1),
            "lt": range(low),
            "lte": range(low + 1),
            "between": range(low, high + 1),
        }
        if leaf.op in ("ne", "not_in"):
            return set(range(MISSING, last + 1)) - set(at)
        return set(spans[leaf.op])

    def encoder(self) -> Encode:
        """One bisection."""
        read, keys, count = self.read, self.keys, len(self.keys)

        def encode(scope: Scope) -> int:
            value = read(scope)
            if value is None:
                return MISSING
            if value is UNRATED:
                return NO_RATE
            place = bisect_left(keys, value)
            return 2 * place + 1 if place < count and keys[place] == value else 2 * place

        return encode


@dataclass(slots=True)
class Words:
    """Texts and booleans, which are only equal or not."""

    number: int
    read: Reader
    keys: list[Key]
    either: int | None = None

    def codes(self) -> range:
        """-1 missing, the keys, and one more for any other."""
        return range(MISSING, len(self.keys) + 1)

    def accepted(self, leaf: Leaf | ListLeaf) -> set[int]:
        """By operator; a missing value only fits `ne` and `not_in`."""
        at = {self.keys.index(key) for key in (leaf.constants() or ())} if isinstance(leaf, Leaf) else set()
        denied = isinstance(leaf, Leaf) and leaf.op in ("ne", "not_in")
        return set(self.codes()) - at if denied else at

    def encoder(self) -> Encode:
        """One look into a dict."""
        read, other = self.read, len(self.keys)
        numbers: dict[object, int] = {key: i for i, key in enumerate(self.keys)}
        numbers[None] = MISSING
        number_of = numbers.get

        return lambda scope: number_of(read(scope), other)


_CODES: dict[Answer, int] = {False: 0, True: 1, None: 2}


@dataclass(slots=True)
class Answered:
    """What a leaf answers natively: 0 no, 1 yes, 2 the amount has no rate."""

    number: int
    leaf: Leaf | ListLeaf
    either: int | None

    def codes(self) -> range:
        """0 and 1, and 2 when it can be."""
        return range(2 if self.either is None else 3)

    def accepted(self, leaf: Leaf | ListLeaf) -> set[int]:
        """1; the one for both polarities is added by the plan."""
        return {1}

    def encoder(self) -> Encode:
        """The native answer."""
        answer = self.leaf.answer
        return lambda scope: _CODES[answer(scope)]


def key_of(leaf: Leaf | ListLeaf) -> tuple[object, ...]:
    """Leaves with the same key share a column: the same field in the same domain, or the very same
    question.
    """
    if isinstance(leaf, ListLeaf):
        return (id(leaf),)
    if leaf.constants() is not None:
        return (leaf.path, leaf.domain, leaf.reads[1:])
    return (leaf.path, leaf.domain, leaf.op, leaf.reads, repr(leaf.doc.value))


def column_of(number: int, leaves: list[Leaf | ListLeaf]) -> Column:
    """The column of all leaves with one key."""
    first = leaves[0]
    if not isinstance(first, Leaf) or first.read is None or first.constants() is None:
        return Answered(number, first, 2 if first.rated else None)
    keys = {key for leaf in leaves if isinstance(leaf, Leaf) for key in leaf.constants() or ()}
    if first.domain in (Domain.TEXT, Domain.BOOL):
        return Words(number, first.read, sorted(keys, key=repr))
    ordered: list[Any] = list(keys)
    return Ranked(number, first.read, sorted(ordered), NO_RATE if first.rated else None)
