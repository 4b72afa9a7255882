"""The records identity partitions send each other about parents: who asks, what is answered, who is rerouted.

    resolve   asker -> parent      {"asker", "soft": it has a route and need not wait}
    resolved  parent -> asker      {"parent", "k": route or None}
    alias     parent -> new name   {"parent", "k", "t"}: the name follows the parent
    reroute   parent -> follower   {"move", "parent", "from", "to", "path": keys passed}
    ack       follower -> parent   {"move"}: it and all below it send nothing to the old key any more

One handler per kind; merges of accounts are in `merges`.
"""

from __future__ import annotations

from streams.kernel.contract import Context, Record
from streams.machines.identity import events
from streams.machines.identity.names import ACK, RESOLVE
from streams.machines.identity.naming import ACCOUNT, EXTERNAL
from streams.machines.identity.node import Node, canonical


def on_resolve(ctx: Context, record: Record) -> None:
    """Somebody wants the route of this key. An account that nobody knew is thereby known."""
    node = Node(ctx)
    asker: str = record.value["asker"]
    if node.kind == ACCOUNT:
        if not node.known:
            node.settle(node.key, node.key, ctx.at)
        node.answer(asker)
    else:
        node.followed_by(asker)
        if node.known or record.value["soft"]:
            node.answer(asker)
    node.save()


def on_resolved(ctx: Context, record: Record) -> None:
    """A parent answers."""
    events.resolved(Node(ctx), record.value["parent"], record.value["k"])


def on_alias(ctx: Context, record: Record) -> None:
    """This key names the same as, or belongs to, `parent`. What it has been told by its own events counts
    more.
    """
    node = Node(ctx)
    parent, k, time = record.value["parent"], record.value["k"], record.value["t"]
    own = not node.known or node.row["k"] == node.key
    newer = node.kind in EXTERNAL and time >= node.row.get("t", time)
    if own or newer or node.parent == parent:
        node.settle(k, parent, time if node.kind in EXTERNAL else 0)
        events.reconsider_anew(node)
    node.save()


def on_reroute(ctx: Context, record: Record) -> None:
    """The parent has moved; what follows it moves too, each entity by a move of its own."""
    node = Node(ctx)
    value = record.value
    later = False
    if node.known and node.parent == value["parent"] and node.target != canonical(ctx, value["to"]):
        later = node.settle(value["to"], value["parent"], node.row.get("t", 0), value)
    elif node.known and node.parent == value["parent"]:
        node.set("k", value["to"])
    node.save()
    if not later:
        ctx.emit(RESOLVE, value["parent"], ACK, {"move": value["move"]})


def on_ack(ctx: Context, record: Record) -> None:
    """A follower has taken the new route."""
    Node(ctx).acknowledged(record.value["move"])
