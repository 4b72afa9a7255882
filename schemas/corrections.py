"""Reads ``.corrected`` and ``.deleted`` events: which event they aim at, and what takes its place.

Applying a correction to an entity's history is not done here.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.envelope import Event
from schemas.errors import EventError
from schemas.time import parse_instant

_FRAME: Final = frozenset(("event", "source", "time"))
_MOVED: Final = {"lead": {"lead_source": "source"}}


def is_correction(event: Event) -> bool:
    """Whether the event replaces another."""
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


def replacement(event: Event) -> tuple[dict[str, Any], int | None]:
    """(data, time) of the corrected event: its whole new data, and its new time in us (None: unchanged)."""
    kind = event.type.rpartition(".")[0]
    moved = _MOVED.get(kind, {})
    data = {moved.get(name, name): value for name, value in event.data.items() if name not in _FRAME}
    time = event.data.get("time")
    return data, None if time is None else parse_instant(time, place="data.time")
