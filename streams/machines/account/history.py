"""All moments of an entity for one rule, in fold order.

They are its own events, those below and above it, those of the customer alone, and changes of its owner.
Reads rows through a `World`; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.machines.account.entities import Order, Row
from streams.machines.account.rulebook import Active
from streams.machines.account.world import World

Event = Mapping[str, Any]
Found = tuple[Event, Order, str, bool]
"""(event, order, reference, whether it is the entity's own)."""


def moments(world: World, active: Active, kind: str, native: str) -> list[Found]:
    """All moments of the entity for this rule in fold order."""
    found: list[Found] = [(e["e"], e["o"], e["r"], True) for e in world.effective_events(kind, native)]
    row = world.row(kind, native)
    if row is not None and row.get("im"):
        first = {"type": "", "data": {}, "time": row["c"]}
        found.append((first, [row["c"], *row["im"][1:]], f"first|{native}", True))
    found.extend(_below(world, active, kind, native))
    found.extend(_of_customer(world, active))
    if row is not None:
        found.extend(_above(world, active, row))
        found.extend(_owner_changes(world, active, row))
    only_later = active.reset or (active.others and active.runs_overlap)
    since = active.since if only_later else None
    kept = [f for f in found if since is None or f[1][1] > since]
    return sorted(kept, key=lambda f: f[1])


def _below(world: World, active: Active, kind: str, native: str) -> Iterable[Found]:
    types = active.types_below
    if not types and not active.reads_below:
        return
    for child in world.descendants(kind, native):
        for item in world.effective_events(child["kind"], child["id"]):
            if active.reads_below or item["e"]["type"] in types:
                yield item["e"], item["o"], item["r"], False


def _of_customer(world: World, active: Active) -> Iterable[Found]:
    known = world.ctx.get("al", active.name) if active.include_account else None
    for _, _, ref, name, _ in known or ():
        kind, _, native = name.partition("|")
        for item in world.effective_events(kind, native):
            if item["r"] == ref:
                yield item["e"], item["o"], ref, False


def _above(world: World, active: Active, row: Row) -> Iterable[Found]:
    for kind, native in world.ancestors(row):
        if kind in active.joins:
            for item in world.effective_events(kind, native):
                yield item["e"], item["o"], item["r"], False


def _owner_changes(world: World, active: Active, row: Row) -> Iterable[Found]:
    owner = world.owner(row) if active.reads_owner else None
    for since, _ in (world.ctx.shared("person", owner) or ()) if owner else ():
        if since > 0:
            change = {"type": "", "data": {}, "time": since}
            yield change, [since, since, -1, 0], f"person|{owner}|{since}", False
