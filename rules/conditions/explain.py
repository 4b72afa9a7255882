"""Why a condition holds or not: a tree of what was expected and what was found, in Chinese and English.

It judges by the native evaluator, leaf by leaf, without short cuts; it decides nothing of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules.conditions.model import ConditionDoc, FieldOperand
from rules.conditions.scope import Path, Scope
from rules.conditions.tree import ItemScope, Leaf, ListLeaf, Node, Not, build, items_of
from rules.conditions.values import UNRATED
from schemas.errors import show

NOTHING = "—"
"""A missing value, in both languages."""
MAX_ITEMS = 20
"""Items of a list leaf that are explained one by one; the result counts all."""

WORDS: dict[str, tuple[str, str]] = {
    "eq": ("等于", "equals"),
    "ne": ("不等于", "does not equal"),
    "gt": ("大于", "is greater than"),
    "gte": ("不小于", "is at least"),
    "lt": ("小于", "is less than"),
    "lte": ("不大于", "is at most"),
    "in": ("属于", "is one of"),
    "not_in": ("不属于", "is none of"),
    "contains": ("包含", "contains"),
    "starts_with": ("开头是", "starts with"),
    "matches": ("符合模式", "matches"),
    "is_set": ("有值", "is set"),
    "is_empty": ("为空", "is empty"),
    "between": ("介于", "is between"),
    "changed": ("有变化", "changed"),
    "all": ("全部满足", "all hold"),
    "any": ("至少一项满足", "at least one holds"),
    "not": ("不成立", "does not hold"),
    "any_of": ("至少一条满足", "at least one item fits"),
    "all_of": ("每条都满足", "every item fits"),
}
"""Operator or group -> Chinese, English."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a condition held or not: a tree.

    kind: all, any, not, leaf, any_of, all_of, always. Leaves have path, op, expected and found, all texts;
    a list leaf has one child per item. unrated: the amount's currency has no rate, so the leaf counts as
    matched. The result of a `not` is always the opposite of its child's. `zh` and `en` are one line each.
    """

    kind: str
    result: bool
    zh: str
    en: str
    path: str = ""
    op: str = ""
    expected: str = ""
    found: str = ""
    unrated: bool = False
    children: tuple[Explanation, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """JSON form; empty fields are left out."""
        full: dict[str, object] = {"kind": self.kind, "result": self.result, "zh": self.zh, "en": self.en}
        texts = {"path": self.path, "op": self.op, "expected": self.expected, "found": self.found}
        full.update({name: text for name, text in texts.items() if text})
        if self.unrated:
            full["unrated"] = True
        if self.children:
            full["children"] = [child.to_dict() for child in self.children]
        return full

    def lines(self, language: str = "en", indent: int = 0) -> list[str]:
        """The tree as indented lines, in `zh` or `en`."""
        mark = "✓" if self.result else "✗"
        own = f"{'  ' * indent}{mark} {self.zh if language == 'zh' else self.en}"
        return [own, *(line for child in self.children for line in child.lines(language, indent + 1))]


EVERYTHING = Explanation("always", True, "没有条件，总是满足", "no condition: always holds")


def explain(node: Node, scope: Scope, deny: bool = False) -> Explanation:
    """Explain a tree. deny: an odd number of `not` stands above (only matters for amounts without a rate)."""
    if isinstance(node, Leaf):
        return _leaf(node, scope, deny)
    if isinstance(node, ListLeaf):
        return _list(node, scope, deny)
    result = build(node, deny)(scope) is not deny
    if isinstance(node, Not):
        child = explain(node.child, scope, not deny)
        return _inner("not", result, (child,))
    return _inner(node.kind, result, tuple(explain(child, scope, deny) for child in node.children))


def _inner(kind: str, result: bool, children: tuple[Explanation, ...]) -> Explanation:
    zh, en = WORDS[kind]
    verdict_zh, verdict_en = _verdict(result)
    return Explanation(kind, result, f"{zh}：{verdict_zh}", f"{en}: {verdict_en}", children=children)


def _verdict(result: bool) -> tuple[str, str]:
    return ("是", "yes") if result else ("否", "no")


def _leaf(leaf: Leaf, scope: Scope, deny: bool) -> Explanation:
    answer = leaf.answer(scope)
    unrated = answer is None
    result = not deny if unrated else bool(answer)
    name = leaf.doc.field or ""
    expected, found = _expected(leaf, scope), _found(leaf, scope)
    zh_op, en_op = WORDS[leaf.op]
    tail = f" {expected}" if expected else ""
    zh, en = f"{name} {zh_op}{tail}：实际 {found}", f"{name} {en_op}{tail}: found {found}"
    if unrated:
        zh, en = f"{zh}，缺少汇率，按满足处理", f"{en}, no rate for its currency, counts as matched"
    return Explanation("leaf", result, zh, en, name, leaf.op, expected, found, unrated)


def _found(leaf: Leaf, scope: Scope) -> str:
    text = _raw(scope, leaf.path)
    if leaf.op == "changed":
        return f"{_raw(scope, ('was', *leaf.path))} → {text}"
    value = leaf.read(scope) if leaf.read and leaf.rated else None
    if isinstance(value, (int, Decimal)) and str(value) != text.strip('"'):
        return f"{text} = {_plain(value)}"
    return text


def _raw(scope: Scope, path: Path) -> str:
    value = scope.get(path)
    return NOTHING if value is None else show(value)


def _expected(leaf: Leaf, scope: Scope) -> str:
    value = leaf.doc.value
    if value is None:
        return ""
    if isinstance(value, tuple):
        return f"[{', '.join(_value(leaf, part, scope, i) for i, part in enumerate(value[:MAX_ITEMS]))}]"
    return _value(leaf, value, scope, 0)


def _value(leaf: Leaf, value: object, scope: Scope, index: int) -> str:
    """A value as written, with what it came to when it is another field or today."""
    operand = leaf.operands[index] if index < len(leaf.operands) else None
    if isinstance(value, FieldOperand):
        found = operand.read(scope) if operand else None
        return f"{_formula(value)} = {NOTHING if found is None or found is UNRATED else _plain(found)}"
    if isinstance(value, str) and value.lstrip().startswith("today") and operand is not None:
        return f"{value} ({_day(operand.read(scope))})"
    return _plain(value)


def _day(ordinal: object) -> str:
    return dt.date.fromordinal(ordinal).isoformat() if isinstance(ordinal, int) else NOTHING


def _formula(value: FieldOperand) -> str:
    text = value.field if value.times is None else f"{value.field} × {value.times}"
    return text if value.plus is None else f"{text} + {value.plus}"


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 40 else str(value)
    return show(value)


def _list(node: ListLeaf, scope: Scope, deny: bool) -> Explanation:
    answer = node.answer(scope)
    result = not deny if answer is None else answer
    items: Sequence[object] = items_of(scope, node.path) or ()
    shown = [explain(node.inner, ItemScope(scope, item), deny) for item in items[:MAX_ITEMS]]
    zh, en = WORDS[node.kind]
    children = tuple(shown)
    found = f"[{len(items)}]" if items else _raw(scope, node.path)
    return Explanation(
        node.kind,
        result,
        f"{node.name} {zh}：{len(items)} 条，{_verdict(result)[0]}",
        f"{node.name} {en}: {len(items)} items, {_verdict(result)[1]}",
        node.name,
        node.kind,
        found=found,
        unrated=answer is None,
        children=children,
    )


def describe(doc: ConditionDoc) -> str:
    """One line of a condition as a person would say it, without judging it; for lists of rules."""
    if doc.field is not None:
        value = doc.value
        shown = _formula(value) if isinstance(value, FieldOperand) else "" if value is None else _words(value)
        return f"{doc.field} {WORDS[doc.op or 'eq'][1]} {shown}".rstrip()
    if doc.not_ is not None:
        return f"not ({describe(doc.not_)})"
    if doc.where is not None:
        head = f"any of {doc.any_of}" if doc.any_of else f"all of {doc.all_of}"
        return f"{head} ({describe(doc.where)})"
    word = " and " if doc.all is not None else " or "
    return word.join(f"({describe(part)})" for part in doc.all or doc.any or ())


def _words(value: object) -> str:
    return ", ".join(_words(part) for part in value) if isinstance(value, tuple) else _plain(value)
