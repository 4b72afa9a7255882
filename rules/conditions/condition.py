"""Compiled conditions: the interface. `compile_condition` turns a document into a `Condition`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from rules.conditions.model import ConditionDoc
from rules.conditions.scope import Path, Scope
from schemas.types import FieldType


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a condition held or not: a tree.

    kind: all, any, not, leaf, any_of, all_of, always. Leaves have path, op, expected, found (texts). `zh`
    and `en` are one line each.
    """

    kind: str
    result: bool
    zh: str
    en: str
    path: str = ""
    op: str = ""
    expected: str = ""
    found: str = ""
    children: tuple[Explanation, ...] = ()

    def to_dict(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """Immutable; `holds(scope)`, `explain(scope)`, `next_flip(scope, after)`."""

    source: ConditionDoc | None
    reads: frozenset[Path]
    equalities: frozenset[tuple[Path, str | bool]]
    time_dependent: bool
    holds: Callable[[Scope], bool]

    def explain(self, scope: Scope) -> Explanation:
        raise NotImplementedError

    def next_flip(self, scope: Scope, after: int) -> int | None:
        raise NotImplementedError


ALWAYS = Condition(None, frozenset(), frozenset(), False, lambda scope: True)


def compile_condition(
    doc: ConditionDoc,
    *,
    kind: str,
    root: Literal["entity", "event"] = "entity",
    declared: Mapping[str, FieldType] | None = None,
    types: Iterable[str] = (),
    after: Iterable[str] = (),
) -> Condition:
    """Check and compile.

    kind: the watched entity's kind. root: what bare fields belong to. types: the event types whose data bare
    fields (root event) or `event.*` (root entity) name. after: the types of the earlier event, for `after.*`.
    Raises RuleErrors.
    """
    raise NotImplementedError
