"""The event inside the system, and its way in from and out to CloudEvents 1.0 JSON (structured mode).

The hot path of every event: msgspec reads the JSON, plain code checks the envelope, the model of the type
checks ``data`` once, and the raw ``data`` is kept with its money in canonical form. Transport (HTTP, Kafka,
files) does not belong here, see ``schemas.cloudevents``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from schemas.errors import EventError, show
from schemas.events.registry import KINDS
from schemas.limits import check_size, check_values, json_copy, place_in
from schemas.time import Precision, format_instant, parse_day, parse_instant, start_of_day
from schemas.types import MAX_ID
from schemas.validation import CHECKERS, check_data

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
ASSUMED_TIME: Final = "assumedtime"
"""Extension set (true) when the record had no ``time`` and the caller's default was taken."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_EXTENSION: Final = re.compile(r"[a-z0-9]+")
_JSON_TYPE: Final = re.compile(
    r"(?:application/json|text/json|[^/;\s]+/[^/;\s]+\+json)\s*(?:;.*)?", re.IGNORECASE
)
_OWN: Final = frozenset(
    (
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "data",
        "precision",
        "recordedtime",
    )
)
_INT32: Final = 1 << 31
_DATE_LENGTH: Final = len("2026-03-02")
_DECODER: Final = msgspec.json.Decoder()


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
        obj: the record; a mapping must hold JSON values only; the event shares nothing with it.
        zone: the organisation's zone, for a time that is a date alone.
        place: where the record stands (``deals.jsonl:17``), put before the place in errors.
        default_time: us, used when the record has no ``time`` (the event then carries the extension
            ``assumedtime``); without it such a record is refused.

    Raises:
        EventError: see ``docs/errors.md``.
    """
    if isinstance(obj, (bytes, bytearray, memoryview)):
        record = parse_object(obj, place)
    else:
        record = json_copy(obj, place)
    if record.get("specversion") != SPEC_VERSION:
        raise _wrong("SW-EVENT-006", record, "specversion", '"1.0"', place, "send CloudEvents 1.0")
    event_type = _type(record, place)
    _check_content(record, place)
    ext = _extensions(record, place)
    time, precision = _time(record, zone, place, default_time, ext)
    recorded = record.get("recordedtime")
    return Event(
        _text(record, "id", place),
        _text(record, "source", place),
        event_type,
        time,
        check_data(event_type, record["data"], zone, place),
        None if record.get("subject") is None else _text(record, "subject", place),
        precision,
        None
        if recorded is None
        else parse_instant(_text(record, "recordedtime", place), place=place_in(place, "recordedtime")),
        ext,
    )


def parse_object(raw: bytes | bytearray | memoryview, place: str = "") -> dict[str, Any]:
    """JSON bytes -> object, with its size bounded. Raises EventError SW-EVENT-001, -002, -013, -014."""
    check_size(len(raw), place)
    try:
        record = _DECODER.decode(raw)
    except RecursionError:
        raise EventError(
            "SW-EVENT-014", place=place, next_step="flatten the record before it is sent"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventError(
            "SW-EVENT-001",
            place=place,
            expected="one JSON object in UTF-8",
            found=str(error),
            next_step="check that the line is whole and that the file is UTF-8 without a byte order mark",
        ) from None
    if type(record) is not dict:
        raise EventError(
            "SW-EVENT-002",
            place=place,
            expected="one JSON object",
            found=show(record),
            next_step="send one CloudEvents object per record",
        )
    return record


def _wrong(
    code: str, record: dict[str, Any], name: str, expected: str, place: str, next_step: str
) -> EventError:
    found = show(record[name]) if name in record else "nothing"
    return EventError(code, place=place_in(place, name), expected=expected, found=found, next_step=next_step)


def _text(record: dict[str, Any], name: str, place: str) -> str:
    """A required text attribute: 1 to 512 characters, no control characters."""
    value = record.get(name)
    if (
        type(value) is str
        and 0 < len(value) <= MAX_ID
        and (value.isprintable() or not _CONTROL.search(value))
    ):
        return value
    expected = f"text of 1 to {MAX_ID} characters without control characters"
    if value is None:
        raise _wrong("SW-EVENT-003", record, name, expected, place, "add the attribute")
    code = "SW-EVENT-005" if isinstance(value, str) else "SW-EVENT-004"
    raise _wrong(code, record, name, expected, place, "change the attribute")


def _type(record: dict[str, Any], place: str) -> str:
    value = record.get("type")
    if type(value) is str and value in CHECKERS:
        return value
    text = _text(record, "type", place)
    if _TYPE.fullmatch(text):
        return text
    expected = "entity and past-tense verb, such as opportunity.won"
    raise _wrong("SW-EVENT-007", record, "type", expected, place, "map the type to such a name")


def _check_content(record: dict[str, Any], place: str) -> None:
    kind = record.get("datacontenttype")
    if (
        kind is not None
        and kind != CONTENT_TYPE
        and not (isinstance(kind, str) and _JSON_TYPE.fullmatch(kind))
    ):
        raise _wrong("SW-EVENT-009", record, "datacontenttype", CONTENT_TYPE, place, "send the data as JSON")
    if type(record.get("data")) is dict:
        check_values(record["data"], place, "data")
    else:
        step = "send the data as a JSON object in data, not in data_base64"
        raise _wrong("SW-EVENT-009", record, "data", "an object", place, step)


def _extensions(record: dict[str, Any], place: str) -> dict[str, str | int | bool]:
    """All attributes that have no place of their own in ``Event``; null means absent."""
    if record.keys() <= _OWN:
        return {}
    ext: dict[str, str | int | bool] = {}
    for name, value in record.items():  # in the record's order, so that it is the same everywhere
        if name in _OWN:
            continue
        if not _EXTENSION.fullmatch(name):
            at = show(name)[1:-1]
            raise _wrong("SW-EVENT-008", record, name, "lower-case letters and digits", place, f"rename {at}")
        if value is None:
            continue
        if not isinstance(value, (str, int)) or (type(value) is int and not -_INT32 <= value < _INT32):
            raise _wrong(
                "SW-EVENT-004", record, name, "text, a boolean or a 32-bit integer", place, "send it as text"
            )
        ext[name] = value
    return ext


def _time(
    record: dict[str, Any], zone: ZoneInfo, place: str, default: int | None, ext: dict[str, str | int | bool]
) -> tuple[int, Precision]:
    precision = record.get("precision")
    if precision is not None and precision not in ("day", "instant"):
        raise _wrong("SW-EVENT-012", record, "precision", "day or instant", place, "leave it out or send day")
    if record.get("time") is None and default is not None:
        ext[ASSUMED_TIME] = True
        return default, "instant"
    text = record.get("time")
    if type(text) is not str:
        text = _text(record, "time", place)
    if len(text) == _DATE_LENGTH:
        return parse_day(text, zone, place=place_in(place, "time"))
    time = parse_instant(text, place=place_in(place, "time"))
    return (start_of_day(time, zone), "day") if precision == "day" else (time, "instant")


def encode_event(event: Event) -> dict[str, object]:
    """The event as a CloudEvents 1.0 structured-mode object; ``decode_event`` gives the same event back."""
    record: dict[str, object] = {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "source": event.source,
        "type": event.type,
    }
    if event.subject is not None:
        record["subject"] = event.subject
    record["time"] = format_instant(event.time)
    record["datacontenttype"] = CONTENT_TYPE
    if event.precision == "day":
        record["precision"] = "day"
    if event.recorded is not None:
        record["recordedtime"] = format_instant(event.recorded)
    record.update(event.ext)
    record["data"] = event.data
    return record


def entity_of(event: Event) -> tuple[str, str]:
    """(kind, native id) of the entity that the event is about; see ``entity_named``."""
    return entity_named(event.type, event.data, event.id, event.subject)


def entity_named(type_: str, data: Mapping[str, Any], event_id: str, subject: str | None) -> tuple[str, str]:
    """(kind, native id) of the entity that an event of that type and data is about.

    The kind is the type's text before its last dot; the id is the kind's id field in ``data``. Costs,
    targets, messages and activities without an id are named by the event that recorded them. An activity
    of kind visit that names its ``visit`` is that visit. Kinds we do not know may be named by ``subject``
    instead.

    Raises:
        EventError: SW-EVENT-030 when it names none.
    """
    kind, _, verb = type_.rpartition(".")
    if kind == "activity" and data.get("visit") and data.get("kind", "visit") == "visit":
        return "visit", data["visit"]
    spec = KINDS.get(kind)
    native = data.get(spec.id_field if spec else kind)
    if native is None and type_ not in CHECKERS:
        native = subject
    elif native is None and spec is not None and spec.event_names_it:
        native = data.get("event") if verb in ("corrected", "deleted") else event_id
    if isinstance(native, str) and native:
        return kind, native
    field = spec.id_field if spec else kind
    raise EventError(
        "SW-EVENT-030",
        place=f"data.{field}",
        expected=f"the id of the {kind} as text",
        found=show(data.get(field)) if field in data else "nothing",
        next_step=f"send the id as data.{field}" + ("" if spec else " or as subject"),
    )
