"""CloudEvents 1.0 on the wire, both ways: batches, HTTP and Kafka, in structured and in binary mode.

Binary mode carries every attribute as text: integer and boolean extensions come back as text. Opening
sockets, choosing topics and keys do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes
from zoneinfo import ZoneInfo

import msgspec

from schemas.envelope import CONTENT_TYPE, SPEC_VERSION, Event, decode_event, encode_event, parse_object
from schemas.errors import EventError, show
from schemas.limits import check_size, place_in

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
MAX_BATCH_BYTES: Final = 64 << 20

_HTTP: Final = "ce-"
_KAFKA: Final = "ce_"
_CONTENT: Final = "content-type"
_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_BATCH_DECODER: Final = msgspec.json.Decoder(list[msgspec.Raw])


def encode_structured(event: Event) -> bytes:
    """One event as structured-mode JSON, for a line of a file, an HTTP body or a Kafka value."""
    return msgspec.json.encode(encode_event(event))


def encode_batch(events: Iterable[Event]) -> bytes:
    """Events as a JSON array (``application/cloudevents-batch+json``)."""
    return msgspec.json.encode([encode_event(event) for event in events])


def decode_batch(
    body: bytes, *, zone: ZoneInfo, place: str = "", default_time: int | None = None
) -> list[Event | EventError]:
    """A JSON array of events -> what each became, in order: one bad event does not lose the others.

    Raises:
        EventError: SW-EVENT-040 when the body is no JSON array, SW-EVENT-013 when it is larger than 64 MiB.
    """
    if len(body) > MAX_BATCH_BYTES:
        check_size(len(body), place)
    try:
        records = _BATCH_DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EventError(
            "SW-EVENT-040",
            place=place,
            expected="a JSON array of CloudEvents",
            found=str(error),
            next_step="send a single event without the batch content type, or wrap it in []",
        ) from None
    return [
        _decoded(bytes(record), zone, f"{place}[{index}]", default_time)
        for index, record in enumerate(records)
    ]


def _decoded(record: bytes, zone: ZoneInfo, place: str, default_time: int | None) -> Event | EventError:
    try:
        return decode_event(record, zone=zone, place=place, default_time=default_time)
    except EventError as error:
        return error


def encode_http(event: Event) -> tuple[dict[str, str], bytes]:
    """(headers, body) of the event in HTTP binary mode; header values are percent-encoded."""
    attributes, body = _attributes(event)
    headers = {_HTTP + name: quote(text, safe=_SAFE) for name, text in attributes}
    return {_CONTENT: CONTENT_TYPE, **headers}, body


def decode_http(
    headers: Mapping[str, str],
    body: bytes,
    *,
    zone: ZoneInfo,
    place: str = "",
    default_time: int | None = None,
) -> list[Event | EventError]:
    """The events of an HTTP message in whatever mode it is: binary, structured or batch.

    The content type decides; without a CloudEvents content type, ``ce-`` headers mean binary mode, and a body
    that is an array means a batch.

    Raises:
        EventError: the message as a whole cannot be read, or its only event cannot.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    content = lower.get(_CONTENT, "").partition(";")[0].strip().lower()
    single = content == STRUCTURED
    if not single and content != BATCH and any(name.startswith(_HTTP) for name in lower):
        attributes = {name: _header_text(value, name, place) for name, value in lower.items()}
        record = _record(attributes, _HTTP, body, place)
        return [decode_event(record, zone=zone, place=place, default_time=default_time)]
    if content == BATCH or (not single and body.lstrip()[:1] == b"["):
        return decode_batch(body, zone=zone, place=place, default_time=default_time)
    return [decode_event(body, zone=zone, place=place, default_time=default_time)]


def _header_text(value: str, name: str, place: str) -> str:
    """A header's text: a quoted string is unquoted, then percent-encoding is undone."""
    if not name.startswith(_HTTP):
        return value
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _unescaped(value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise _header_error(name, value, "percent-encoded UTF-8", place) from None


def _unescaped(quoted: str) -> str:
    """The content of a quoted string: a backslash stands before a character that is meant as it is."""
    text, escaped = "", False
    for character in quoted:
        escaped = character == "\\" and not escaped
        text += "" if escaped else character
    return text


def encode_kafka(event: Event) -> tuple[list[tuple[str, bytes]], bytes]:
    """(headers, value) of the event in Kafka structured mode."""
    return [(_CONTENT, STRUCTURED.encode())], encode_structured(event)


def encode_kafka_binary(event: Event) -> tuple[list[tuple[str, bytes]], bytes]:
    """(headers, value) of the event in Kafka binary mode; header values are UTF-8."""
    attributes, body = _attributes(event)
    headers = [(_KAFKA + name, text.encode()) for name, text in attributes]
    return [(_CONTENT, CONTENT_TYPE.encode()), *headers], body


def decode_kafka(
    headers: Iterable[tuple[str, bytes]],
    value: bytes,
    *,
    zone: ZoneInfo,
    place: str = "",
    default_time: int | None = None,
) -> Event:
    """The event of a Kafka record, structured or binary (``ce_`` headers). Raises EventError."""
    lower = {name.lower(): raw for name, raw in headers}
    structured = lower.get(_CONTENT, b"").lower().startswith(STRUCTURED.encode())
    if structured or not any(name.startswith(_KAFKA) for name in lower):
        return decode_event(value, zone=zone, place=place, default_time=default_time)
    attributes = {name: _kafka_text(raw, name, place) for name, raw in lower.items()}
    record = _record(attributes, _KAFKA, value, place)
    return decode_event(record, zone=zone, place=place, default_time=default_time)


def _kafka_text(raw: bytes, name: str, place: str) -> str:
    if name != _CONTENT and not name.startswith(_KAFKA):
        return ""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _header_error(name, raw.decode("latin-1"), "UTF-8", place) from None


def _attributes(event: Event) -> tuple[Iterator[tuple[str, str]], bytes]:
    """All attributes but the content type as text, and the data as JSON."""
    record = encode_event(event)
    data = record.pop("data")
    del record["datacontenttype"]
    return ((name, _attribute_text(value)) for name, value in record.items()), msgspec.json.encode(data)


def _attribute_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _record(attributes: Mapping[str, str], prefix: str, body: bytes, place: str) -> dict[str, Any]:
    """The structured-mode object that a binary-mode message stands for."""
    record: dict[str, Any] = {
        name[len(prefix) :]: text for name, text in attributes.items() if name.startswith(prefix)
    }
    if "specversion" not in record:
        raise _header_error(f"{prefix}specversion", None, f'"{SPEC_VERSION}"', place)
    for name in ("data", "datacontenttype"):
        if name in record:
            raise _header_error(prefix + name, record[name], "no such header", place)
    if _CONTENT in attributes:
        record["datacontenttype"] = attributes[_CONTENT]
    record["data"] = parse_object(body, place_in(place, "data"))
    return record


def _header_error(name: str, found: str | None, expected: str, place: str) -> EventError:
    at = f"header {name}"
    return EventError(
        "SW-EVENT-041",
        place=place_in(place, at),
        expected=expected,
        found="nothing" if found is None else show(found),
        next_step="send the event as the CloudEvents binary mode asks, or as one JSON object",
    )
