"""The rule test language: times, loading with its errors, comparing, and running with a runner plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from rules.testing import Job, Outcome, compare, load_suite, run_suite
from rules.testing.compare import offset, show
from rules.testing.instants import read_time
from schemas.errors import RuleError
from schemas.time import DAY, format_instant, parse_instant

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = parse_instant("2026-03-02T01:00:00Z")
HOUR = DAY // 24

SUITE = """
rules: [a.yaml, b.yaml]
start: 2026-03-02 09:00
settings: {currency: USD}
teams: [{team: east}]
people: [{person: li, roles: [sales_rep]}]
events:
  - {at: -1d, type: account.updated, data: {account: a1}}
tests:
  - name: one
    events:
      - {at: 2d, arrives: 3d, type: activity.logged, data: {activity: v1, kind: call, opportunity: o1}}
      - {at: 1d, type: opportunity.created, id: x, source: crm, subject: s,
         data: {opportunity: o1, amount: 500000.10, probability: 0.5}}
      - {at: 2026-03-03, day: true, type: quote.created,
         data: {quote: q1, lines: [{amount: 1.50, discount: 0.1}]}}
    until: 7d - 1us
    expect:
      alerts: [{at: 7d, state: firing, to: li}]
      tasks: [{at: 7d, state: open, due: 9d}]
  - name: two
    start: 2026-04-01T00:00:00Z
    until: 1h
"""


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("0d", START),
        ("7d", START + 7 * DAY),
        ("7d - 1us", START + 7 * DAY - 1),
        ("-2h", START - 2 * HOUR),
        ("1d2h", START + DAY + 2 * HOUR),
        ("1w + 500ms", START + 7 * DAY + 500_000),
        ("2026-03-03", parse_instant("2026-03-02T16:00:00Z")),
        ("2026-03-03 09:30", parse_instant("2026-03-03T01:30:00Z")),
        ("2026-03-03 09:30:00.000001", parse_instant("2026-03-03T01:30:00.000001Z")),
        ("2026-03-03 09:30 + 30d - 1us", parse_instant("2026-04-02T01:30:00Z") - 1),
        ("2026-03-03T09:30:00Z", parse_instant("2026-03-03T09:30:00Z")),
        ("2026-03-03T09:30:00+08:00 - 1h", parse_instant("2026-03-03T00:30:00Z")),
    ],
)
def test_times(text: str, us: int) -> None:
    assert read_time(text, START, SHANGHAI) == us


@pytest.mark.parametrize(
    "text",
    ["", "soon", "7", "7x", "7d later", "2026-02-30", "2026-03-03 25:00", "7d -", "2026-03-03Tx", "1.5h"],
)
def test_times_that_cannot_be_read(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_time(text, START, SHANGHAI, "here")
    assert (caught.value.code, caught.value.place) == ("SW-RULE-071", "here")


def test_the_start_itself_is_no_offset() -> None:
    with pytest.raises(RuleError, match="SW-RULE-071"):
        read_time("7d", None, SHANGHAI)


@pytest.mark.parametrize(
    "text", ["0d", "7d", "7d - 1us", "7d + 1us", "-2h", "1d + 2h + 30m", "-1d - 2h", "1us"]
)
def test_offsets_are_written_as_they_are_read(text: str) -> None:
    assert offset(read_time(text, 0, SHANGHAI)) == text


def test_a_suite_becomes_jobs_with_events_in_order_of_arrival() -> None:
    one, two = load_suite(SUITE, "s.test.yaml").cases
    assert one.job.rules == ("a.yaml", "b.yaml")
    assert one.job.settings == {"zone": "Asia/Shanghai", "currency": "USD"}
    assert one.job.until == START + 7 * DAY - 1
    kinds = [(r["id"], r["type"]) for r in one.job.events]
    assert kinds == [
        ("t1", "team.updated"),
        ("p1", "person.updated"),
        ("s1", "account.updated"),
        ("e3", "quote.created"),
        ("x", "opportunity.created"),
        ("e1", "activity.logged"),
    ]
    assert one.job.events[0]["time"] == format_instant(START - 2 * DAY)
    assert two.start == parse_instant("2026-04-01T00:00:00Z")
    assert two.expected == {"alerts": []}


def test_records_are_cloud_events_with_money_as_text() -> None:
    quote, opportunity, call = load_suite(SUITE).cases[0].job.events[3:]
    assert quote["precision"] == "day"
    assert quote["data"]["lines"] == [{"amount": "1.50", "discount": 0.1}]
    assert opportunity["data"] == {"opportunity": "o1", "amount": "500000.10", "probability": 0.5}
    assert (opportunity["source"], opportunity["subject"]) == ("crm", "s")
    assert call["recordedtime"] == format_instant(START + 3 * DAY)
    assert "recordedtime" not in opportunity


def test_only_what_is_given_is_expected() -> None:
    expected = load_suite(SUITE).cases[0].expected
    assert expected["alerts"] == [{"at": START + 7 * DAY, "state": "firing", "to": ("li",)}]
    assert expected["tasks"] == [{"at": START + 7 * DAY, "state": "open", "due": START + 9 * DAY}]
    assert set(expected) == {"alerts", "tasks"}


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (("rules: [a.yaml, b.yaml]\n", ""), "SW-RULE-070", "rules"),
        (("until: 1h", "untill: 1h"), "SW-RULE-070", "tests[1]"),
        (("state: firing", "stat: firing"), "SW-RULE-070", "tests[0].expect.alerts[0]"),
        (("until: 1h", "until: tomorrow"), "SW-RULE-071", ":23: tests[1].until"),
        (("{at: 2d,", "{at: 2x,"), "SW-RULE-071", "tests[0].events[0]"),
        (("currency: USD", "zone: Mars/Base"), "SW-RULE-070", "settings.zone"),
        (("name: two", "name: two\n    name: three"), "SW-RULE-070", "name"),
        (("tests:", "tests: ["), "SW-RULE-070", "s.test.yaml:"),
        ((SUITE, ""), "SW-RULE-070", "s.test.yaml"),
        ((SUITE, "[]"), "SW-RULE-070", "s.test.yaml"),
    ],
)
def test_errors_have_a_place(change: tuple[str, str], code: str, place: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_suite(SUITE.replace(*change), "s.test.yaml")
    assert caught.value.code == code
    assert place in caught.value.place


def alert(at: int, state: str = "firing", rule: str = "r", to: Sequence[str] = ()) -> Outcome:
    return {"kind": "alert", "at": START + at, "state": state, "rule": rule, "to": to}


def test_equal_lists_match_in_any_order() -> None:
    wanted = [{"at": START + 1, "state": "firing"}, {"at": START, "state": "firing"}]
    assert compare({"alerts": wanted}, [alert(0), alert(1)])["alerts"].ok


def test_a_vague_expectation_does_not_take_the_outcome_of_a_precise_one() -> None:
    wanted: list[dict[str, object]] = [{"state": "firing"}, {"state": "firing", "rule": "a"}, {"at": START}]
    outcomes = [alert(0, rule="a"), alert(5, rule="a"), alert(6, rule="b")]
    assert compare({"alerts": wanted}, outcomes)["alerts"].ok


def test_receivers_are_compared_without_regard_to_order() -> None:
    wanted = {"alerts": [{"at": START, "to": ("b", "a")}]}
    assert compare(wanted, [alert(0, to=["a", "b"])])["alerts"].ok
    assert not compare(wanted, [alert(0, to=["a"])])["alerts"].ok


def test_nothing_else_may_fire_but_sections_left_out_are_not_looked_at() -> None:
    found = compare({"alerts": []}, [alert(0), {"kind": "mail", "at": START}])
    assert len(found["alerts"].extra) == 1
    assert set(found) == {"alerts"}
    assert not compare({"mails": []}, [{"kind": "mail", "at": START}])["mails"].ok


def test_one_outcome_does_not_satisfy_two_expectations() -> None:
    found = compare({"alerts": [{"state": "firing"}, {"state": "firing"}]}, [alert(0)])
    assert len(found["alerts"].missing) == 1


def test_the_difference_is_shown_side_by_side() -> None:
    wanted = {"alerts": [{"at": START + 7 * DAY, "state": "firing", "rule": "r"}]}
    text = show(compare(wanted, [alert(7 * DAY - 1), alert(9 * DAY, "withdrawn", "other")]), START, SHANGHAI)
    first, second, third, fourth = text.splitlines()
    assert "expected, but did not come: at=7d (9 Mar 2026 09:00)  state=firing  rule=r" in first
    assert "came instead" in second
    assert "at=7d - 1us" in second
    assert third.endswith("differs in:              at")
    assert "not expected" in fourth
    assert "rule=other" in fourth


def test_the_runner_gets_each_job_and_its_outcomes_are_judged() -> None:
    seen: list[Job] = []

    def run(job: Job) -> list[Outcome]:
        seen.append(job)
        return [
            {"kind": "alert", "at": START + 7 * DAY, "state": "firing", "to": ["li"]},
            {"kind": "task", "at": START + 7 * DAY, "state": "open", "due": START + 9 * DAY},
        ]

    one, two = run_suite(load_suite(SUITE, "s.test.yaml"), run)
    assert [job.until for job in seen] == [START + 7 * DAY - 1, parse_instant("2026-04-01T01:00:00Z")]
    assert (one.ok, one.report) == (True, "")
    assert (two.ok, two.name) == (False, "two")
    assert "alerts: not expected" in two.report
    assert two.to_dict()["place"] == two.place
    assert two.place.startswith("s.test.yaml:21")


def test_a_runner_that_refuses_fails_the_test_with_its_reason() -> None:
    def run(job: Job) -> list[Outcome]:
        raise RuleError("SW-RULE-020", found="visit.vanished")

    assert all("visit.vanished" in r.report and not r.ok for r in run_suite(load_suite(SUITE), run))
