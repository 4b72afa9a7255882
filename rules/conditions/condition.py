"""Compiled conditions: `compile_condition` turns a document into an immutable `Condition`.

    doc (model.py) --check.py--> tree (tree.py) --+--> holds        closures, 1-2 us for three leaves
                                                  +--> explain      explain.py
                                                  +--> next_flip    flip.py
                                                  +--> matching/    codes for durable-rules

A condition has no state and asks only its scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from rules.conditions.check import Checker
from rules.conditions.explain import EVERYTHING, Explanation, explain
from rules.conditions.flip import Flip, earliest, flips_of
from rules.conditions.model import ConditionDoc
from rules.conditions.names import EntityNames, EventNames, Names
from rules.conditions.scope import Path, Scope
from rules.conditions.tree import Node, build, equalities, reads
from rules.problems import Loc, Problem, raise_all
from schemas.types import FieldType

__all__ = ["ALWAYS", "Condition", "Explanation", "compile_condition", "compile_tree"]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What must hold. `holds(scope)` judges it natively.

    source: the document, None for ALWAYS. tree: its checked form. reads: all paths it may ask of a scope.
    equalities: (path, value) pairs without which it cannot hold. time_dependent: time alone may change it.
    """

    source: ConditionDoc | None
    tree: Node | None
    reads: frozenset[Path]
    equalities: frozenset[tuple[Path, str | bool]]
    time_dependent: bool
    holds: Callable[[Scope], bool]
    flips: tuple[Flip, ...] = ()

    def explain(self, scope: Scope) -> Explanation:
        """Why it holds or not, leaf by leaf; `.result` is what `holds` says."""
        return EVERYTHING if self.tree is None else explain(self.tree, scope)

    def next_flip(self, scope: Scope, after: int) -> int | None:
        """The earliest instant (us) later than `after` at which `holds` may change though no field does.

        None when time alone never changes it any more. It may be too early, never too late. `after` is not
        before `scope.at`; the judged fields are those of `scope`.
        """
        return earliest(self.flips, scope, after)


def _always(scope: Scope) -> bool:
    return True


ALWAYS = Condition(None, None, frozenset(), frozenset(), False, _always)
"""No `where`: holds everywhere."""


def compile_condition(
    doc: ConditionDoc | None,
    *,
    kind: str,
    root: Literal["entity", "event"] = "entity",
    declared: Mapping[str, FieldType] | None = None,
    types: Iterable[str] = (),
    after: Iterable[str] = (),
) -> Condition:
    """Check and compile one condition; None is ALWAYS.

    Args:
        kind: the watched entity's kind.
        root: what bare names belong to. In an event's `where`, bare names are the event's data.
        declared: the workspace's own fields, `"kind.field"` -> type.
        types: the event types that bare names (root event) or `event.*` (root entity) belong to.
        after: the types of the earlier event, for `after.*`.

    Raises:
        RuleErrors: all that is wrong, SW-RULE-032 to -036, placed by dotted path within the condition.

    >>> doc = ConditionDoc.model_validate({"field": "amount", "op": ">", "value": 500000})
    >>> compile_condition(doc, kind="contract").reads >= {("amount",)}
    True
    """
    problems: list[Problem] = []
    fields: Mapping[str, FieldType] = declared or {}
    names: Names = EntityNames(kind, fields, tuple(types), tuple(after))
    if root == "event":
        names = EventNames(tuple(types), fields, tuple(after))
    condition = compile_tree(doc, names, root == "event", (), problems)
    raise_all(problems)
    return condition


def compile_tree(
    doc: ConditionDoc | None, names: Names, in_event: bool, loc: Loc, problems: list[Problem]
) -> Condition:
    """As `compile_condition`, with the names given and problems appended instead of raised (then: ALWAYS)."""
    if doc is None:
        return ALWAYS
    checker = Checker(in_event, problems)
    tree = checker.node(doc, names, loc)
    if tree is None:
        return ALWAYS
    flips = flips_of(tree)
    return Condition(doc, tree, reads(tree), equalities(tree), bool(flips), build(tree), flips)
