"""What the events of an entity have named, so that a correction, a deletion or a late event decides its route
as if all of it had been known from the start.

A note is kept of every event: a row of `streams.machines.corrections` whose event holds only what names
parents. The first of an entity stands in its route row (`f`), so one that has a single event has no row
more; all others stand in the bucket `note`, by reference. The latest event that names a parent decides; its
order stands in the route row (`o`), `c` says that there are corrections. It must not change routes; that is
`events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.kernel.contract import Context
from streams.machines.corrections import effective, moved_to, reference, target_of
from streams.machines.identity import naming
from streams.machines.identity.names import ID, NOTE, ROUTE
from streams.machines.identity.naming import MORE_OF_KIND, MORE_OF_TYPE, naming_fields, parent_of
from streams.machines.identity.node import Node

Event = Mapping[str, Any]
Note = dict[str, Any]
Order = list[int]

NEVER: Final[Order] = [-1]
"""The order of a route that no event gave: before every event."""


def note_of(kind: str, event: Event, at: int, number: int) -> Note:
    """The note of an event taken at `at` (us), the `number`th of its entity.

    Raises:
        EventError: a correction moves its event to what is no instant.
    """
    data, target = event["data"], target_of(event)
    order = [min(event["time"], at), at, number]
    if target is None:
        whole = not event["type"].endswith(".deleted")
        named = {name: data[name] for name in naming_fields(kind) if data.get(name)} if whole else {}
        more = MORE_OF_TYPE.get(event["type"])
        if more is None:
            return {"r": reference(event), "o": order, "e": {"data": named}}
        named |= {name: data[name] for name in more if name in data}
        return {"r": reference(event), "o": order, "e": {"type": event["type"], "data": named}}
    fields = (*naming_fields(kind), *MORE_OF_KIND.get(kind, ()))
    named = {name: data[name] for name in fields if name in data}
    note = {"r": reference(event), "o": order, "e": {"type": event["type"], "data": named}, "to": target}
    time = moved_to(event)
    return note if time is None else {**note, "t": time}


def notes(node: Node) -> list[Note]:
    """All notes of the entity, in no order."""
    first = node.row.get("f")
    return [*([] if first is None else [first]), *(note for _, note in node.ctx.scan(NOTE))]


def with_events(node: Node, kept: list[Note], events: Iterable[Event]) -> list[Note]:
    """The notes and those of events that go on now or wait still, in their order; known ones keep their
    place.
    """
    known = {note["r"] for note in kept}
    number = max((note["o"][2] for note in kept), default=-1)
    for event in events:
        note = note_of(node.kind, event, node.ctx.at, number + 1)
        if note["r"] not in known:
            number += 1
            known.add(note["r"])
            kept = [*kept, note]
    return kept


def keep(node: Node, kept: Iterable[Note]) -> None:
    """Write notes, the first of the entity into its route row."""
    for note in kept:
        if "to" in note and "c" not in node.row:
            node.set("c", 1)
        if "f" in node.row:
            node.ctx.put(NOTE, note["r"], note)
        else:
            node.set("f", note)


def decided(node: Node, kept: Iterable[Note]) -> tuple[str | None, Order]:
    """Key of the parent that the latest naming event names, and the order of that event."""
    for note in reversed(effective(kept)):
        parent = parent_of(node.kind, node.namespace, node.key, note["e"]["data"])
        if parent is not None:
            return parent, note["o"]
    return None, NEVER


def given(node: Node, kept: Iterable[Note]) -> dict[str, int]:
    """Keys that the events make follow the entity, each with the time (us) of the newest that gives it."""
    found: dict[str, int] = {}
    for note in effective(kept):
        event = note["e"]
        for key in naming.given(node.kind, node.namespace, node.key, event.get("type"), event["data"]):
            found[key] = max(found.get(key, note["o"][0]), note["o"][0])
    return found


def begin(ctx: Context, kind: str, event: Event, parent: str) -> bool:
    """Keep the route and the note of the first event of an entity, which names its account (`parent`); False
    when it is a correction or a deletion.
    """
    if "event" in event["data"] or event["type"].endswith(".deleted"):
        return False
    note = note_of(kind, event, ctx.at, 0)
    ctx.put(ID, ROUTE, {"k": parent, "f": note, "o": note["o"]})
    return True


def is_plain(ctx: Context, row: Mapping[str, Any], kind: str, event: Event, parent: str | None) -> bool:
    """Keep the note of an event that leaves the route of a known entity alone: it names no parent, or
    (`parent`) the present one and later than all. False when that cannot be told without the other notes.
    """
    if "c" in row or "event" in event["data"]:
        return False
    order = row.get("o", NEVER)
    if parent is not None and ("o" not in row or [min(event["time"], ctx.at), ctx.at] <= order[:2]):
        return False
    note = note_of(kind, event, ctx.at, order[2] + 1 if len(order) > 1 else 0)
    first = row.get("f")
    if (first is None or first["r"] != note["r"]) and ctx.get(NOTE, note["r"]) is None:
        ctx.put(NOTE, note["r"], note)
    return True
