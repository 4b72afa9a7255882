"""The stream: the same for one seed, one world for history and live, and the promised mix of dirt."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from connectors.sources.simulator import CLEAN, Organisation, bench_events, history, live
from connectors.sources.simulator.bench import MIX
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.stream import Record
from schemas.envelope import decode_event, entity_of
from schemas.errors import EventError
from schemas.time import DAY, parse_instant

Arrivals = list[tuple[int, Record]]
SHANGHAI = ZoneInfo("Asia/Shanghai")
START = parse_instant("2025-01-06T00:00:00Z")
ORG = Organisation(7, 25)


def data(record: Record) -> dict[str, Json]:
    return cast("dict[str, Json]", record["data"])


def is_garbage(record: Record) -> bool:
    return str(record.get("id", "bad-")).startswith("bad-")


def refusal(record: Record) -> str | None:
    """The code with which the record is refused, None when it is read."""
    try:
        entity_of(decode_event(record, zone=SHANGHAI))
    except EventError as error:
        return error.code
    return None


def test_one_seed_is_one_history() -> None:
    once, again = (list(history(Organisation(7, 25), START, START + 20 * DAY)) for _ in range(2))
    assert once == again
    assert once != list(history(Organisation(8, 25), START, START + 20 * DAY))


def test_live_goes_on_where_history_ends() -> None:
    middle, end = START + 15 * DAY + 12_345_678, START + 25 * DAY
    before = list(history(ORG, START, middle))
    after = []
    for arrival, record in live(ORG, middle, since=START):
        if arrival >= end:
            break
        after.append(record)
    assert len(after) > 300
    assert before + after == list(history(ORG, START, end))


def test_events_per_day_are_met_roughly() -> None:
    wanted = 300.0
    records = list(history(ORG, START, START + 180 * DAY, events_per_day=wanted))
    later = sum(1 for r in records if not is_garbage(r) and str(r["time"]) > "2025-02-15")
    assert 0.7 < later / (180 - 40) / wanted < 1.3


def test_every_record_is_read_but_the_garbage(dirty_year: Arrivals) -> None:
    refused = [(record, code) for _, record in dirty_year if (code := refusal(record)) is not None]
    assert [r for r, _ in refused] == [r for _, r in dirty_year if is_garbage(r)]
    assert len({code for _, code in refused}) >= 5
    assert 0.001 < len(refused) / len(dirty_year) < 0.006


def test_the_promised_dirt_is_there(dirty_year: Arrivals) -> None:
    total = len(dirty_year)
    ids = Counter((r["source"], r["id"]) for _, r in dirty_year if not is_garbage(r))
    kinds = Counter(str(r["type"]).partition(".")[2] for _, r in dirty_year)
    late = sum(1 for _, r in dirty_year if "recordedtime" in r)
    assert 0.005 < sum(n - 1 for n in ids.values()) / total < 0.02
    assert 0.01 < late / total < 0.08
    assert kinds["corrected"] > 50
    assert kinds["deleted"] > 50
    assert kinds["merged"] > 5
    assert kinds["converted"] > 100
    assert sum(1 for _, r in dirty_year if r.get("precision") == "day") > 50
    assert 1 <= sum(1 for _, r in dirty_year if str(r["time"]).startswith("206")) < 20


def test_repeats_have_the_same_content(dirty_year: Arrivals) -> None:
    seen: dict[tuple[Json, Json], Record] = {}
    for _, record in dirty_year:
        if not is_garbage(record):
            assert seen.setdefault((record["source"], record["id"]), record) == record


def test_corrections_and_deletions_name_an_event_that_came_before(dirty_year: Arrivals) -> None:
    seen: set[Json] = set()
    slips = 0
    for _, record in dirty_year:
        if str(record["type"]).endswith((".corrected", ".deleted")):
            assert data(record)["event"] in seen, record
            slips += record["type"] in ("contract.corrected", "opportunity.corrected", "quote.corrected")
        seen.add(record.get("id"))
    assert slips > 10


def test_some_children_come_before_their_parents_and_some_parents_never_come(dirty_year: Arrivals) -> None:
    known: set[Json] = set()
    early: set[Json] = set()
    for _, record in dirty_year:
        if is_garbage(record):
            continue
        if record["type"] == "opportunity.created":
            known.add(data(record)["opportunity"])
        elif "opportunity" in data(record) and data(record)["opportunity"] not in known:
            early.add(data(record)["opportunity"])
    assert len(early & known) >= 3
    assert len(early - known) >= 3


def test_late_records_say_when_they_arrived(dirty_year: Arrivals) -> None:
    for arrival, record in dirty_year:
        if "recordedtime" in record:
            recorded = parse_instant(str(record["recordedtime"]))
            happened = parse_instant(str(record["time"]))
            assert recorded <= arrival
            assert happened < recorded or happened > recorded + 36 * 365 * DAY


def test_without_dirt_there_is_none(clean_year: Arrivals) -> None:
    kinds = Counter(str(r["type"]).partition(".")[2] for _, r in clean_year)
    assert not kinds["corrected"] + kinds["deleted"]
    assert all(r.get("precision") == "day" for _, r in clean_year if "recordedtime" in r)


def test_dirt_does_not_change_the_world() -> None:
    def world(records: list[Record]) -> set[Json]:
        return {r["id"] for r in records if not is_garbage(r) and not str(r["id"]).startswith("dirt-")}

    end = START + 20 * DAY
    clean = world(list(history(ORG, START, end, dirt=CLEAN)))
    dirty = world(list(history(ORG, START, end)))
    assert dirty <= clean
    assert len(clean - dirty) < 0.05 * len(clean)


def test_bench_events_have_the_mix_told() -> None:
    n = 40_000
    records = [json.loads(raw) for raw in bench_events(n, 200)]
    assert len({r["id"] for r in records}) == n
    assert [r["time"] for r in records] == sorted(r["time"] for r in records)
    counts = Counter(r["type"] for r in records)
    assert (counts["account.updated"], counts["opportunity.created"]) == (200, 200)
    for name, share, _ in MIX:
        assert counts[name] / n * 100 == pytest.approx(share, abs=1.0)


def test_bench_events_are_readable_and_the_same_for_one_seed() -> None:
    events = [decode_event(raw, zone=SHANGHAI) for raw in bench_events(3_000, 50)]
    assert all(entity_of(event) for event in events)
    assert list(islice(bench_events(500, 50, 1), 500)) == list(bench_events(500, 50, 1))
    assert list(bench_events(500, 50, 1)) != list(bench_events(500, 50, 2))
