"""Conditions' view of one entity or event, now or as it was: implements `rules.conditions.scope.Scope`.

Reads rows through a `World` at a cut; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from schemas.fields import ACTIVITY_COUNTS
from streams.machines.account import entities, finance
from streams.machines.account.entities import Row
from streams.machines.account.world import Cut, World

Path = tuple[str, ...]


def _walk(value: object, path: Path) -> object:
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


class EntityScope:
    """The watched entity as of `cut`; `was` is its row before the judged event, `event` that event, `after`
    an earlier one.
    """

    __slots__ = ("_cut", "_event", "_opened", "_row", "_was", "_world", "at")

    def __init__(
        self,
        world: World,
        row: Row,
        at: int,
        cut: Cut = None,
        *,
        was: Row | None = None,
        event: Mapping[str, Any] | None = None,
        opened: Mapping[str, Any] | None = None,
    ) -> None:
        self._world = world
        self._row = row
        self.at = at
        self._cut = cut
        self._was = was
        self._event = event
        self._opened = opened

    @property
    def zone(self) -> ZoneInfo:
        return self._world.zone

    def rate(self, currency: str) -> Decimal | None:
        return self._world.rate(currency, self.at)

    def missing_rate(self, currency: str) -> None:
        self._world.unrated.add(currency)

    def get(self, path: Path) -> object:
        head = path[0]
        if len(path) == 1:
            return self._field(self._row, head)
        if head == "owner":
            return self._person(path[1:])
        if head == "was":
            return None if self._was is None else self._field(self._was, path[1])
        if head == "event":
            return envelope(self._event, path[1:])
        if head == "after":
            return None if self._opened is None else _walk(self._opened["data"], path[1:])
        value = self._row["d"].get(head)
        if isinstance(value, Mapping):
            return _walk(value, path[1:])
        joined = self._world.parent_of_kind(self._row, head, self._cut)
        return None if joined is None else EntityScope(self._world, joined, self.at, self._cut).get(path[1:])

    def _person(self, path: Path) -> object:
        owner = self._world.owner(self._row, self._cut)
        if owner is None:
            return None
        if path == ("person",):
            return owner
        data = self._world.version("person", owner, self.at)
        return None if data is None else _walk(data, path)

    def _field(self, row: Row, name: str) -> object:
        derived = DERIVED.get(name)
        if derived is not None:
            return derived(self._world, row, self.at, self._cut)
        value = row["d"].get(name)
        if value is None and name == "owner":
            return self._world.owner(row, self._cut)
        return value


class EventScope:
    """An event's own data for a trigger's `where`: bare fields are the event's; joined roots go to its
    entity.
    """

    __slots__ = ("_entity", "_event", "at")

    def __init__(self, entity: EntityScope, event: Mapping[str, Any], at: int) -> None:
        self._entity = entity
        self._event = event
        self.at = at

    @property
    def zone(self) -> ZoneInfo:
        return self._entity.zone

    def rate(self, currency: str) -> Decimal | None:
        return self._entity.rate(currency)

    def missing_rate(self, currency: str) -> None:
        self._entity.missing_rate(currency)

    def get(self, path: Path) -> object:
        if len(path) == 1:
            return self._event["data"].get(path[0])
        if path[0] == "event":
            return envelope(self._event, path[1:])
        value = self._event["data"].get(path[0])
        if isinstance(value, Mapping):
            return _walk(value, path[1:])
        return self._entity.get(path)


def envelope(event: Mapping[str, Any] | None, path: Path) -> object:
    """`event.id`, `.source`, `.type`, `.time`, and any field of its data."""
    if event is None:
        return None
    name = path[0]
    if name == "source":
        return event["src"]
    if name in ("id", "type", "time"):
        return event[name]
    return _walk(event["data"], path)


def _sum(name: str) -> Callable[[World, Row, int, Cut], object]:
    def read(world: World, row: Row, at: int, cut: Cut) -> object:
        return world.sums(row, cut).get(name, 0)

    return read


def _last_follow_up(world: World, row: Row, at: int, cut: Cut) -> object:
    return world.sums(row, cut).get("lf")


def _first_response(world: World, row: Row, at: int, cut: Cut) -> object:
    return world.sums(row, cut).get("ff")


def _own(name: str, key: str) -> Callable[[World, Row, int, Cut], object]:
    def read(world: World, row: Row, at: int, cut: Cut) -> object:
        value = row.get(key)
        return row["d"].get(name) if value is None else value

    return read


def _decisive(world: World, row: Row, at: int, cut: Cut) -> object:
    return entities.decisive(world.settings, row["kind"], row.get("s"))


DERIVED: Mapping[str, Callable[[World, Row, int, Cut], object]] = {
    "stage": _own("stage", "s"),
    "stage_since": _own("stage_since", "ss"),
    "status": _own("status", "st"),
    "created": _own("created", "c"),
    "age": lambda world, row, at, cut: max(0, at - row["c"]),
    "open": lambda world, row, at, cut: bool(row["op"]),
    "stage_decisive": _decisive,
    "decisive": _decisive,
    "last_follow_up": _last_follow_up,
    "first_response": _first_response,
    "overdue_amount": finance.overdue_amount,
    "credit_left": finance.credit_left,
    "paid_ratio": finance.paid_ratio,
    "open_instalments": finance.open_instalments,
    **{counter: _sum(counter) for counter in ACTIVITY_COUNTS.values()},
}
"""Derived field -> how it is read; everything else is folded data."""
