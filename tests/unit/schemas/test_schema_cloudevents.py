"""CloudEvents on the wire, against the official SDK (both its APIs) as oracle, and the slips of senders."""

import json
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.bindings import kafka as sdk_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import conversion as old_conversion
from cloudevents.v1 import http as old_sdk

from schemas.cloudevents import (
    BATCH,
    STRUCTURED,
    decode_batch,
    decode_http,
    decode_kafka,
    encode_batch,
    encode_http,
    encode_kafka,
    encode_kafka_binary,
    encode_structured,
)
from schemas.envelope import Event, decode_event, encode_event
from schemas.errors import EventError
from tests.unit.schemas.events import TYPES, ZONE, event_of, record_of

AWKWARD = 'a "b" 100% 凯城 €😀/ü'


def sdk_event(record: dict[str, Any]) -> BaseCloudEvent:
    """The SDK's event of a structured-mode object."""
    return JSONFormat().read(CloudEvent, json.dumps(record))


def awkward_event(event_type: str = "order.placed") -> Event:
    """An event whose attributes need every kind of encoding."""
    return event_of(event_type, subject=AWKWARD, id="x%20y", region="华东")


def as_seen_by_sdk(event: Event) -> dict[str, Any]:
    """Our event's attributes as the SDK would hold them."""
    record = encode_event(event)
    record.pop("data")
    record["time"] = datetime.fromisoformat(str(record["time"]))
    return record


@pytest.mark.parametrize("event_type", TYPES)
def test_sdk_reads_our_structured_events_and_we_its(event_type: str) -> None:
    ours = event_of(event_type, subject=AWKWARD)
    theirs = JSONFormat().read(CloudEvent, encode_structured(ours))
    assert theirs.get_attributes() == as_seen_by_sdk(ours)
    assert theirs.get_data() == ours.data
    assert decode_event(JSONFormat().write(theirs), zone=ZONE) == ours


def test_sdk_reads_our_http_binary_events_and_we_its() -> None:
    ours = awkward_event()
    headers, body = encode_http(ours)
    assert all(value.isascii() and " " not in value for value in headers.values())
    theirs = sdk_http.from_http_event(sdk_http.HTTPMessage(headers, body))
    assert theirs.get_attributes() == as_seen_by_sdk(ours)
    assert theirs.get_data() == ours.data
    message = sdk_http.to_binary_event(sdk_event(record_of("order.placed", subject=AWKWARD, id="x%20y")))
    assert decode_http(message.headers, message.body, zone=ZONE) == [
        event_of("order.placed", subject=AWKWARD, id="x%20y")
    ]


def test_our_http_headers_are_the_sdks() -> None:
    record = record_of("order.placed", subject=AWKWARD)
    message = sdk_http.to_binary_event(sdk_event(record))
    headers, body = encode_http(decode_event(record, zone=ZONE))
    assert headers == dict(message.headers)
    assert json.loads(body)["order"] == json.loads(message.body)["order"]


def test_sdk_http_structured_events_are_read() -> None:
    message = sdk_http.to_structured_event(sdk_event(record_of("order.placed")))
    assert decode_http(message.headers, message.body, zone=ZONE) == [event_of("order.placed")]


def test_older_sdk_agrees_in_both_modes() -> None:
    record = record_of("order.placed", subject="S1")
    data = record.pop("data")
    theirs = old_sdk.CloudEvent(record, data)
    for convert in (old_conversion.to_binary, old_conversion.to_structured):
        headers, body = convert(theirs)
        assert decode_http(headers, body, zone=ZONE) == [event_of("order.placed", subject="S1")]
    headers, body = encode_http(event_of("order.placed", subject="S1"))
    back = old_sdk.from_http(headers, body)
    assert (back["subject"], back["id"], back.data["order"]) == ("S1", "crm-8817", "order-1")


def test_sdk_reads_our_kafka_binary_events_and_we_its() -> None:
    ours = awkward_event()
    headers, value = encode_kafka_binary(ours)
    theirs = sdk_kafka.from_kafka_event(sdk_kafka.KafkaMessage(dict(headers), None, value))
    assert theirs.get_attributes() == as_seen_by_sdk(ours)
    assert theirs.get_data() == ours.data
    message = sdk_kafka.to_binary_event(theirs)
    assert dict(message.headers) == dict(headers)
    assert decode_kafka(list(message.headers.items()), bytes(message.value), zone=ZONE) == ours


def test_sdk_reads_our_kafka_structured_events_and_we_its() -> None:
    ours = awkward_event()
    headers, value = encode_kafka(ours)
    theirs = sdk_kafka.from_kafka_event(sdk_kafka.KafkaMessage(dict(headers), None, value))
    message = sdk_kafka.to_structured_event(theirs)
    assert dict(message.headers) == dict(headers)
    assert decode_kafka(list(message.headers.items()), bytes(message.value), zone=ZONE) == ours
    assert decode_kafka([], value, zone=ZONE) == ours


def test_binary_mode_carries_extensions_as_text() -> None:
    event = event_of("order.placed", lane=3, live=True)
    assert decode_http(*encode_http(event), zone=ZONE) == [event_of("order.placed", lane="3", live="true")]


def test_quoted_header_is_unquoted_before_percent_decoding() -> None:
    headers, body = encode_http(event_of("order.placed"))
    quoted = {**headers, "Ce-Subject": r'"a \"b\" \\ %20c"'}
    (event,) = decode_http(quoted, body, zone=ZONE)
    assert isinstance(event, Event)
    assert event.subject == 'a "b" \\  c'


def test_batch_goes_both_ways() -> None:
    events = [event_of("order.placed"), awkward_event("order.closed")]
    assert decode_batch(encode_batch(events), zone=ZONE) == events
    for headers in ({"Content-Type": f"{BATCH}; charset=utf-8"}, {"content-type": "application/json"}, {}):
        assert decode_http(headers, encode_batch(events), zone=ZONE) == events
    assert decode_batch(b"[]", zone=ZONE) == []


def test_one_bad_event_of_a_batch_does_not_lose_the_others() -> None:
    bad = record_of("order.placed", {"order": 5})
    body = json.dumps([record_of("order.placed"), bad, 7]).encode()
    first, second, third = decode_batch(body, zone=ZONE, place="POST /events")
    assert first == event_of("order.placed")
    assert isinstance(second, EventError)
    assert isinstance(third, EventError)
    assert (second.code, second.place) == ("SW-EVENT-021", "POST /events[1]: data.order")
    assert (third.code, third.place) == ("SW-EVENT-002", "POST /events[2]")


@pytest.mark.parametrize("body", [b"{}", b"", b"[1", b"\xff", b"[" * 100_000])
def test_batch_that_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(EventError) as caught:
        decode_http({"content-type": BATCH}, body, zone=ZONE)
    assert caught.value.code == "SW-EVENT-040"


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"ce-specversion": None}, "SW-EVENT-041", "header ce-specversion"),
        ({"ce-specversion": "0.3"}, "SW-EVENT-006", "specversion"),
        ({"ce-id": None}, "SW-EVENT-003", "id"),
        ({"ce-subject": "%ff"}, "SW-EVENT-041", "header ce-subject"),
        ({"ce-data": "x"}, "SW-EVENT-041", "header ce-data"),
        ({"ce-trace-parent": "x"}, "SW-EVENT-008", "trace-parent"),
        ({"content-type": "text/plain"}, "SW-EVENT-009", "datacontenttype"),
    ],
)
def test_slip_in_binary_headers_is_told(change: dict[str, str | None], code: str, place: str) -> None:
    headers, body = encode_http(event_of("order.placed"))
    mixed = {name: value for name, value in {**headers, **change}.items() if value is not None}
    with pytest.raises(EventError) as caught:
        decode_http(mixed, body, zone=ZONE, place="POST /events")
    assert (caught.value.code, caught.value.place) == (code, f"POST /events: {place}")


def test_body_of_a_binary_message_must_be_an_object() -> None:
    headers, _ = encode_http(event_of("order.placed"))
    for body, code in ((b"", "SW-EVENT-001"), (b"[]", "SW-EVENT-002")):
        with pytest.raises(EventError) as caught:
            decode_http(headers, body, zone=ZONE)
        assert (caught.value.code, caught.value.place) == (code, "data")


def test_kafka_header_that_is_not_utf8_is_told() -> None:
    headers, value = encode_kafka_binary(event_of("order.placed"))
    with pytest.raises(EventError, match="SW-EVENT-041"):
        decode_kafka([*headers, ("ce_subject", b"\xff")], value, zone=ZONE)
    assert decode_kafka([*headers, ("other", b"\xff")], value, zone=ZONE) == event_of("order.placed")


def test_structured_content_type_wins_over_ce_headers() -> None:
    body = encode_structured(event_of("order.placed"))
    headers = {"content-type": STRUCTURED, "ce-id": "other"}
    assert decode_http(headers, body, zone=ZONE) == [event_of("order.placed")]
