"""Reading and writing instants, days and durations, at their edges."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import EventError, RuleError
from schemas.time import (
    DAY,
    MAX_INSTANT,
    MIN_INSTANT,
    Duration,
    date_of,
    day_start,
    end_of_day,
    format_instant,
    parse_date,
    parse_day,
    parse_duration,
    parse_instant,
    parse_time,
    start_of_day,
)

UTC = ZoneInfo("UTC")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1970-01-01t00:00:00.5z", 500_000),
        ("1970-01-01 00:00:00.1234567Z", 123_456),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00-00:00", 0),
        ("9999-12-31T23:59:59Z", MAX_INSTANT),
        ("0001-01-01T00:00:00+14:00", MIN_INSTANT),
    ],
)
def test_instant_is_read(text: str, us: int) -> None:
    assert parse_instant(text) == us


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-03-02T09:30:00", "SW-EVENT-011"),
        ("2026-03-02", "SW-EVENT-010"),
        ("20260302T093000Z", "SW-EVENT-010"),
        ("2026-03-02T09:30Z", "SW-EVENT-010"),
        ("2026-02-30T09:30:00Z", "SW-EVENT-010"),
        ("2026-03-02T24:00:00Z", "SW-EVENT-010"),
        ("2026-06-30T23:59:60Z", "SW-EVENT-010"),
        ("2026-03-02T09:30:00+25:00", "SW-EVENT-010"),
        ("2026-03-02T09:30:00Z\n", "SW-EVENT-010"),
        ("٢٠٢٦-03-02T09:30:00Z", "SW-EVENT-010"),
        ("", "SW-EVENT-010"),
    ],
)
def test_instant_is_refused(text: str, code: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_instant(text, place="a.jsonl:3: time")
    assert (caught.value.code, caught.value.place) == (code, "a.jsonl:3: time")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_772_443_800_000_000, "2026-03-02T09:30:00Z"),
        (MAX_INSTANT + 5, "9999-12-31T00:00:00Z"),
    ],
)
def test_instant_is_written(us: int, text: str) -> None:
    assert format_instant(us) == text


def test_date_alone_is_the_start_of_its_day_in_the_zone() -> None:
    assert parse_day("2026-03-02", SHANGHAI) == (parse_instant("2026-03-01T16:00:00Z"), "day")
    assert parse_time("2026-03-02", SHANGHAI) == parse_day("2026-03-02", SHANGHAI)
    assert parse_time("2026-03-02T00:00:00Z", SHANGHAI) == (
        parse_instant("2026-03-02T00:00:00Z"),
        "instant",
    )


@pytest.mark.parametrize("text", ["2026-02-30", "2026-3-2", "20260302", "2026-W10-1", "0000-01-01", ""])
def test_date_is_refused(text: str) -> None:
    with pytest.raises(EventError, match="SW-EVENT-024"):
        parse_date(text)


def test_day_is_as_long_as_the_zone_says() -> None:
    noon = parse_instant("2026-03-29T12:00:00Z")
    assert end_of_day(noon, BERLIN) - start_of_day(noon, BERLIN) == DAY * 23 // 24
    assert end_of_day(noon, UTC) - start_of_day(noon, UTC) == DAY
    assert date_of(start_of_day(noon, BERLIN) - 1, BERLIN) == dt.date(2026, 3, 28)


def test_day_without_midnight_starts_when_the_clock_does() -> None:
    assert format_instant(day_start(dt.date(2018, 11, 4), SAO_PAULO)) == "2018-11-04T03:00:00Z"


@pytest.mark.parametrize("zone", [UTC, SHANGHAI, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")])
def test_the_ends_of_time_hold_in_any_zone(zone: ZoneInfo) -> None:
    assert MIN_INSTANT <= start_of_day(MAX_INSTANT, zone) <= end_of_day(MAX_INSTANT, zone) <= MAX_INSTANT
    assert day_start(dt.date.max, zone) <= MAX_INSTANT
    assert start_of_day(MIN_INSTANT, zone) == MIN_INSTANT or date_of(MIN_INSTANT, zone).day == 2
    assert Duration(months=12).add(MAX_INSTANT, zone) == MAX_INSTANT
    assert Duration(months=12).subtract(MIN_INSTANT, zone) == MIN_INSTANT
    assert Duration(us=DAY).add(MAX_INSTANT, zone) == MAX_INSTANT


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", Duration(us=500_000)),
        ("90s", Duration(us=90_000_000)),
        ("15m", Duration(us=900_000_000)),
        ("24h", Duration(us=DAY)),
        ("7d", Duration(us=7 * DAY)),
        ("2w", Duration(us=14 * DAY)),
        ("1mo", Duration(months=1)),
        ("1q", Duration(months=3)),
        ("1y", Duration(months=12)),
        ("0s", Duration()),
    ],
)
def test_duration_is_read(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration
    assert parse_duration(str(duration)) == duration


@pytest.mark.parametrize(
    "text", ["", "7", "d", "1.5h", "-1d", "7 d", "7D", "7d ", "1d2h", "9999999999s", "７d"]
)
def test_duration_is_refused(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_duration(text, place="rule.yaml:4:9")
    assert (caught.value.code, caught.value.place) == ("SW-RULE-001", "rule.yaml:4:9")


@pytest.mark.parametrize("text", ["2wd", "8wh"])
def test_working_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(RuleError, match="orking time is not built yet") as caught:
        parse_duration(text)
    assert caught.value.code == "SW-RULE-002"


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-01-31T10:00:00+08:00", "1mo", "2026-02-28T10:00:00+08:00"),
        ("2024-02-29T10:00:00+08:00", "1y", "2025-02-28T10:00:00+08:00"),
        ("2026-11-30T23:00:00+08:00", "1q", "2027-02-28T23:00:00+08:00"),
        ("2026-03-01T00:30:00+08:00", "24h", "2026-03-02T00:30:00+08:00"),
    ],
)
def test_calendar_periods_are_clipped_to_the_month(start: str, duration: str, end: str) -> None:
    assert parse_duration(duration).add(parse_instant(start), SHANGHAI) == parse_instant(end)


def test_months_keep_the_wall_clock_and_days_the_elapsed_time() -> None:
    start = parse_instant("2026-03-01T09:00:00+01:00")
    assert parse_duration("1mo").add(start, BERLIN) == parse_instant("2026-04-01T09:00:00+02:00")
    assert parse_duration("31d").add(start, BERLIN) == parse_instant("2026-04-01T10:00:00+02:00")
    assert parse_duration("1mo").subtract(parse_instant("2026-03-31T09:00:00Z"), UTC) == parse_instant(
        "2026-02-28T09:00:00Z"
    )


def test_duration_of_both_kinds_is_shown() -> None:
    assert str(Duration(us=DAY, months=1)) == "1mo+1d"
    assert str(Duration(us=1)) == "1us"


def test_months_into_the_skipped_hour_end_after_it_whichever_hour_they_began_in() -> None:
    for start in ("2023-10-29T02:30:00+02:00", "2023-10-29T02:30:00+01:00"):
        end = Duration(months=29).add(parse_instant(start), BERLIN)
        assert format_instant(end) == "2026-03-29T01:30:00Z"
