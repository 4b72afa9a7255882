"""Canonical bytes, digests and partitions: fixed results, for they may never change."""

from typing import Any

import pytest

from schemas.canonical import canonical_json, content_digest, digest, partition_of
from schemas.directory import Person, Team, absence_of, person_of, team_of
from schemas.envelope import decode_event
from schemas.time import parse_instant
from tests.unit.schemas.events import ZONE, data_of, event_of, record_of


def test_canonical_json_sorts_at_every_depth() -> None:
    assert (
        canonical_json({"b": [{"z": 1, "a": None}], "a": "é"}) == '{"a":"é","b":[{"a":null,"z":1}]}'.encode()
    )


def test_digests_never_change() -> None:
    assert digest("stale-opportunity", "opportunity", "O1") == "1a2b39c66857ce481c2ec44bf567f73c"
    assert digest() == "cae66941d9efbd404e4d88758ea67670"
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")


@pytest.mark.parametrize(("key", "partition"), [("Cancity", 12), ("凯城", 14), ("lead:L1", 4), ("", 4)])
def test_partitions_never_change(key: str, partition: int) -> None:
    assert partition_of(key, 16) == partition


def test_partition_count_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least one"):
        partition_of("x", 0)


def test_partitions_are_even() -> None:
    counts = [0] * 8
    for number in range(8000):
        counts[partition_of(f"account-{number}", 8)] += 1
    assert min(counts) > 900


@pytest.mark.parametrize(
    "change",
    [
        {"traceparent": "00-1"},
        {"recordedtime": "2026-03-05T00:00:00Z"},
        {"partitionkey": "A1"},
        {"time": "2026-03-02T17:30:00+08:00"},
        {"datacontenttype": "application/json; charset=utf-8"},
    ],
)
def test_content_is_the_same_whatever_happens_on_the_way(change: dict[str, Any]) -> None:
    assert content_digest(event_of("order.placed", **change)) == content_digest(event_of("order.placed"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"source": "other"},
        {"type": "order.changed"},
        {"subject": "S1"},
        {"time": "2026-03-02T09:30:01Z"},
        {"precision": "day"},
        {"lane": 1},
        {"data": {**data_of("order.placed"), "amount": "1100.01"}},
        {"data": {**data_of("order.placed"), "note": None}},
    ],
)
def test_other_content_has_another_digest(change: dict[str, Any]) -> None:
    record = {**record_of("order.placed"), **change}
    assert content_digest(decode_event(record, zone=ZONE)) != content_digest(event_of("order.placed"))


def test_assumed_time_is_no_content() -> None:
    record = record_of("order.placed")
    del record["time"]
    first, again = (decode_event(record, zone=ZONE, default_time=arrival) for arrival in (1, 2))
    assert content_digest(first) == content_digest(again) != content_digest(event_of("order.placed"))


def test_money_is_the_same_as_number_and_as_text() -> None:
    number, text = ({**data_of("order.placed"), "amount": amount} for amount in (1100, "1100"))
    assert content_digest(event_of("order.placed", number)) == content_digest(event_of("order.placed", text))


def test_person_is_seen_from_the_folded_fields() -> None:
    away = [
        absence_of(data, ZONE)
        for data in (data_of("person.away"), {"from": "2026-01-01", "to": "2026-01-01"})
    ]
    person = person_of({**data_of("person.updated"), "manager": None, "unknown": 1}, away)
    assert person == Person(
        person="person-1",
        name="李雷",
        mail="li@example.com",
        roles=("cfo",),
        team="t1",
        zone="Asia/Shanghai",
        away=tuple(sorted(away)),
    )
    assert person.is_away(parse_instant("2026-03-04T23:59:59+08:00"))
    assert not person.is_away(parse_instant("2026-03-05T00:00:00+08:00"))
    assert person.active
    assert not person_of({"person": "p", "active": False}).active


def test_absence_may_be_part_of_a_day() -> None:
    absence = absence_of({"from": "2026-03-02T13:00:00+08:00", "to": "2026-03-02T15:00:00+08:00"}, ZONE)
    assert absence[1] - absence[0] == 2 * 3600 * 1_000_000


def test_team_is_seen_from_the_folded_fields() -> None:
    team = team_of(data_of("team.updated"))
    assert team == Team(team="team-1", name="East", manager="p2", region="east", director="p3")


@pytest.mark.parametrize("view", [person_of, team_of])
def test_view_needs_its_id(view: Any) -> None:
    with pytest.raises(KeyError):
        view({"name": "x"})
