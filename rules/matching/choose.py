"""Which matcher is used: durable-rules; the native one where its engine is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from rules.conditions.condition import Condition
from rules.matching.matcher import Matcher
from rules.matching.native import NativeMatcher


def matcher(conditions: Sequence[Condition]) -> Matcher:
    """A matcher over the conditions."""
    if find_spec("durable_rules_engine") is None:
        return NativeMatcher(conditions)
    made: Matcher = import_module("rules.matching.durable").DurableMatcher(conditions)
    return made
