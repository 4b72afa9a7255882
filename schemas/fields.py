"""The catalogue of fields: what a rule may name on each kind of entity, and of what type it is.

Derived from the event models (one source of truth) plus the fields that the engine derives. It says what
exists; how a value is read belongs to the rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.types import FieldType

__all__ = ["FIELDS", "LIST_ITEMS", "FieldType", "event_field_type", "field_type"]

FIELDS: Mapping[str, Mapping[str, FieldType]] = {
    "account": {
        "account": FieldType.ID, "name": FieldType.TEXT, "tier": FieldType.TEXT, "owner": FieldType.ID,
        "region": FieldType.TEXT, "overdue_amount": FieldType.MONEY, "created": FieldType.INSTANT,
    },
    "opportunity": {
        "opportunity": FieldType.ID, "account": FieldType.ID, "owner": FieldType.ID, "name": FieldType.TEXT,
        "amount": FieldType.MONEY, "currency": FieldType.TEXT, "stage": FieldType.TEXT,
        "close_date": FieldType.DATE, "stage_since": FieldType.INSTANT, "created": FieldType.INSTANT,
    },
}  # fmt: skip
"""kind -> field -> type."""

LIST_ITEMS: Mapping[tuple[str, str], Mapping[str, FieldType]] = {
    ("quote", "lines"): {"product": FieldType.ID, "quantity": FieldType.NUMBER, "amount": FieldType.MONEY},
}
"""(kind, list field) -> item field -> type; lists of plain values have no entry."""


def field_type(kind: str, path: tuple[str, ...], declared: Mapping[str, FieldType] = {}) -> FieldType | None:
    """The type of a path on an entity of the kind, or None when there is no such field.

    Paths: ``("amount",)``, ``("account", "tier")``, ``("owner", "team")``, ``("was", "stage")``,
    ``("event", "time")``, and any parent that the kind can be joined to. ``declared`` adds the
    workspace's own fields: ``"kind.field"`` -> type.
    """
    if len(path) == 1:
        return FIELDS.get(kind, {}).get(path[0]) or declared.get(f"{kind}.{path[0]}")
    return None


def event_field_type(
    event_type: str, path: tuple[str, ...], declared: Mapping[str, FieldType] = {}
) -> FieldType | None:
    """The type of a path on an event of the type (its own ``data``, ``event.*``, and joined entities)."""
    return field_type(event_type.rpartition(".")[0], path, declared)
