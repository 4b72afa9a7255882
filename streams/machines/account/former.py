"""Former versions of rules: which of them still have anything under way in this partition.

An edited rule keeps its former versions until what they began has ended (`state_on_edit: keep`). The sweep
that follows an edit looks at every key; versions of which it saw no row are idle: they can begin nothing any
more, so they are neither compiled nor asked. One wakes when a move brings a row of it from another partition.
Shared rows: `rule` (`idle`: versions), `seen` by rule: versions that the sweep saw. It must not judge
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.kernel.contract import Context
from streams.machines.account.world import META

RULE, SEEN, RULES = "rule", "seen", "rules"


def epoch(ctx: Context) -> int:
    """Counts changes of rules and settings; compiled rules are kept until it moves."""
    return int(ctx.shared(META, RULES) or 0)


def bump(ctx: Context) -> None:
    """Rules or settings are others now."""
    ctx.put_shared(META, RULES, epoch(ctx) + 1)


def edited(ctx: Context, rule: str) -> None:
    """A sweep begins to look for what former versions have under way."""
    ctx.put_shared(SEEN, rule, None)


def keep(ctx: Context, rule: str, versions: set[int]) -> None:
    """The sweep has seen rows of these versions."""
    seen = ctx.shared(SEEN, rule) or []
    if not versions <= set(seen):
        ctx.put_shared(SEEN, rule, sorted({*seen, *versions}))


def keep_all(ctx: Context, what: Mapping[str, Any]) -> None:
    """A key is visited later, so that nothing is known of it yet."""
    if what["why"] == "rule":
        row = ctx.shared(RULE, what["rule"]) or {}
        keep(ctx, what["rule"], {old["v"] for old in row.get("old", ())})


def swept(ctx: Context, what: Mapping[str, Any]) -> None:
    """All keys were visited: versions of which nothing was seen are idle from now on."""
    row = ctx.shared(RULE, what["rule"]) if what["why"] == "rule" else None
    if row is None or row["v"] != what["v"] or not row.get("old"):
        return  # a newer edit has a sweep of its own
    seen = ctx.shared(SEEN, what["rule"]) or []
    _put_idle(ctx, what["rule"], row, [old["v"] for old in row["old"] if old["v"] not in seen])


def wake(ctx: Context, name: str) -> None:
    """A row of the version `rule@version` came from elsewhere."""
    rule, _, version = name.rpartition("@")
    row = ctx.shared(RULE, rule) if rule else None
    if row is not None and int(version) in row.get("idle", ()):
        _put_idle(ctx, rule, row, [idle for idle in row["idle"] if idle != int(version)])


def _put_idle(ctx: Context, rule: str, row: Mapping[str, Any], idle: list[int]) -> None:
    if idle != row.get("idle", []):
        ctx.put_shared(RULE, rule, {**row, "idle": idle})
        bump(ctx)
