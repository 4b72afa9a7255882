"""Where an entity's event goes: on to its account, behind those that wait, or with the whole entity
elsewhere.

The latest event that names a parent decides, as `history` has it; the route row and moves are `node`'s,
waiting is `parking`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.kernel.contract import Context
from streams.machines.corrections import target_of
from streams.machines.identity import history
from streams.machines.identity.history import Note
from streams.machines.identity.names import EVENT, SALES_EVENTS, Limits
from streams.machines.identity.naming import (
    CONTACT,
    CONVERTED,
    SCOPED,
    aliases,
    external_ids,
    linked,
    parent_of,
)
from streams.machines.identity.node import Node
from streams.machines.identity.parking import Event, park, release, wait_for, waiting_events
from streams.machines.keys import SCOPE_OF_ALL, is_named_outright


def take(node: Node, event: Event, limits: Limits) -> None:
    """One event of the node's entity.

    Raises:
        EventError: too many wait, or it is a correction that cannot be read.
    """
    if "w" in node.row:
        history.note_of(node.kind, event, node.ctx.at, 0)  # one that cannot be read must not wait
        park(node, event, limits)
        if _may_change_the_parent(node, event):
            reconsider(node)
    elif not _goes_on(node, event):
        old = history.notes(node)
        now = history.with_events(node, old, [event])
        if _decide(node, now, [event]):
            history.keep(node, now[len(old) :])
            _go_on(node, event)
        else:
            park(node, event, limits)
    node.save()


def _may_change_the_parent(node: Node, event: Event) -> bool:
    """Could the entity wait for another parent because of the event? If not, those that wait need no look."""
    if target_of(event) is not None:
        node.set("c", 1)
    if "c" in node.row or node.row["w"] == node.key:
        return True
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    return parent is not None and parent != node.row["w"]


def _goes_on(node: Node, event: Event) -> bool:
    """The usual event of a known entity: it changes nothing of the route."""
    if not node.known:
        return False
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    if parent is not None and parent != node.parent:
        return False
    if not history.is_plain(node.ctx, node.row, node.kind, event, parent):
        return False
    _go_on(node, event)
    return True


def _decide(node: Node, notes: list[Note], events: Iterable[Event]) -> bool:
    """Take the route that the notes say; False when `events`, the newest of them, must wait for it."""
    parent, order = history.decided(node, notes)
    if parent is None and not node.known:
        if all(target_of(event) is not None for event in events):
            wait_for(node, node.key)  # the event that it corrects has not come yet
            return False
        own = SCOPE_OF_ALL if node.kind in SCOPED else node.key
        node.settle(own, own, 0)
    elif parent is not None:
        if parent != node.parent and is_named_outright(parent):
            node.settle(parent, parent, order[0])
        elif parent != node.parent:
            wait_for(node, parent)
            return False
        if node.row.get("o") != order:
            node.set("o", order)
    return True


def reconsider(node: Node) -> None:
    """What waits, or what is known of the entity, has changed: go on, wait on, or wait for another parent."""
    waiting = waiting_events(node)
    old = history.notes(node)
    notes = history.with_events(node, old, waiting)
    parent, _ = history.decided(node, notes)
    if parent is not None and parent == node.row.get("w"):
        return
    if parent is not None and not node.known:
        _settle_meanwhile(node, notes)
    if _decide(node, notes, waiting):
        history.keep(node, notes[len(old) :])
        for event in release(node):
            _go_on(node, event)


def _settle_meanwhile(node: Node, notes: list[Note]) -> None:
    """An account that was named before is better than none, until the parent answers."""
    outright = [note for note in notes if _outright(node, note) is not None]
    named, order = history.decided(node, [n for n in notes if "to" in n or n in outright])
    if named is not None and is_named_outright(named):
        node.settle(named, named, order[0])
        node.set("o", order)


def _outright(node: Node, note: Note) -> str | None:
    named = parent_of(node.kind, node.namespace, node.key, note["e"]["data"])
    return named if named is not None and is_named_outright(named) else None


def _go_on(node: Node, event: Event) -> None:
    send(node, node.target, event)
    _follow_up(node, event, effective_time(node.ctx, event))


def send(node: Node, target: str, event: Event) -> None:
    """Put the event on `sales.events`; the account machine learns a namespace that is not the default one."""
    value = event if not node.namespace or "ns" in event else {**event, "ns": node.namespace}
    node.ctx.emit(SALES_EVENTS, target, EVENT, value)


def _follow_up(node: Node, event: Event, time: int) -> None:
    """What the event makes known of other keys."""
    data = event["data"]
    if node.kind == CONTACT:
        for key in external_ids(data):
            node.adopt(key, time)
    if "ids" in data:
        for key in aliases(node.kind, node.key, data):
            node.adopt(key, time)
    if event["type"] == CONVERTED:
        for key in linked(node.namespace, data):
            node.adopt(key, time)


def resolved(node: Node, parent: str, k: str | None) -> None:
    """The answer of a parent: go on with what waited for it, or take its route over."""
    waits = node.row.get("w")
    if waits is not None and (waits == parent or (k is not None and not node.known)):
        if k is not None:
            node.settle(k, parent, 0)
        elif node.known:  # nobody knows the parent yet: go on where the entity is, follow the parent later
            node.set("p", parent)
        else:
            return
        reconsider_anew(node)
    elif k is not None and node.known and node.parent == parent:
        node.settle(k, parent, node.row.get("t", 0))
    node.save()


def reconsider_anew(node: Node) -> None:
    """It is known by another way than the one it waited for, or the answer has come."""
    if "w" in node.row:
        node.set("w", None)
        reconsider(node)


def effective_time(ctx: Context, event: Event) -> int:
    """The lesser of the event's time and the logical time (us)."""
    time: int = event["time"]
    return min(time, ctx.at)
