"""Events that wait, at their own entity's key, for the route of a parent: in order, bounded, listed, never
dropped.

Fields of the route row while a key waits: `w` the parent it waits for, `n` how many events wait, `s` the
next number. The shared row (`parked`, key) says for what and since when, the shared row (`count`, `parked`)
how many in all. The name of a parked event is its number and its arrival. It must not decide where an event
goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.errors import EventError
from streams.machines.corrections import reference
from streams.machines.identity.names import COUNT, PARK, PARKED, PARKED_AS, Limits
from streams.machines.identity.node import Node

Event = Mapping[str, Any]


def park(node: Node, event: Event, limits: Limits) -> None:
    """Put the event behind those that wait already; one that is among them waits once.

    Raises:
        EventError: SW-STREAM-042, -043 when too many wait; the older ones are kept.
    """
    name = reference(event)
    if _waits(node, name, event):
        return
    count: int = node.row.get("n", 0)
    total: int = node.ctx.shared(COUNT, PARKED) or 0
    if count >= limits.entity:
        raise _full("SW-STREAM-042", node, limits.entity)
    if total >= limits.partition:
        raise _full("SW-STREAM-043", node, limits.partition)
    number: int = node.row.get("s", 0)
    place = f"{number:012d}|{node.ctx.at}"
    node.ctx.put(PARK, place, event)
    node.ctx.put(PARKED_AS, name, place)
    node.set("n", count + 1)
    node.set("s", number + 1)
    node.ctx.put_shared(COUNT, PARKED, total + 1)


def _waits(node: Node, name: str, event: Event) -> bool:
    """Whether the same event waits; other content under its name is for the account to refuse."""
    place = node.ctx.get(PARKED_AS, name)
    waiting = None if place is None else node.ctx.get(PARK, place)
    return waiting is not None and all(waiting[part] == event[part] for part in ("type", "time", "data"))


def _full(code: str, node: Node, limit: int) -> EventError:
    return EventError(
        code,
        place=node.key,
        expected=f"at most {limit} waiting events",
        found=f"waiting for {node.row.get('w', 'a parent')}",
        next_step="send the parent's event or correct the id, then replay this record from the dead letters",
    )


def wait_for(node: Node, parent: str) -> None:
    """Ask `parent` and wait for it; an entity of which there are only corrections waits for itself."""
    if parent != node.key:
        node.ask(parent)
    node.set("w", parent)
    listed = node.ctx.shared(PARKED, node.key)
    since = node.ctx.at if listed is None else listed["since"]
    node.ctx.put_shared(PARKED, node.key, {"for": parent, "since": since})


def waiting_events(node: Node) -> list[Event]:
    """The events that wait, in order."""
    return [event for _, event in node.ctx.scan(PARK)]


def release(node: Node) -> list[tuple[int, Event]]:
    """Nothing waits any more; the events that did, in order, each with the logical time (us) of its going on:
    of the answer, or of its own arrival when that was later, as in a backlog whose answers come behind it.
    """
    waiting = list(node.ctx.scan(PARK))
    for name, event in waiting:
        node.ctx.put(PARK, name, None)
        node.ctx.put(PARKED_AS, reference(event), None)
    for field in ("w", "n", "s"):
        node.set(field, None)
    node.ctx.put_shared(PARKED, node.key, None)
    if waiting:
        node.ctx.put_shared(COUNT, PARKED, (node.ctx.shared(COUNT, PARKED) or 0) - len(waiting))
    at = node.ctx.at
    return [(max(at, int(name.partition("|")[2] or at)), event) for name, event in waiting]
