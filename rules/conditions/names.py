"""What a field name means where it stands: its path as the scope is asked, its type, and where its currency
is.

Three places have names of their own: a rule's `where` (bare names are the watched entity's), a trigger's own
`where` (bare names are the event's), and the `where` of a list leaf (bare names are the item's). Nothing is
read from a scope here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rules.conditions.scope import Path
from schemas.fields import FIELDS, LIST_ITEMS, event_field_type, field_type, target_kind
from schemas.types import FieldType

Declared = Mapping[str, FieldType]
ITEM = "[]"
"""First step of a path that belongs to the item of a list; no field can have this name."""

ENVELOPE = ("event.id", "event.source", "event.time", "event.type")


def kind_of(event_type: str) -> str:
    """`opportunity.stage_changed` -> `opportunity`."""
    return event_type.rpartition(".")[0]


class Names(Protocol):
    """The names that may be used at one place of a rule."""

    def normal(self, path: Path) -> Path:
        """The path as the scope is asked."""
        ...

    def type_of(self, path: Path) -> FieldType | None:
        """The type of a normal path, None when there is no such field."""
        ...

    def currencies(self, path: Path) -> tuple[Path, ...]:
        """Where the currency of the money at a normal path may stand, nearest first."""
        ...

    def items(self, path: Path) -> Mapping[str, FieldType]:
        """The item fields of the list at a normal path; empty for lists of plain values."""
        ...

    def known(self) -> Iterable[str]:
        """Names as one would write them, for suggestions."""
        ...


def _first(types: Iterable[str], path: Path, declared: Declared) -> FieldType | None:
    found = (event_field_type(event_type, path, declared) for event_type in types)
    return next((field for field in found if field is not None), None)


def _beside(names: Names, path: Path) -> list[Path]:
    place = (*path[:-1], "currency")
    return [place] if names.type_of(place) is FieldType.TEXT else []


def _items(kind: str, name: str, declared: Declared) -> Mapping[str, FieldType]:
    own = {key.rpartition(".")[2]: t for key, t in declared.items() if key.startswith(f"{kind}.{name}.")}
    return {**LIST_ITEMS.get((kind, name), {}), **own}


def _kind_at(kind: str, path: Path) -> str:
    """The kind that a path of joins leads to, `was` left out."""
    for step in path:
        kind = target_kind(kind, step) or kind
    return kind


def _own(kind: str, declared: Declared) -> list[str]:
    prefix = f"{kind}."
    return [*FIELDS.get(kind, {}), *(key.removeprefix(prefix) for key in declared if key.startswith(prefix))]


@dataclass(frozen=True, slots=True)
class EntityNames:
    """A rule's `where`: bare names are fields of `kind`; `types` and `after` say what `event.*`, `after.*`
    are.
    """

    kind: str
    declared: Declared
    types: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def normal(self, path: Path) -> Path:
        """Without the watched kind in front: `opportunity.amount` is `amount`."""
        return path[1:] if len(path) > 1 and path[0] == self.kind else path

    def type_of(self, path: Path) -> FieldType | None:
        """`event.*` is the envelope, else the triggering event's data; `after.*` the earlier event's."""
        if path[0] == "event" and len(path) > 1:
            envelope = _first(self.types, path, self.declared) or field_type(self.kind, path, self.declared)
            return envelope or _first(self.types, path[1:], self.declared)
        if path[0] == "after" and len(path) > 1:
            return _first(self.after, path[1:], self.declared)
        return field_type(self.kind, path, self.declared)

    def currencies(self, path: Path) -> tuple[Path, ...]:
        """Beside the amount; an event about the watched entity that names none means the entity's."""
        places = _beside(self, path)
        if path[0] == "event" and all(kind_of(t) == self.kind for t in self.types):
            places.extend(_beside(self, path[1:]))
        return tuple(places)

    def items(self, path: Path) -> Mapping[str, FieldType]:
        """Of a list of the entity (`lines`, `was.lines`), of a joined one (`contract.instalments`) or of
        the event.
        """
        if path[0] == "event" and len(path) > 1:
            return next((_items(kind_of(t), path[-1], self.declared) for t in self.types), {})
        return _items(_kind_at(self.kind, path[:-1]), path[-1], self.declared)

    def known(self) -> Iterable[str]:
        """The entity's fields, the account's, and the envelope."""
        account = [f"account.{name}" for name in FIELDS.get("account", {})]
        return [*_own(self.kind, self.declared), *account, *ENVELOPE]


@dataclass(frozen=True, slots=True)
class EventNames:
    """A trigger's own `where`: bare names are data of events of `types`; `after` are the earlier event's
    types.
    """

    types: tuple[str, ...]
    declared: Declared
    after: tuple[str, ...] = ()

    def normal(self, path: Path) -> Path:
        """As written."""
        return path

    def type_of(self, path: Path) -> FieldType | None:
        """Of the first type that has the field."""
        if path[0] == "after" and len(path) > 1:
            return _first(self.after, path[1:], self.declared)
        return _first(self.types, path, self.declared)

    def currencies(self, path: Path) -> tuple[Path, ...]:
        """Beside the amount, else the entity's: an absent field is unchanged."""
        places = _beside(self, path)
        if len(path) == 1:
            kinds = dict.fromkeys(kind_of(t) for t in self.types)
            places.extend((kind, "currency") for kind in kinds if self.type_of((kind, "currency")))
        return tuple(places)

    def items(self, path: Path) -> Mapping[str, FieldType]:
        """Of a list in the event's data, or of a joined entity's list."""
        kinds = [_kind_at(kind_of(t), path[:-1]) for t in self.types]
        return next((found for kind in kinds if (found := _items(kind, path[-1], self.declared))), {})

    def known(self) -> Iterable[str]:
        """The data fields of all types, and the envelope."""
        own = [name for t in self.types for name in _own(kind_of(t), self.declared)]
        return [*dict.fromkeys(own), *ENVELOPE]


@dataclass(frozen=True, slots=True)
class ItemNames:
    """The `where` of a list leaf: bare names are the item's, all others are what they are outside."""

    outer: Names
    path: Path
    fields: Mapping[str, FieldType]

    def normal(self, path: Path) -> Path:
        """Item fields begin with `ITEM`."""
        return (ITEM, *path) if path[0] in self.fields else self.outer.normal(path)

    def type_of(self, path: Path) -> FieldType | None:
        """Of the item, else of what is outside."""
        return self.fields.get(path[1]) if path[0] == ITEM else self.outer.type_of(path)

    def currencies(self, path: Path) -> tuple[Path, ...]:
        """The item's, else that of the entity which has the list."""
        if path[0] != ITEM:
            return self.outer.currencies(path)
        own = [(ITEM, "currency")] if "currency" in self.fields else []
        return (*own, *self.outer.currencies(self.path))

    def items(self, path: Path) -> Mapping[str, FieldType]:
        """Lists within items have no known fields."""
        return {} if path[0] == ITEM else self.outer.items(path)

    def known(self) -> Iterable[str]:
        """The item's fields, then those outside."""
        return [*self.fields, *self.outer.known()]
