"""Where an entity's event goes: on to its account, behind those that wait, or with the whole entity
elsewhere.

Knows what events name; the route row and moves are `node`'s, waiting is `parking`'s.
"""

from __future__ import annotations

from streams.kernel.contract import Context
from streams.machines.identity.names import EVENT, SALES_EVENTS, Limits
from streams.machines.identity.naming import (
    ACCOUNT,
    CONTACT,
    CONVERTED,
    SCOPED,
    aliases,
    external_ids,
    linked,
    parent_of,
)
from streams.machines.identity.node import Node
from streams.machines.identity.parking import Event, first_waiting, park, release, wait_for
from streams.machines.keys import SCOPE_OF_ALL, is_named_outright, kind_of


def take(node: Node, event: Event, limits: Limits) -> None:
    """One event of the node's entity."""
    if "w" in node.row:
        _take_while_waiting(node, event, limits)
    else:
        parent = place(node, event)
        if parent is not None:
            park(node, event, limits)
            wait_for(node, parent)
    node.save()


def _take_while_waiting(node: Node, event: Event, limits: Limits) -> None:
    """Behind the others, unless it names the account that they lack: then that is the mapping they wait
    for.
    """
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    if not node.known and parent is not None:
        if is_named_outright(parent):
            node.settle(parent, parent, effective_time(node.ctx, event))
            release(node, place)
            if "w" not in node.row:
                place(node, event)
                return
        elif kind_of(parent) == ACCOUNT and parent != node.row["w"]:
            park(node, event, limits)
            wait_for(node, parent)
            return
    park(node, event, limits)


def place(node: Node, event: Event) -> str | None:
    """Send the event on, or return the key of the parent that must be asked before.

    An event older than the one that gave the route, or one that takes something back, does not change the
    route.
    """
    parent = parent_of(node.kind, node.namespace, node.key, event["data"])
    time = effective_time(node.ctx, event)
    if parent is not None and parent != node.parent and not _stands(node, event, time):
        if not is_named_outright(parent):
            return parent
        node.settle(parent, parent, time)
    elif not node.known:
        own = SCOPE_OF_ALL if node.kind in SCOPED else node.key
        node.settle(own, own, time)
    send(node, node.target, event)
    _follow_up(node, event, time)
    return None


def _stands(node: Node, event: Event, time: int) -> bool:
    return node.known and (time < node.row.get("t", time) or event["type"].endswith(".deleted"))


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
    if waits == parent or (waits is not None and k is not None and not node.known):
        first = first_waiting(node)
        time = node.ctx.at if first is None else effective_time(node.ctx, first)
        if k is not None:
            node.settle(k, parent, time)
        elif node.known:  # nobody knows the parent yet: go on where the entity is, follow the parent later
            node.set("p", parent)
            node.set("t", time)
        else:
            return
        release(node, place)
    elif k is not None and node.known and node.parent == parent:
        node.settle(k, parent, node.row.get("t", 0))
    node.save()


def effective_time(ctx: Context, event: Event) -> int:
    """The lesser of the event's time and the logical time (us)."""
    time: int = event["time"]
    return min(time, ctx.at)
