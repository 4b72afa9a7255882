"""How long a verdict on something absent waits for sources that send late, and what shortens it.

A source declares `arrives_within`; by `source.completed {source, to}` it says that it has sent all that
happened before `to`. A verdict due at `d` is given when every source that it waits for has either said so of
`d` or has used up its time. A rule's own `grace` is not shortened.

    source.done  source   [[since, to], ...] (us): what it has said, by the logical time at which it was known
    await        key      1: something is due there and waits for a source

Completions count from the logical time of their record, so it does not matter in which order a partition
takes them and the waits of its keys. It must not judge anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.time import parse_instant
from streams.kernel.contract import Context
from streams.machines.account.rulebook import Active
from streams.machines.account.world import World

DONE, AWAIT, RIPEN = "source.done", "await", "ripen"
KEPT = 100
"""Completions that are kept of a source: older ones were used up long ago."""

NEVER = 1 << 62
Said = list[list[int]]


def judged_to(world: World, active: Active, at: int) -> int:
    """The instant (us) up to which absences are judged at logical time `at`."""
    if not active.awaited:
        return at - active.grace
    return min(max(at - within, min(at, _done(world, name, at))) for name, within in active.awaited)


def wake(world: World, active: Active, due: int) -> int:
    """When (us) to look at what is due at `due`: then, and at the end of its wait for a source, if any."""
    if not active.awaited:
        return due + active.grace
    if due > world.ctx.at:
        return due
    judged = max(min(due + within, max(due, _since(world, name, due))) for name, within in active.awaited)
    if judged > world.ctx.at and world.ctx.shared(AWAIT, world.key) is None:
        world.ctx.put_shared(AWAIT, world.key, 1)
    return judged


def _said(world: World, name: str) -> Said:
    said: Said = world.ctx.shared(DONE, name) or []
    return said


def _done(world: World, name: str, at: int) -> int:
    """Up to when the source was known to be complete at `at`."""
    return max((to for since, to in _said(world, name) if since <= at), default=-1)


def _since(world: World, name: str, due: int) -> int:
    """Since when the source is known to be complete to `due`."""
    return min((since for since, to in _said(world, name) if to >= due), default=NEVER)


def completed(ctx: Context, event: Mapping[str, Any]) -> None:
    """`source.completed`: keys where something waits look at it again. Nothing is complete to the future.

    Raises:
        EventError: `data.to` is no instant.
    """
    data = event["data"]
    to = min(parse_instant(data["to"], place="data.to"), ctx.at)
    said: Said = ctx.shared(DONE, data["source"]) or []
    if said and said[-1][1] >= to:
        return
    ctx.put_shared(DONE, data["source"], [*said, [ctx.at, to]][-KEPT:])
    for key, _ in ctx.scan_shared(AWAIT):
        ctx.emit("sales.events", key, RIPEN, {})


def waits_to_look_at(ctx: Context, rules: tuple[Active, ...]) -> list[str]:
    """Names of the waits of a key that a source may have ended; the key is no longer one that waits."""
    ctx.put_shared(AWAIT, ctx.key, None)
    longest = max((within for active in rules for _, within in active.awaited), default=0)
    return [name for name, due in ctx.waits() if due <= ctx.at + longest and name[:2] in ("t|", "s|")]
