"""Events, times, durations and wire forms survive there and back; errors are the only other way out."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import canonical_json, content_digest, digest, partition_of
from schemas.cloudevents import (
    decode_batch,
    decode_http,
    decode_kafka,
    encode_batch,
    encode_http,
    encode_kafka,
    encode_kafka_binary,
)
from schemas.envelope import Event, decode_event, encode_event, entity_of
from schemas.errors import EventError, StagewatchError, escape
from schemas.time import (
    MAX_INSTANT,
    MIN_INSTANT,
    Duration,
    date_of,
    day_start,
    end_of_day,
    format_instant,
    parse_duration,
    parse_instant,
    start_of_day,
)
from tests.unit.schemas.events import TYPES, ZONE, data_of

INSTANTS = st.integers(MIN_INSTANT, MAX_INSTANT)
MODERN = st.integers(parse_instant("1990-01-01T00:00:00Z"), parse_instant("2037-01-01T00:00:00Z"))
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]).map(
    ZoneInfo
)
DURATIONS = st.builds(
    lambda number, unit: parse_duration(f"{number}{unit}"),
    st.integers(0, 5000),
    st.sampled_from(["ms", "s", "m", "h", "d", "w", "mo", "q", "y"]),
)
NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e9, 1e9), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def events(draw: st.DrawFn, extension: st.SearchStrategy[Any] = NAMES) -> Event:
    """An event of any type with unknown keys and extensions."""
    event_type = draw(st.sampled_from(TYPES))
    precision = draw(st.sampled_from(["instant", "day"]))
    record = {
        "specversion": "1.0",
        "id": draw(NAMES),
        "source": draw(NAMES),
        "type": event_type,
        "subject": draw(st.none() | NAMES),
        "time": format_instant(draw(MODERN)),
        "precision": precision,
        "recordedtime": draw(st.none() | MODERN.map(format_instant)),
        "data": {**data_of(event_type), **draw(st.dictionaries(st.just("unknown"), JSON))},
        **draw(st.dictionaries(st.sampled_from(["lane", "traceparent", "x1"]), extension)),
    }
    return decode_event(record, zone=ZONE)


@given(INSTANTS)
def test_instant(us: int) -> None:
    assert parse_instant(format_instant(us)) == us


@given(st.datetimes(timezones=st.just(dt.UTC)).filter(lambda moment: 1 < moment.year < 9999))
def test_instant_agrees_with_datetime(moment: dt.datetime) -> None:
    elapsed = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert parse_instant(moment.isoformat()) == elapsed // dt.timedelta(microseconds=1)


@given(MODERN, ZONES)
def test_day_holds_its_instant(us: int, zone: ZoneInfo) -> None:
    assert start_of_day(us, zone) <= us < end_of_day(us, zone)
    assert (
        date_of(us, zone) == date_of(start_of_day(us, zone), zone) == date_of(end_of_day(us, zone) - 1, zone)
    )
    assert day_start(date_of(us, zone), zone) == start_of_day(us, zone)


@given(DURATIONS)
def test_duration(duration: Duration) -> None:
    assert parse_duration(str(duration)) == duration


@given(MODERN, DURATIONS, ZONES)
def test_duration_moves_forward_and_elapsed_time_back_again(us: int, span: Duration, zone: ZoneInfo) -> None:
    assert span.add(us, zone) >= us >= span.subtract(us, zone)
    if not span.months:
        assert span.subtract(span.add(us, zone), zone) == us or span.add(us, zone) == MAX_INSTANT


@given(MODERN, st.integers(0, 600))
def test_months_keep_the_day_or_are_clipped(us: int, months: int) -> None:
    utc = ZoneInfo("UTC")
    before, after = date_of(us, utc), date_of(Duration(months=months).add(us, utc), utc)
    assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == months
    last = (after + dt.timedelta(days=1)).month != after.month
    assert after.day == before.day or (after.day < before.day and last)


@given(events(st.one_of(NAMES, st.booleans(), st.integers(-(2**31), 2**31 - 1))))
def test_event_in_structured_mode_and_in_batches(event: Event) -> None:
    assert decode_event(encode_event(event), zone=ZONE) == event
    assert decode_event(canonical_json(encode_event(event)), zone=ZONE) == event
    assert decode_batch(encode_batch([event, event]), zone=ZONE) == [event, event]
    assert decode_kafka(*encode_kafka(event), zone=ZONE) == event
    assert entity_of(event)[0] in (event.type.rpartition(".")[0], "visit")


@given(events())
def test_event_in_binary_mode(event: Event) -> None:
    headers, body = encode_http(event)
    assert all(text.isascii() and text.isprintable() for text in headers.values())
    assert decode_http(headers, body, zone=ZONE) == [event]
    assert decode_kafka(*encode_kafka_binary(event), zone=ZONE) == event


@given(events())
def test_digest_survives_the_way_and_knows_the_content(event: Event) -> None:
    again = decode_event(encode_event(event), zone=ZONE)
    assert content_digest(again) == content_digest(event)
    data = {**event.data, "another": 1}
    changed = decode_event({**encode_event(event), "data": data}, zone=ZONE)
    assert content_digest(changed) != content_digest(event)


def outcome(record: bytes | dict[str, Any]) -> Event | EventError:
    """What became of a record; any other exception is a fault."""
    try:
        return decode_event(record, zone=ZONE, place="x")
    except EventError as error:
        return error


@given(st.binary(max_size=200) | JSON.map(canonical_json))
def test_any_bytes_that_are_no_event_give_a_coded_error(raw: bytes) -> None:
    error = outcome(raw)
    assert isinstance(error, EventError)
    assert error.code.startswith("SW-EVENT-")
    assert str(error).replace("\n", "").isprintable()


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(["id", "source", "time", "data", "type", "x"]), JSON),
)
def test_any_change_of_a_record_gives_an_event_or_a_coded_error(
    event_type: str, change: dict[str, Any]
) -> None:
    record = {
        "specversion": "1.0",
        "id": "1",
        "source": "s",
        "type": event_type,
        "time": "2026-03-02T09:30:00Z",
        "data": data_of(event_type),
        **change,
    }
    result = outcome(record)
    if isinstance(result, Event):
        assert decode_event(encode_event(result), zone=ZONE) == result
    else:
        assert result.to_dict().keys() >= {"code", "place", "expected", "found", "next_step"}


@given(st.text())
def test_escaped_text_is_printable(text: str) -> None:
    assert escape(text).isprintable()
    assert StagewatchError("SW-EVENT-001", text).message.isprintable()


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_digests_are_equal_only_for_equal_parts(left: list[str], right: list[str]) -> None:
    assert (digest(*left) == digest(*right)) == (left == right)


@given(st.text(), st.integers(1, 1000))
def test_partition_is_in_range(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
