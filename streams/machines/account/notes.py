"""Notes of the rules on an entity's row, which spare most rules from looking at most events.

hs: `holds` rules with something under way. lv: silences that an event may end (the others only move on, and
look the last match up when they fall due). nd: the earliest due of those. sx: silences with a row of their
own. ow: rules of cohorts with episodes of their own. tm: newest timer of a rule that has nothing under way
any more. Notes decide nothing: without them everything would only be looked at.
"""

from __future__ import annotations

from typing import Any

from rules.triggers.base import State
from streams.machines.account.entities import Row
from streams.machines.account.rulebook import Active
from streams.machines.account.world import World, entity_name

NEVER = 1 << 62

NOTES = ("hs", "lv", "nd", "lm", "ha", "sb", "sx", "no", "tm", "ow")
"""All notes of rules on an entity's row (see also `entities`)."""


def noted_matches(row: Row, active: Active) -> list[list[Any]]:
    """[newest instant, latest end, reference, order, start of its import] of the latest matches of a silence,
    in their order.
    """
    found = [entry for type_, entry in (row.get("lm") or {}).items() if type_ in active.plain_types]
    return sorted(found, key=lambda entry: entry[3])


def newest_import(world: World, active: Active, row: Row) -> int:
    """Start (us) of the newest import among the noted matches of a silence, its customer's included; 0: none
    was imported.
    """
    imports = [hist for match in noted_matches(row, active) for hist in match[4:]]
    if active.include_account:
        imports += [hist for match in world.ctx.get("al", active.name) or () for hist in match[5:]]
    return max(imports, default=0)


def remember_timer(world: World, kind: str, native: str, last: int) -> None:
    """A rule has nothing under way any more; what is older than its last timer is late all the same."""
    row = world.row(kind, native)
    if row is not None and last > row.get("tm", -1):
        world.put({**row, "tm": last})


def summarise(world: World, active: Active, kind: str, native: str, state: State) -> None:
    """Note what the rule, which now has `state`, has under way."""
    row = world.row(kind, native)
    what = active.summary
    if row is None or what is None:
        return
    live = any(state.values())
    if what == "lv":
        row = _silence(row, active, state, live)
        wanted = bool(state.get("w") or state.get("eps"))
    else:
        wanted = live
    if wanted != (active.name in row.get(what, ())):
        row = {**row, what: _listed(row.get(what, ()), active.name, wanted)}
    if row is not world.row(kind, native):
        world.put(row)


def _silence(row: Row, active: Active, state: State, live: bool) -> Row:
    due = state.get("d")
    if due is not None and due < row.get("nd", NEVER):
        row = {**row, "nd": due}
    if active.implied is not None and live != (active.name in row.get("sx", ())):
        row = {**row, "sx": _listed(row.get("sx", ()), active.name, live)}
    return row


def _listed(names: list[str] | tuple[str, ...], name: str, wanted: bool) -> list[str]:
    left = [n for n in names if n != name]
    return [*left, name] if wanted else left


def list_live(world: World, active: Active, kind: str, native: str, fired: bool) -> None:
    """Entities with live episodes are listed, so an event of the customer alone finds them."""
    bucket, name = f"lv|{active.name}", entity_name(kind, native)
    if fired != (world.ctx.get(bucket, name) is not None):
        world.ctx.put(bucket, name, 1 if fired else None)
