"""Where an entity's event goes: on to its account, behind those that wait, or with the whole entity
elsewhere.

The latest event that names a parent decides, as `history` has it; the route row and moves are `node`'s,
waiting is `parking`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.machines.corrections import effective, target_of
from streams.machines.identity import claims, history
from streams.machines.identity.history import Note
from streams.machines.identity.names import EVENT, SALES_EVENTS, Limits
from streams.machines.identity.naming import given, parent_of
from streams.machines.identity.node import Node
from streams.machines.identity.parking import Event, park, release, wait_for, waiting_events
from streams.machines.keys import is_named_outright


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
            _go_on(node, event, node.ctx.at)
            let_go(node, now)
        else:
            park(node, event, limits)
            _note_correction(node, event)
    claims.save(node)


def _may_change_the_parent(node: Node, event: Event) -> bool:
    """Could the entity wait for another parent because of the event? If not, those that wait need no look."""
    _note_correction(node, event)
    if "c" in node.row or node.row["w"] == node.key:
        return True
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    return parent is not None and parent != node.row["w"]


def _note_correction(node: Node, event: Event) -> None:
    if target_of(event) is not None:
        node.set("c", 1)


def _goes_on(node: Node, event: Event) -> bool:
    """The usual event of a known entity: it changes nothing of the route."""
    if not node.known:
        return False
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    if parent is not None and parent != node.parent:
        return False
    if not history.is_plain(node.ctx, node.row, node.kind, event, parent):
        return False
    _go_on(node, event, node.ctx.at)
    return True


def _decide(node: Node, notes: list[Note], events: Iterable[Event]) -> bool:
    """Take the route that the notes say; False when `events`, the newest of them, must wait for it."""
    parent, order = history.decided(node, notes)
    if parent is None:
        return _unnamed(node, events)
    if parent != node.parent and not is_named_outright(parent):
        wait_for(node, parent)
        return False
    if node.row.get("o") != order:
        node.set("o", order)
    if parent != node.parent:
        node.set("u", None)
        node.settle(parent, parent)
    elif "u" in node.row:
        _stand_in(node, notes, parent)
    return True


def let_go(node: Node, notes: Iterable[Note] | None = None) -> None:
    """Leave the parent when all that named one was taken back, which its rules have heard of by now. An
    entity that was taken back altogether, with nothing below it, may stay: nothing of it is left.
    """
    if "c" not in node.row or ("o" not in node.row and claims.is_given(node, node.parent or "")):
        return
    notes = history.notes(node) if notes is None else list(notes)
    named, _ = history.decided(node, notes)
    if named is None and ("kids" in node.row or effective(notes)):
        claims.fall_back(node)


def _unnamed(node: Node, events: Iterable[Event]) -> bool:
    """Nothing names a parent; False when `events` wait for one that they correct."""
    if node.known:
        return True
    if all(target_of(event) is not None for event in events):
        wait_for(node, node.key)
        return False
    own = claims.own_key(node)
    node.settle(own, own)
    return True


def _stand_in(node: Node, notes: list[Note], parent: str) -> None:
    """While nobody knows the parent, an account that was named before is better than none; when what stands
    in for it is not named any more, the entity is its own key.
    """
    named, _ = _outright_named(node, notes)
    source = node.row["u"]
    still = claims.is_given(node, source) or source in {_named(node, note) for note in effective(notes)}
    if named is None and not still:
        named = claims.own_key(node)
    if named is not None:
        node.set("u", named)
        node.settle(named, parent)


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
        for at, event in release(node):
            _go_on(node, event, at)
        let_go(node, notes)


def _settle_meanwhile(node: Node, notes: list[Note]) -> None:
    """An account that was named before is better than none, until the parent answers."""
    named, order = _outright_named(node, notes)
    if named is not None:
        node.set("o", order)
        node.settle(named, named)


def _outright_named(node: Node, notes: Iterable[Note]) -> tuple[str | None, list[int]]:
    """The account that the latest event names of those that name one, and the order of that event."""
    for note in reversed(effective(notes)):
        named = _named(node, note)
        if named is not None and is_named_outright(named):
            return named, note["o"]
    return None, history.NEVER


def _named(node: Node, note: Note) -> str | None:
    return parent_of(node.kind, node.namespace, node.key, note["e"]["data"])


def _go_on(node: Node, event: Event, at: int) -> None:
    send(node, node.target, event, at)
    _follow_up(node, event, at)


def send(node: Node, target: str, event: Event, at: int) -> None:
    """Put the event on `sales.events`; the account machine learns a namespace that is not the default one."""
    value = event if not node.namespace or "ns" in event else {**event, "ns": node.namespace}
    node.ctx.emit(SALES_EVENTS, target, EVENT, value, at=at)


def _follow_up(node: Node, event: Event, at: int) -> None:
    """What the event makes known of other keys."""
    if "c" in node.row:
        claims.adopt_only(node, history.given(node, history.notes(node)))
        return
    for key in given(node.kind, node.namespace, node.key, event["type"], event["data"]):
        claims.adopt(node, key, min(event["time"], at))


def resolved(node: Node, parent: str, k: str | None) -> None:
    """The answer of a parent: go on with what waited for it, or take its route over."""
    waits = node.row.get("w")
    if waits is not None and (waits == parent or (k is not None and not node.known)):
        if k is not None:
            node.set("u", None)
            node.settle(k, parent)
        elif node.known:  # nobody knows the parent yet: go on where the entity is, follow the parent later
            node.set("u", node.row.get("u", node.parent))
            node.set("p", parent)
        else:
            return
        reconsider_anew(node)
    elif k is not None and node.known and node.parent == parent:
        node.set("u", None)
        node.settle(k, parent)
    claims.save(node)


def reconsider_anew(node: Node) -> None:
    """It is known by another way than the one it waited for, or the answer has come."""
    if "w" in node.row:
        node.set("w", None)
        reconsider(node)
