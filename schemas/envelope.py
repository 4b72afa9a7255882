"""The event inside the system, and its way in from and out to CloudEvents 1.0 JSON (structured mode).

The hot path of every event: msgspec reads the JSON, plain code checks the envelope, the model of the type
checks ``data`` once, and the raw ``data`` is kept with its money in canonical form. Transport (HTTP,
Kafka, files) does not belong here, see ``schemas.cloudevents``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from schemas.time import Precision


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event. ``time`` and ``recorded`` are us; money in ``data`` is canonical decimal text.

    ``source`` and ``id`` together name the event. ``precision`` "day" says that only the day is known and
    that ``time`` is its start in the organisation's zone. ``ext`` holds all other CloudEvents attributes.
    """

    id: str
    source: str
    type: str
    time: int
    data: dict[str, Any]
    subject: str | None = None
    precision: Precision = "instant"
    recorded: int | None = None
    ext: dict[str, str | int | bool] = {}


def decode_event(
    obj: Mapping[str, object] | bytes, *, zone: ZoneInfo, place: str = "", default_time: int | None = None
) -> Event:
    """A CloudEvents record (JSON bytes, or the parsed object) -> Event, checked.

    Args:
        obj: the record; a mapping must hold JSON values only and is not changed.
        zone: the organisation's zone, for a time that is a date alone.
        place: where the record stands (``deals.jsonl:17``), put before the place in errors.
        default_time: us, used when the record has no ``time``; without it such a record is refused.

    Raises:
        EventError: see ``docs/errors.md``.
    """
    raise NotImplementedError


def encode_event(event: Event) -> dict[str, object]:
    """The event as a CloudEvents 1.0 structured-mode object; ``decode_event`` gives the same event back."""
    raise NotImplementedError


def entity_of(event: Event) -> tuple[str, str]:
    """(kind, native id) of the entity that the event is about.

    Raises:
        EventError: SW-EVENT-030 when it names none.
    """
    raise NotImplementedError
