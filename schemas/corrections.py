"""Reads ``.corrected`` and ``.deleted`` events: which event they aim at, and what they merge over it.

Applying a correction to an entity's history is not done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.envelope import Event
from schemas.errors import EventError

_FRAME: Final = frozenset(("event", "source", "time"))
_MOVED: Final = {"lead": {"lead_source": "source"}}


def is_correction(event: Event) -> bool:
    """Whether the event corrects another."""
    return event.type.endswith(".corrected")


def is_deletion(event: Event) -> bool:
    """Whether the event takes back another event or a whole entity."""
    return event.type.endswith(".deleted")


def target_of(event: Event) -> tuple[str, str] | None:
    """(source, id) of the event that a correction or deletion aims at; None for a deletion of the entity.

    Raises:
        EventError: SW-EVENT-031 when a correction names no event.
    """
    native = event.data.get("event")
    if native is None and is_correction(event):
        raise EventError(
            "SW-EVENT-031",
            place="data.event",
            expected="the id of the event that is corrected",
            found="nothing",
            next_step="send the id as data.event, and its source as data.source if it is another",
        )
    return None if native is None else (event.data.get("source") or event.source, native)


def merged_fields(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the ``data`` of a correction says of its entity: it is merged over that of the event.

    The names of the correction itself are left out; a lead's own ``source`` comes as ``lead_source``.

    >>> merged_fields("lead.corrected", {"lead": "L1", "event": "e-1", "lead_source": "fair"})
    {'lead': 'L1', 'source': 'fair'}
    """
    moved = _MOVED.get(type_.rpartition(".")[0], {})
    return {moved.get(name, name): value for name, value in data.items() if name not in _FRAME}
