"""What each operator answers: a registry from operator to the function that makes a leaf's `answer`.

Missing values: False, except for `ne`, `not_in` (True) and `is_empty`. An amount without a rate: None. Which
operators a field's type has is told here too; nothing is checked and no document is read.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import cast

from rules.conditions.operands import Constant, Operand
from rules.conditions.patterns import compile_pattern
from rules.conditions.scope import Path, Scope
from rules.conditions.tree import Answer
from rules.conditions.values import UNRATED, Reader, number
from schemas.types import FieldType

Answering = Callable[[Scope], Answer]
Compare = Callable[[object, object], bool]

_ANY = frozenset({"is_set", "is_empty", "changed"})
_EQUAL = frozenset({"eq", "ne", "in", "not_in"}) | _ANY
_ORDERED = _EQUAL | {"gt", "gte", "lt", "lte", "between"}
_TEXT = _EQUAL | {"contains", "starts_with", "matches"}
OPERATORS_OF: dict[FieldType, frozenset[str]] = {
    FieldType.TEXT: _TEXT,
    FieldType.ID: _TEXT,
    FieldType.NUMBER: _ORDERED,
    FieldType.MONEY: _ORDERED,
    FieldType.DATE: _ORDERED,
    FieldType.INSTANT: _ORDERED,
    FieldType.DURATION: _ORDERED,
    FieldType.BOOL: frozenset({"eq", "ne"}) | _ANY,
    FieldType.LIST: frozenset({"contains"}) | _ANY,
    FieldType.MAP: _ANY,
}
"""Field type -> the operators it has."""

COMPARES: dict[str, Compare] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": cast(Compare, operator.gt),
    "gte": cast(Compare, operator.ge),
    "lt": cast(Compare, operator.lt),
    "lte": cast(Compare, operator.le),
}


def comparison(op: str, read: Reader, operand: Operand, rated: bool) -> Answering:
    """`eq ne gt gte lt lte` against one operand."""
    compare, missing = COMPARES[op], op == "ne"
    if isinstance(operand, Constant) and not rated:
        return _with_constant(compare, missing, read, operand.key)
    value_of = operand.read

    def answer(scope: Scope) -> Answer:
        left, right = read(scope), value_of(scope)
        if left is None or right is None:
            return missing
        if left is UNRATED or right is UNRATED:
            return None
        return compare(left, right)

    return answer


def _with_constant(compare: Compare, missing: bool, read: Reader, key: object) -> Answering:
    def answer(scope: Scope) -> Answer:
        left = read(scope)
        return missing if left is None else compare(left, key)

    return answer


def membership(op: str, read: Reader, operands: tuple[Operand, ...]) -> Answering:
    """`in` and `not_in`: equal to any of the operands; a missing operand equals nothing."""
    within = op == "in"

    def answer(scope: Scope) -> Answer:
        left = read(scope)
        if left is None:
            return not within
        if left is UNRATED:
            return None
        unrated = False
        for operand in operands:
            right = operand.read(scope)
            if right == left:
                return within
            unrated = unrated or right is UNRATED
        return None if unrated else not within

    return answer


def fixed_membership(op: str, read: Reader, keys: frozenset[object]) -> Answering:
    """`in` and `not_in` among constants of a domain without rates: one look into a set."""
    within = op == "in"

    def answer(scope: Scope) -> Answer:
        left = read(scope)
        if left is None:
            return not within
        return (left in keys) is within

    return answer


def between(read: Reader, low: Operand, high: Operand) -> Answering:
    """`low <= value <= high`."""
    at_most = COMPARES["lte"]

    def answer(scope: Scope) -> Answer:
        left, least, most = read(scope), low.read(scope), high.read(scope)
        if left is None or least is None or most is None:
            return False
        if left is UNRATED or least is UNRATED or most is UNRATED:
            return None
        return at_most(least, left) and at_most(left, most)

    return answer


def contains_text(read: Reader, part: str) -> Answering:
    """The part stands somewhere in the text."""
    return _of_text(read, lambda text: part in text)


def starts_with(read: Reader, part: str) -> Answering:
    """The text begins with the part."""
    return _of_text(read, lambda text: text.startswith(part))


def matches(read: Reader, pattern: str) -> Answering:
    """The whole text fits the pattern. Raises PatternError."""
    return _of_text(read, compile_pattern(pattern))


def _of_text(read: Reader, test: Callable[[str], bool]) -> Answering:
    def answer(scope: Scope) -> Answer:
        text = read(scope)
        return isinstance(text, str) and test(text)

    return answer


def contains_item(path: Path, key: object) -> Answering:
    """The list at `path` has an item equal to the key; numbers are equal by value, else types must be the
    same.
    """
    numeric = not isinstance(key, (str, bool))

    def answer(scope: Scope) -> Answer:
        raw = scope.get(path)
        if not isinstance(raw, (list, tuple)):
            return False
        if numeric:
            return any(number(item) == key for item in raw if not isinstance(item, str))
        return any(type(item) is type(key) and item == key for item in raw)

    return answer


def empty(raw: object) -> bool:
    """Missing, an empty text, an empty list or map."""
    return raw is None or raw in ("", [], {}, ())


def is_set(path: Path) -> Answering:
    """There is a value, and it is not empty."""
    return lambda scope: not empty(scope.get(path))


def is_empty(path: Path) -> Answering:
    """There is no value, or an empty one."""
    return lambda scope: empty(scope.get(path))


def changed(path: Path, read: Reader | None, read_was: Reader | None, in_event: bool) -> Answering:
    """The value differs from the one before (`was.`). In an event an absent field is unchanged.

    Compared as values of the field's domain: "1054.00" and 1054 are the same. Without readers as raw JSON.
    """
    was = ("was", *path)

    def answer(scope: Scope) -> Answer:
        now: object = read(scope) if read else scope.get(path)
        if now is None and in_event:
            return False
        return now != (read_was(scope) if read_was else scope.get(was))

    return answer
