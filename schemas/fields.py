"""The catalogue of fields: what a rule may name on each kind of entity, and of what type it is.

Derived from the event models (one source of truth) plus the fields that the engine derives. It says what
exists; how a value is read belongs to the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.introspection import FieldInfo, fields_of
from schemas.parents import ANCESTORS
from schemas.status import INITIAL
from schemas.types import FieldType

__all__ = [
    "ACTIVITY_COUNTS",
    "DERIVED",
    "EVENT_FIELDS",
    "FIELDS",
    "LIST_ITEMS",
    "MAP_KEYS",
    "REFERENCES",
    "FieldType",
    "event_field_type",
    "field_type",
]

MAX_PATH: Final = 6

ACTIVITY_COUNTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "call": "calls",
        "visit": "visits",
        "demo": "demos",
        "proposal": "proposals",
        "meeting": "meetings",
        "email": "emails",
        "message": "messages",
    }
)
"""kind of activity -> the derived field that counts it, on opportunities and accounts."""

_COUNTS: Final = dict.fromkeys(ACTIVITY_COUNTS.values(), FieldType.NUMBER)
_COMMON: Final = {"created": FieldType.INSTANT, "age": FieldType.DURATION}
_STAGED: Final = {"stage": FieldType.TEXT, "stage_since": FieldType.INSTANT}
_OWN: Final[dict[str, dict[str, FieldType]]] = {
    "account": {
        "last_follow_up": FieldType.INSTANT,
        "overdue_amount": FieldType.MONEY,
        "credit_left": FieldType.MONEY,
        **_COUNTS,
    },
    "lead": _STAGED,
    "opportunity": {
        "last_follow_up": FieldType.INSTANT,
        "first_response": FieldType.INSTANT,
        "decisive": FieldType.BOOL,
        **_STAGED,
        **_COUNTS,
    },
    "contract": {"paid_ratio": FieldType.NUMBER, "open_instalments": FieldType.LIST},
    "person": {"director": FieldType.ID},
}


def _derived(kind: str) -> dict[str, FieldType]:
    status = {"status": FieldType.TEXT} if kind in INITIAL else {}
    return {**_COMMON, **status, **_OWN.get(kind, {})}


DERIVED: Final[Mapping[str, Mapping[str, FieldType]]] = {kind: _derived(kind) for kind in KINDS}
"""kind -> fields that no event carries; the engine works them out. Instants and durations among them are
us."""

_MODEL_FIELDS: Final[dict[str, dict[str, FieldInfo]]] = {
    kind: fields_of(spec.fields) for kind, spec in KINDS.items()
}

FIELDS: Final[Mapping[str, Mapping[str, FieldType]]] = {
    kind: {**{name: info.mark.type for name, info in fields.items()}, **DERIVED[kind]}
    for kind, fields in _MODEL_FIELDS.items()
}
"""kind -> field -> type."""

_MODEL_ITEMS: Final[dict[tuple[str, str], Mapping[str, FieldType]]] = {
    (kind, name): {part: inner.mark.type for part, inner in info.items.items()}
    for kind, fields in _MODEL_FIELDS.items()
    for name, info in fields.items()
    if info.mark.type is FieldType.LIST and info.items
}

LIST_ITEMS: Final[Mapping[tuple[str, str], Mapping[str, FieldType]]] = {
    **_MODEL_ITEMS,
    ("contract", "open_instalments"): _MODEL_ITEMS["contract", "instalments"],
}
"""(kind, list field) -> item field -> type; lists of plain values have no entry."""

MAP_KEYS: Final[Mapping[tuple[str, str], Mapping[str, FieldType]]] = {
    (kind, name): {part: inner.mark.type for part, inner in info.items.items()}
    for kind, fields in _MODEL_FIELDS.items()
    for name, info in fields.items()
    if info.mark.type is FieldType.MAP and info.items
}
"""(kind, map field) -> key -> type, for maps whose keys are known, such as ``approval.of.kind``."""

REFERENCES: Final[Mapping[tuple[str, str], str]] = {
    **{
        (kind, name): info.mark.kind
        for kind, fields in _MODEL_FIELDS.items()
        for name, info in fields.items()
        if info.mark.kind is not None and not (name == kind and info.mark.kind == kind)
    },
    ("person", "director"): "person",
}
"""(kind, id field) -> the kind it names, where a path may go on: ``owner.team.manager``."""

EVENT_FIELDS: Final[Mapping[str, FieldType]] = {
    "id": FieldType.ID,
    "source": FieldType.TEXT,
    "type": FieldType.TEXT,
    "time": FieldType.INSTANT,
}
"""What ``event.*`` offers."""

_TYPE_FIELDS: Final[dict[str, dict[str, FieldType]]] = {
    event_type: {name: info.mark.type for name, info in fields_of(model).items()}
    for event_type, model in EVENT_MODELS.items()
}
_NOTHING_DECLARED: Final[Mapping[str, FieldType]] = MappingProxyType({})


def field_type(
    kind: str, path: tuple[str, ...], declared: Mapping[str, FieldType] = _NOTHING_DECLARED
) -> FieldType | None:
    """The type of a path on an entity of the kind, or None when there is no such field.

    Paths: ``("amount",)``, ``("account", "tier")``, ``("owner", "team")``, ``("was", "stage")``,
    ``("event", "time")``, ``("of", "kind")``, and any parent that the kind can be joined to. ``declared``
    adds the workspace's own fields: ``"kind.field"`` -> type.

    >>> field_type("invoice", ("contract", "amount"))
    <FieldType.MONEY: 'money'>
    """
    if not 0 < len(path) <= MAX_PATH:
        return None
    head, rest = path[0], path[1:]
    if head == "event":
        return EVENT_FIELDS.get(rest[0]) if len(rest) == 1 else None
    if head == "was" and rest:
        return None if rest[0] in ("was", "event") else field_type(kind, rest, declared)
    if rest:
        return _joined(kind, head, rest, declared)
    own = FIELDS.get(kind, _COMMON).get(head) or declared.get(f"{kind}.{head}")
    return FieldType.ID if own is None and head in ANCESTORS.get(kind, ()) else own


def _joined(
    kind: str, head: str, rest: tuple[str, ...], declared: Mapping[str, FieldType]
) -> FieldType | None:
    if rest[0] in ("was", "event"):
        return None
    target = target_kind(kind, head)
    if target is not None:
        return field_type(target, rest, declared)
    keys = MAP_KEYS.get((kind, head), {})
    return keys.get(rest[0]) if len(rest) == 1 else None


def target_kind(kind: str, field: str) -> str | None:
    """The kind that a field of the kind leads to: itself, by reference, or as an ancestor; else None."""
    if field == kind:
        return kind
    return REFERENCES.get((kind, field)) or (field if field in ANCESTORS.get(kind, ()) else None)


def event_field_type(
    event_type: str, path: tuple[str, ...], declared: Mapping[str, FieldType] = _NOTHING_DECLARED
) -> FieldType | None:
    """The type of a path on an event of the type: its own ``data``, ``event.*``, ``was.*`` and joined
    entities.

    Derived fields of the entity (``stage_since``) are not fields of the event.
    """
    kind = event_type.rpartition(".")[0]
    if len(path) != 1:
        return field_type(kind, path, declared)
    own = _TYPE_FIELDS.get(event_type)
    if own is None:
        own = {name: info.mark.type for name, info in _MODEL_FIELDS.get(kind, {}).items()}
    return own.get(path[0]) or declared.get(f"{kind}.{path[0]}")
