"""One rule's look at one entity at one instant: implements `rules.triggers.base.Env`.

The instant is set by `focus` (an event at its place) or `look_back` (a timer, before everything at its due).
It answers what triggers ask and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.conditions.condition import ALWAYS
from rules.triggers.base import Moment
from schemas.time import Duration, end_of_day
from streams.machines.account import entities
from streams.machines.account.entities import Order, Row
from streams.machines.account.history import Found, moments
from streams.machines.account.notes import noted_matches
from streams.machines.account.rulebook import Active
from streams.machines.account.scope import EntityScope, EventScope
from streams.machines.account.world import Cut, World, cut_after, cut_before

Event = Mapping[str, Any]


class EntityEnv:
    """The entity and what is joined to it, as of the instant in hand."""

    def __init__(self, world: World, active: Active, kind: str, native: str) -> None:
        self.world = world
        self.active = active
        self.kind = kind
        self.native = native
        self.zone = world.zone
        self._cut: Cut = None
        self._at = world.ctx.at
        self._event: Event | None = None
        self._order: Order = []
        self._end = 0
        self._was: Row | None = None

    def _row(self) -> Row | None:
        return self.world.row(self.kind, self.native)

    def _history(self) -> list[Found]:
        return moments(self.world, self.active, self.kind, self.native)

    # -- the instant --------------------------------------------------------------------------------------

    def _look_back(self, due: int) -> None:
        self._cut, self._at, self._event, self._was = cut_before(due), due, None, None
        self._order, self._end = [due], due

    def _focus(self, event: Event, order: Order, was: Row | None) -> None:
        self._cut = cut_after(order)
        self._at = order[0]
        self._event = event
        self._order = order
        self._was = was
        self._end = end_of_day(order[0], self.zone) if event.get("day") else order[0]

    def _place(self, event: Event, order: Order, ref: str, own: bool, was: Row | None) -> Moment:
        self._focus(event, order, was)
        return Moment(order[0], self._end, ref, event["type"], own, self._roles(event))

    def _roles(self, event: Event) -> frozenset[str]:
        roles = self.active.roles_of.get(event["type"])
        if not roles:
            return frozenset()
        if self.active.draining:  # no new runs
            roles = tuple(r for r in roles if r[0] != "after")
        if all(pattern.where is ALWAYS for _, pattern in roles):
            return frozenset([role for role, _ in roles])
        row = self.world.row_at(self.kind, self.native, self._cut) or self._row()
        if row is None:
            return frozenset()
        scope = EventScope(EntityScope(self.world, row, self._at, self._cut, event=event), event, self._at)
        return frozenset(
            role for role, pattern in roles if pattern.reads_opened or pattern.where.holds(scope)
        )

    def _then(self) -> Row | None:
        row = self.world.row_at(self.kind, self.native, self._cut)
        return None if row is None or row.get("x") else row

    def _before(self, order: Order) -> Row | None:
        return self.world.row_at(self.kind, self.native, order)

    def _scope(self, row: Row) -> EntityScope:
        return EntityScope(self.world, row, self._at, self._cut, was=self._was, event=self._event)

    # -- what triggers ask ---------------------------------------------------------------------------------

    def where(self) -> bool:
        row = self._then()
        return row is not None and self.active.matches(self._scope(row))

    def is_open(self) -> bool:
        row = self._then()
        return row is not None and bool(row["op"])

    def exists(self) -> bool:
        return self._then() is not None

    def value(self, path: tuple[str, ...]) -> object:
        row = self._then()
        return None if row is None else self._scope(row).get(path)

    def event_value(self, path: tuple[str, ...]) -> object:
        return None if self._event is None else self._event["data"].get(path[-1])

    def stages(self) -> tuple[str | None, str | None]:
        row = self._then()
        before = None if self._was is None else self._was.get("s")
        return before, None if row is None else row.get("s")

    def decisive(self, stage: str | None) -> bool:
        return entities.decisive(self.world.settings, self.kind, stage)

    def next_flip(self, after: int) -> int | None:
        row = self._then()
        if row is None or not self.active.time_dependent:
            return None
        return self.active.next_flip(self._scope(row), after)

    def fits(self, role: str, opened: str) -> bool:
        pattern = self.active.opened_pattern(role, self._event["type"] if self._event else "")
        if pattern is None:
            return True
        row = self._then() or self._row()
        first = self._find(opened)
        if row is None or first is None or self._event is None:
            return False
        entity = EntityScope(self.world, row, self._at, self._cut, event=self._event, opened=first)
        return pattern.where.holds(EventScope(entity, self._event, self._at))

    def _find(self, ref: str) -> Event | None:
        return next((event for event, _, found, _ in self._history() if found == ref), None)

    def happened_before(self, role: str, within: Duration | None, keys: tuple[object, ...]) -> bool:
        since = -1 if within is None else within.subtract(self._at, self.zone)
        latest = self._end if self._end > self._at else None
        for event, order, _, _ in self._history():
            begin = order[0]
            end = end_of_day(begin, self.zone) if event.get("day") else begin
            before = begin < latest if latest is not None else order < self._order
            if before and (within is None or end > since) and self._has_role(role, event, keys, order):
                return True
        return False

    def _has_role(self, role: str, event: Event, keys: tuple[object, ...], order: Order) -> bool:
        row = self._row()
        fields = self.active.match_fields
        values = tuple(None if (v := event["data"].get(f[-1])) is None else str(v) for f in fields)
        if row is None or values != keys:
            return False
        scope = EventScope(
            EntityScope(self.world, row, order[0], cut_after(order), event=event), event, order[0]
        )
        return any(r == role and p.where.holds(scope) for r, p in self.active.roles_of.get(event["type"], ()))

    def place(self) -> list[int]:
        return list(self._order)

    def last_match(self, role: str) -> tuple[int, list[int], str] | None:
        row = self._row()
        opened = [-1] if row is None or "sb" not in row else row["sb"][2]
        matches = () if row is None else noted_matches(row, self.active)
        found = [
            (end, order, ref) for at, end, ref, order, *_ in matches if order > opened and self._came(at)
        ]
        return max(found, default=None)

    def account_matches(self, role: str) -> tuple[int, list[int], str] | None:
        rows = self.world.ctx.get("al", self.active.name) or ()
        return max(((end, order, ref) for at, end, ref, _, order, *_ in rows if self._came(at)), default=None)

    def _came(self, at: int) -> bool:
        return at < self._at or (at == self._at and len(self._order) > 1)
