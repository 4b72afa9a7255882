"""Keys that belong to another one without having said so: external ids of a contact, further ids of a
document, what a lead became.

    claimant   bucket `told`     key -> effective time (us) of the newest event that gave it the key
    claimed    bucket `claims`   claimant -> {k: its route, t: that time, f: 1 when the route is no alias's}

What the claimed key's own events have named counts before any claim; else the newest claim does, else it is
its own key, or unknown when it is an external id. A correction or a deletion at the claimant withdraws what
it no longer gives. Claims of other kinds form no circle (a lead and a contact follow neither documents nor
external ids); those among ids of one document may, so a key that falls back believes only the firm ones
(`f`). It must not read events; that is `events`.
"""

from __future__ import annotations

from typing import Any

from streams.kernel.contract import Context, Record
from streams.machines.identity.names import ALIAS, CLAIMS, DISOWN, RESOLVE, TOLD
from streams.machines.identity.naming import EXTERNAL, SCOPED
from streams.machines.identity.node import Node
from streams.machines.keys import SCOPE_OF_ALL, kind_of

# -- the claimant -----------------------------------------------------------------------------------------


def adopt(node: Node, key: str, time: int) -> None:
    """Make `key` follow this one, by an event of that effective time (us)."""
    told: int | None = node.ctx.get(TOLD, key)
    newest = time if told is None else max(time, told)
    if newest != told:
        node.ctx.put(TOLD, key, newest)
    _tell(node, key, newest)


def adopt_only(node: Node, keys: dict[str, int]) -> None:
    """Make just these keys follow this one, key -> time (us): its history has changed."""
    told: dict[str, int] = dict(node.ctx.scan(TOLD))
    for key in told.keys() - keys.keys():
        node.ctx.put(TOLD, key, None)
        node.ctx.emit(RESOLVE, key, DISOWN, {"parent": node.key})
    for key, time in keys.items():
        if told.get(key) != time:
            node.ctx.put(TOLD, key, time)
            _tell(node, key, time)


def save(node: Node) -> None:
    """Write the route row; further ids of the document hear of a route that has become, or is no longer,
    one that they can rely on.
    """
    if node.was_firm is not None and node.was_firm != node.firm:
        for key, time in node.ctx.scan(TOLD):
            if kind_of(key) == node.kind:
                _tell(node, key, time)
    node.save()


def _tell(node: Node, key: str, time: int) -> None:
    node.followed_by(key)
    value = {"parent": node.key, "k": node.target, "t": time, "f": int(node.firm)}
    node.ctx.emit(RESOLVE, key, ALIAS, value)


# -- the claimed key --------------------------------------------------------------------------------------


def note(ctx: Context, record: Record) -> None:
    """Keep a claim."""
    value = record.value
    ctx.put(CLAIMS, value["parent"], {name: value[name] for name in ("k", "t", "f")})


def withdraw(ctx: Context, claimant: str) -> None:
    """Forget a claim."""
    ctx.put(CLAIMS, claimant, None)


def rerouted(ctx: Context, claimant: str, to: str, firm: int) -> None:
    """The claimant goes elsewhere."""
    claim = ctx.get(CLAIMS, claimant)
    if claim is not None:
        ctx.put(CLAIMS, claimant, {**claim, "k": to, "f": firm})


def follow(node: Node) -> bool:
    """Take the route of the newest claim, firm ones first; False when there is none."""
    claims = node.ctx.scan(CLAIMS)
    best = max(
        ((_is_firm(node, name, claim), claim["t"], name, claim["k"]) for name, claim in claims), default=None
    )
    if best is None:
        return False
    node.settle(best[3], best[2])
    return True


def _is_firm(node: Node, claimant: str, claim: dict[str, Any]) -> bool:
    return bool(claim["f"]) or kind_of(claimant) != node.kind


def is_given(node: Node, parent: str) -> bool:
    """Is it the key itself, or one that claims it?"""
    return parent == own_key(node) or node.ctx.get(CLAIMS, parent) is not None


def fall_back(node: Node) -> None:
    """Nothing of its own names a parent any more: follow a claim that can be relied on, or be its own key.

    An external id that nobody claims is unknown again: what it brought is at its own key, and comes along
    when it is claimed anew; what it brings from now on waits.
    """
    for claimant, claim in list(node.ctx.scan(CLAIMS)):
        if not _is_firm(node, claimant, claim):
            withdraw(node.ctx, claimant)
    for name in ("o", "u"):
        node.set(name, None)
    if not follow(node):
        own = own_key(node)
        node.settle(own, own)
        if node.kind in EXTERNAL:
            node.row["k"] = None


def own_key(node: Node) -> str:
    """The key of an entity that belongs to nobody else."""
    return SCOPE_OF_ALL if node.kind in SCOPED else node.key
