"""Decoding and encoding events: the envelope's rules, what is kept, and how each slip is told."""

import json
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from schemas.envelope import ASSUMED_TIME, Event, decode_event, encode_event
from schemas.errors import EventError
from schemas.limits import MAX_BYTES
from schemas.time import parse_instant
from tests.unit.schemas.events import TYPES, ZONE, data_of, event_of, record_of

WON = "opportunity.won"


def refused(record: dict[str, Any] | bytes) -> EventError:
    """The error of a record that must be refused, with a place handed in."""
    with pytest.raises(EventError) as caught:
        decode_event(record, zone=ZONE, place="deals.jsonl:17")
    assert caught.value.place.startswith("deals.jsonl:17")
    return caught.value


@pytest.mark.parametrize("event_type", TYPES)
def test_example_of_every_type_is_read_from_bytes_as_from_the_object(event_type: str) -> None:
    record = record_of(event_type)
    event = decode_event(json.dumps(record).encode(), zone=ZONE)
    assert event == decode_event(record, zone=ZONE)
    assert (event.type, event.id, event.source) == (event_type, "crm-8817", "crm/maven")
    assert decode_event(encode_event(event), zone=ZONE) == event


def test_the_event_of_the_vocabulary_page() -> None:
    raw = b"""{"specversion": "1.0", "id": "crm-8817", "source": "crm/maven",
     "type": "opportunity.stage_changed",
     "subject": "1C1I7A6R", "time": "2026-03-02T09:30:00Z", "datacontenttype": "application/json",
     "data": {"opportunity": "1C1I7A6R", "account": "Cancity", "stage": "negotiation", "amount": "1054.00",
     "currency": "USD"}}"""
    event = decode_event(raw, zone=ZONE)
    assert event == Event(
        id="crm-8817",
        source="crm/maven",
        type="opportunity.stage_changed",
        time=parse_instant("2026-03-02T09:30:00Z"),
        data={
            "opportunity": "1C1I7A6R",
            "account": "Cancity",
            "stage": "negotiation",
            "amount": "1054.00",
            "currency": "USD",
        },
        subject="1C1I7A6R",
    )
    assert encode_event(event) == msgspec.json.decode(raw)


def test_unknown_keys_and_extensions_are_kept() -> None:
    data = {"opportunity": "O1", "heat": 0.25, "nested": {"a": [1, None, True]}}
    event = event_of(WON, data, traceparent="00-1", lane=3, live=False, dataschema="urn:x", nothing=None)
    assert event.data == data
    assert list(event.ext.items()) == [
        ("traceparent", "00-1"),
        ("lane", 3),
        ("live", False),
        ("dataschema", "urn:x"),
    ]


def test_null_attributes_are_absent() -> None:
    record = {**record_of(WON), "subject": None, "precision": None, "recordedtime": None, "lane": None}
    assert decode_event(record, zone=ZONE) == event_of(WON)


def test_recorded_time_is_read_and_written() -> None:
    event = event_of(WON, recordedtime="2026-03-03T08:00:00.25+08:00")
    assert event.recorded == parse_instant("2026-03-03T00:00:00.25Z")
    assert encode_event(event)["recordedtime"] == "2026-03-03T00:00:00.250000Z"


@pytest.mark.parametrize("more", [{}, {"precision": "day"}])
def test_date_alone_is_a_day_in_the_organisations_zone(more: dict[str, Any]) -> None:
    event = event_of(WON, time="2026-03-02", **more)
    assert (event.time, event.precision) == (parse_instant("2026-03-01T16:00:00Z"), "day")
    assert encode_event(event)["precision"] == "day"
    assert decode_event(encode_event(event), zone=ZONE) == event


def test_instant_declared_a_day_is_brought_to_the_days_start() -> None:
    event = event_of(WON, time="2026-03-02T09:30:00+08:00", precision="day")
    assert (event.time, event.precision) == (parse_instant("2026-03-02T00:00:00+08:00"), "day")


def test_missing_time_takes_the_default_and_says_so() -> None:
    record = record_of(WON)
    del record["time"]
    event = decode_event(record, zone=ZONE, default_time=5)
    assert (event.time, event.precision, event.ext) == (5, "instant", {ASSUMED_TIME: True})
    assert refused(record).code == "SW-EVENT-003"


@pytest.mark.parametrize(
    ("attributes", "code", "place"),
    [
        ({"specversion": "0.3"}, "SW-EVENT-006", "specversion"),
        ({"specversion": None}, "SW-EVENT-006", "specversion"),
        ({"id": ""}, "SW-EVENT-005", "id"),
        ({"id": 17}, "SW-EVENT-004", "id"),
        ({"id": None}, "SW-EVENT-003", "id"),
        ({"id": "x" * 513}, "SW-EVENT-005", "id"),
        ({"source": "a\nb"}, "SW-EVENT-005", "source"),
        ({"source": None}, "SW-EVENT-003", "source"),
        ({"subject": ""}, "SW-EVENT-005", "subject"),
        ({"subject": 5}, "SW-EVENT-004", "subject"),
        ({"type": "Opportunity.Won"}, "SW-EVENT-007", "type"),
        ({"type": "won"}, "SW-EVENT-007", "type"),
        ({"type": "opportunity..won"}, "SW-EVENT-007", "type"),
        ({"type": ["opportunity.won"]}, "SW-EVENT-004", "type"),
        ({"type": None}, "SW-EVENT-003", "type"),
        ({"time": "2026-03-02T09:30:00"}, "SW-EVENT-011", "time"),
        ({"time": "yesterday"}, "SW-EVENT-010", "time"),
        ({"time": "2026/03/02"}, "SW-EVENT-024", "time"),
        ({"time": 1772443800}, "SW-EVENT-004", "time"),
        ({"precision": "hour"}, "SW-EVENT-012", "precision"),
        ({"recordedtime": "2026-03-02"}, "SW-EVENT-010", "recordedtime"),
        ({"recordedtime": 5}, "SW-EVENT-004", "recordedtime"),
        ({"traceParent": "x"}, "SW-EVENT-008", "traceParent"),
        ({"trace_parent": "x"}, "SW-EVENT-008", "trace_parent"),
        ({"lane": 1.5}, "SW-EVENT-004", "lane"),
        ({"lane": 1 << 31}, "SW-EVENT-004", "lane"),
        ({"lane": {"a": 1}}, "SW-EVENT-004", "lane"),
        ({"datacontenttype": "text/xml"}, "SW-EVENT-009", "datacontenttype"),
        ({"datacontenttype": 5}, "SW-EVENT-009", "datacontenttype"),
    ],
)
def test_slip_in_the_envelope_is_told(attributes: dict[str, Any], code: str, place: str) -> None:
    record = {**record_of(WON), **{name: value for name, value in attributes.items() if value is not None}}
    for name in [name for name, value in attributes.items() if value is None]:
        del record[name]
    error = refused(record)
    assert (error.code, error.place) == (code, f"deals.jsonl:17: {place}")
    assert error.expected
    assert error.next_step
    assert refused(json.dumps(record).encode()).to_dict() == error.to_dict()


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_data_must_be_an_object(data: object) -> None:
    record = {**record_of(WON), "data": data}
    assert refused(record).code == "SW-EVENT-009"
    del record["data"]
    assert refused({**record, "data_base64": "e30="}).code in ("SW-EVENT-008", "SW-EVENT-009")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"]
)
def test_other_names_of_json_are_accepted(kind: str) -> None:
    assert event_of(WON, datacontenttype=kind) == event_of(WON)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "SW-EVENT-001"),
        (b"{", "SW-EVENT-001"),
        (b"\xff{}", "SW-EVENT-001"),
        (b'\xef\xbb\xbf{"a":1}', "SW-EVENT-001"),
        (b'{"a": NaN}', "SW-EVENT-001"),
        (b'{"a": 1e999}', "SW-EVENT-001"),
        (b'{"a": "\\ud800"}', "SW-EVENT-001"),
        (b'{"a": 1} {"b": 2}', "SW-EVENT-001"),
        (b"[]", "SW-EVENT-002"),
        (b"null", "SW-EVENT-002"),
        (b"[" * 100_000, "SW-EVENT-014"),
        (b" " * (MAX_BYTES + 1), "SW-EVENT-013"),
    ],
)
def test_record_that_is_no_object_is_refused(raw: bytes, code: str) -> None:
    assert refused(raw).code == code


def nested(levels: int) -> dict[str, Any]:
    """Data of so many levels, itself the first."""
    value: Any = "end"
    for _ in range(levels - 1):
        value = [value]
    return {"opportunity": "O1", "deep": value}


def test_depth_is_bounded() -> None:
    assert event_of(WON, nested(32)).data == nested(32)
    error = refused(record_of(WON, nested(33)))
    assert error.code == "SW-EVENT-014"
    assert error.place == "deals.jsonl:17: data.deep" + ".0" * 7
    assert refused(json.dumps(record_of(WON, nested(33))).encode()).code == "SW-EVENT-014"


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, float("nan"), float("inf")])
def test_numbers_are_bounded(number: float) -> None:
    data = {"opportunity": "O1", "list": [{"n": number}]}
    error = refused(record_of(WON, data))
    assert (error.code, error.place) == ("SW-EVENT-015", "deals.jsonl:17: data.list.0.n")


def test_integers_of_64_bits_pass() -> None:
    data = {"opportunity": "O1", "low": -(1 << 63), "high": (1 << 63) - 1}
    assert event_of(WON, data).data == data


@pytest.mark.parametrize("value", [b"raw", object(), (1, 2), {1, 2}, "\ud800"])
def test_mapping_may_hold_json_values_only(value: object) -> None:
    assert refused(record_of(WON, {"opportunity": "O1", "odd": value})).code == "SW-EVENT-016"


def test_mapping_must_have_text_keys_and_is_bounded() -> None:
    odd: dict[Any, Any] = {"opportunity": "O1", b"x": 1}
    assert refused(record_of(WON, odd)).code == "SW-EVENT-016"
    assert refused(record_of(WON, {"opportunity": "O1", "x": "y" * MAX_BYTES})).code == "SW-EVENT-013"


def test_decoding_changes_nothing_of_the_callers() -> None:
    data = data_of("order.placed")
    record = record_of("order.placed", data)
    before = json.dumps(record)
    event = decode_event(record, zone=ZONE)
    assert event.data["amount"] == "1100"
    assert event.data["lines"][0]["cost"] == "700"
    assert json.dumps(record) == before


def test_any_mapping_will_do() -> None:
    assert decode_event(MappingProxyType(record_of(WON)), zone=ZONE) == event_of(WON)


def test_record_that_holds_itself_is_refused() -> None:
    data: dict[str, Any] = {"opportunity": "O1"}
    data["self"] = data
    assert refused(record_of(WON, data)).code == "SW-EVENT-014"
