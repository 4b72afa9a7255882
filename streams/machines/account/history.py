"""All moments of an entity for one rule, in fold order.

They are its own events, those below and above it, those by which a document above it came to name others,
those of the customer alone, and changes of its owner. What was above or below it once counts too: what it
said held until the link went. Reads rows through a `World`; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.machines.account import entities
from streams.machines.account.entities import Order, Row
from streams.machines.account.implied import first_named
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
        found.append((first_named(row), [row["c"], *row["im"][1:]], f"first|{native}", True))
    found.extend(_below(world, active, kind, native))
    found.extend(_of_customer(world, active))
    if row is not None:
        found.extend(_above(world, active, row))
        found.extend(_owner_changes(world, active, row))
    only_later = active.reset or (active.others and active.runs_overlap)
    since = active.since if only_later else None
    kept = [f for f in found if since is None or f[1][1] > since]
    return sorted(kept, key=lambda f: f[1])


def ever_above(world: World, row: Row, through: frozenset[str] | None = None) -> list[tuple[str, str]]:
    """All documents that were ever above the entity, by the history as it is now, the account last.

    through: kinds whose own documents above count (None: all).
    """
    itself = (row["kind"], row["id"])
    found = _ever_named(world, *itself)
    for kind, native in found:  # it grows
        if through is None or kind in through:
            found.extend(one for one in _ever_named(world, kind, native) if one not in found)
    known = [one for one in found if one != itself]
    if world.account_id is not None and row["kind"] != "account":
        known.append(("account", world.account_id))
    return known


def _ever_named(world: World, kind: str, native: str) -> list[tuple[str, str]]:
    """Documents that any version of the entity named."""
    found: dict[tuple[str, str], None] = {}
    row: Row | None = None
    for item in world.effective_events(kind, native):
        row = entities.apply(row, kind, native, item["e"], item["o"], world.settings)
        if not found or _names_documents(kind, item["e"]):
            found.update(((parent, world.known_as(parent, one)), None) for parent, one in row.get("p", ()))
    return list(found)


def renamed_since(world: World, kind: str, native: str, order: Order) -> bool:
    """Did the entity name other documents behind that place of the history?"""
    row = world.row(kind, native)
    return (
        row is not None
        and row["o"] > order
        and any(
            _names_documents(kind, e["e"]) for e in world.effective_events(kind, native) if e["o"] > order
        )
    )


def overtaken(world: World, active: Active, row: Row, order: Order) -> bool:
    """Has something that the rule reads of documents above the entity, or by way of them, a newer event?"""
    if not active.joins:
        return False
    above = (one for one in world.ancestors(row) if one[0] in active.joins or one[0] in active.leads)
    return any(found is not None and found["o"] > order for found in (world.row(*one) for one in above))


def _names_documents(kind: str, event: Event) -> bool:
    """May it change what is above its entity, or what is below it? Its own id does not."""
    return any(field in entities.PARENT_FIELDS and field != kind for field in event["data"])


def _below(world: World, active: Active, kind: str, native: str) -> Iterable[Found]:
    types = active.types_below
    if not types and not active.reads_below:
        return
    now = set()
    for child in world.descendants(kind, native):
        now.add((child["kind"], child["id"]))
        for item in world.effective_events(child["kind"], child["id"]):
            if active.reads_below or item["e"]["type"] in types:
                yield item["e"], item["o"], item["r"], False
    if active.reads_below:
        for former in world.ever_below(kind, native):
            if former not in now:
                yield from _formerly_below(world, former, (kind, native))


def _formerly_below(world: World, former: tuple[str, str], above: tuple[str, str]) -> Iterable[Found]:
    """What happened to something that was below once: sums changed, but it is no named event any more."""
    row = world.row(*former)
    if row is not None and above in ever_above(world, row):
        for item in world.effective_events(*former):
            yield {**item["e"], "type": ""}, item["o"], item["r"], False


def _of_customer(world: World, active: Active) -> Iterable[Found]:
    known = world.ctx.get("al", active.name) if active.include_account else None
    for _, _, ref, name, *_ in known or ():
        kind, _, native = name.partition("|")
        for item in world.effective_events(kind, native):
            if item["r"] == ref:
                yield item["e"], item["o"], ref, False


def _above(world: World, active: Active, row: Row) -> Iterable[Found]:
    if not active.joins:
        return
    for kind, native in ever_above(world, row, active.leads):
        joined = kind in active.joins
        if joined or kind in active.leads:
            for item in world.effective_events(kind, native):
                if joined or _names_documents(kind, item["e"]):
                    yield item["e"], item["o"], item["r"], False


def _owner_changes(world: World, active: Active, row: Row) -> Iterable[Found]:
    owner = world.owner(row) if active.reads_owner else None
    for since, _ in (world.ctx.shared("person", owner) or ()) if owner else ():
        if since > 0:
            change = {"type": "", "data": {}, "time": since}
            yield change, [since, since, -1, 0], f"person|{owner}|{since}", False
