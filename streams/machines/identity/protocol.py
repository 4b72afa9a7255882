"""The records identity partitions send each other about parents: who asks, what is answered, who is rerouted.

    resolve   asker -> parent      {"asker", "soft": it has a route and need not wait}
    resolved  parent -> asker      {"parent", "k": route or None}
    alias     parent -> new name   {"parent", "k", "t", "f"}: the name follows the parent, see `claims`
    disown    parent -> old name   {"parent"}: it does so no more
    reroute   parent -> follower   {"move", "parent", "from", "to", "path": keys passed, "f"}
    ack       follower -> parent   {"move"}: it and all below it send nothing to the old key any more

One handler per kind; merges of accounts are in `merges`.
"""

from __future__ import annotations

from streams.kernel.contract import Context, Record
from streams.machines.identity import claims, events
from streams.machines.identity.names import ACK, RESOLVE
from streams.machines.identity.naming import ACCOUNT
from streams.machines.identity.node import Node, canonical


def on_resolve(ctx: Context, record: Record) -> None:
    """Somebody wants the route of this key. An account that nobody knew is thereby known."""
    node = Node(ctx)
    asker: str = record.value["asker"]
    if node.kind == ACCOUNT:
        if not node.known:
            node.settle(node.key, node.key)
        node.answer(asker)
    else:
        node.followed_by(asker)
        events.let_go(node)
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
    claims.note(ctx, record)
    node = Node(ctx)
    if "o" not in node.row:
        claims.follow(node)
        events.reconsider_anew(node)
    claims.save(node)


def on_disown(ctx: Context, record: Record) -> None:
    """This key was taken for another one's by mistake."""
    parent = record.value["parent"]
    claims.withdraw(ctx, parent)
    node = Node(ctx)
    if node.known and "o" not in node.row and node.parent == parent:
        claims.fall_back(node)
    claims.save(node)


def on_reroute(ctx: Context, record: Record) -> None:
    """The parent has moved; what follows it moves too, each entity by a move of its own."""
    node = Node(ctx)
    value = record.value
    later = False
    claims.rerouted(ctx, value["parent"], value["to"], value["f"])
    if node.known and node.parent == value["parent"] and node.target != canonical(ctx, value["to"]):
        later = node.settle(value["to"], value["parent"], value)
    elif node.known and node.parent == value["parent"]:
        node.set("k", value["to"])
    claims.save(node)
    if not later:
        ctx.emit(RESOLVE, value["parent"], ACK, {"move": value["move"]})


def on_ack(ctx: Context, record: Record) -> None:
    """A follower has taken the new route."""
    Node(ctx).acknowledged(record.value["move"])
