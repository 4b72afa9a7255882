"""The backtest: order, end, refusals; and that the number of partitions does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.sources.simulator import Organisation, history
from rules.texts import split_rules
from schemas.envelope import Event, decode_event, entity_of
from schemas.errors import StagewatchError
from schemas.time import DAY, parse_instant
from streams.backtest import Backtest, Plan, backtest

ZONE = ZoneInfo("Asia/Shanghai")
PACKS = Path(__file__).parents[3] / "rules" / "packs"
RULES = [
    rule
    for pack in sorted(PACKS.glob("*.yaml"))
    if not pack.name.endswith(".test.yaml")
    for rule in split_rules(pack.read_bytes(), pack.name)
]
START = parse_instant("2026-03-02T01:00:00Z")
STALE = [rule for rule in RULES if rule[0] == "stale-opportunity"]
FIELDS = {"alert", "rule", "version", "entity", "key", "account", "state", "at", "due", "reason", "severity"}


def opportunity(number: int = 1, at: int = START) -> tuple[int, Event]:
    data = {"opportunity": f"O{number}", "account": "A1", "owner": "li"}
    return at, Event(f"e{number}", "test", "opportunity.created", at, data)


def simulated() -> list[tuple[int, Event]]:
    """A month of the simulated organisation, as far as it can be read, in order of arrival."""
    found = []
    for record in history(Organisation(seed=3, size=10), START, START + 40 * DAY):
        try:
            event = decode_event(record, zone=ZONE)
            entity_of(event)
        except StagewatchError:
            continue
        found.append((event.time if event.recorded is None else event.recorded, event))
    return sorted(found, key=lambda pair: pair[0])


def test_a_line_says_what_programs_need() -> None:
    [line] = backtest(Plan(STALE), [opportunity()], START + 7 * DAY)
    assert line.keys() >= FIELDS
    assert (line["entity"], line["key"], line["account"], line["rule"]) == (
        "opportunity", "O1", "A1", "stale-opportunity",
    )  # fmt: skip
    assert (line["state"], line["reason"], line["severity"]) == ("firing", "silence", "warning")
    assert line["at"] == line["due"] == "2026-03-09T01:00:00Z"


@pytest.mark.parametrize(("end", "alerts"), [(START + 7 * DAY - 1, 0), (START + 7 * DAY, 1)])
def test_the_end_is_included(end: int, alerts: int) -> None:
    assert len(backtest(Plan(STALE), [opportunity()], end)) == alerts


def test_an_event_that_names_nothing_is_refused_and_stops_nothing() -> None:
    run = Backtest(Plan(STALE))
    with pytest.raises(StagewatchError):
        run.event(Event("x", "test", "strange.thing", START, {}), START)
    at, event = opportunity()
    run.event(event, at)
    assert len(run.finish(START + 8 * DAY)) == 1


def test_the_same_id_with_other_content_is_told() -> None:
    run = Backtest(Plan(STALE))
    at, event = opportunity()
    run.event(event, at)
    run.event(Event(event.id, event.source, event.type, at + 5, {**event.data, "amount": "5"}), at + 5)
    [(name, error)] = run.refused()
    assert (name, error.code) == ("test e1", "SW-STREAM-011")


def lines(partitions: int, events: Sequence[tuple[int, Event]]) -> list[dict[str, object]]:
    settings = {"zone": "Asia/Shanghai", "sources": {"erp/main": {"arrives_within": DAY, "types": []}}}
    return backtest(Plan(RULES, settings, partitions=partitions), events, events[-1][0])


def test_partitions_do_not_change_the_output() -> None:
    events = simulated()
    one = lines(1, events)
    assert len(one) > 40
    assert [line["at"] for line in one] == sorted(str(line["at"]) for line in one)
    assert lines(3, events) == one
    assert lines(8, events) == one
