"""Cases of other engines' test suites, said in our rules: the same instants, or a listed difference.

The collection of cases lies beside the project when there is one; our own few, of the same form, always run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.parity.translate import BEGIN, Case, Translation, run, translate
from tests.unit.account.desk import Desk, instant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COLLECTION = ROOT.parent / "shared" / "cases" / "cep_cases.json"

SEQUENCE = "a sequence of events: the trigger `sequence` is not built"
COUNT = "a count or sum over a window: the trigger `count` is not built"
GROUPED = "grouping, inhibition and silences of notifications are not built"
NOT_BUILT = {
    "absence_between": SEQUENCE,
    "absence_or_event": SEQUENCE,
    "anomaly": "a value against an average: a KPI, not built",
    "alert_lifecycle": GROUPED,
    "boundary": SEQUENCE,
    "consecutive": SEQUENCE,
    "count_in_window": COUNT,
    "count_then": COUNT,
    "delivery_retry": "retries are delivery's, not a rule's: tested there",
    "followed_within": SEQUENCE,
    "followed_within_timeout": "`missing_after` whose `expect` has steps is not built",
    "funnel_sequence": SEQUENCE,
    "inhibition": GROUPED,
    "periodic": "the trigger `schedule` is not built",
    "silence": GROUPED,
    "sliding_window": COUNT,
    "state_restore": "evaluation in rounds and its outages: an outage does not change our logical time",
    "threshold_throttle": COUNT,
}
"""family -> why its cases that the translator cannot say are left out."""

DIFFERENT: dict[str, tuple[str, list[int]]] = {
    "siddhi-abs-27": (
        "a wait that begins with the rule itself: `missing_before` looks back, so an event at the very "
        "start lacks its precondition too",
        [0],
    ),
    "prom-pending-not-kept": (
        "`for` falls due at start + D, before a change at that very instant; an evaluation in rounds sees "
        "the change first",
        [60_000],
    ),
}
"""case -> why ours differs, and at which milliseconds ours fires."""


def _load(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cases"]) if path.is_file() else []


OWN = _load(HERE / "cases.json")
OTHERS = _load(COLLECTION)
SAID = [(case, found) for case in (*OWN, *OTHERS) if (found := translate(case)) is not None]
UNSAID = [case for case in (*OWN, *OTHERS) if translate(case) is None]


def fired(desk: Desk, said: Translation) -> list[tuple[int, str]]:
    """(milliseconds, key) of every alert that went out, and of its reminders when those are compared."""
    rows = [(a["due"], a["key"]) for a in desk.rows("alerts") if a["state"] == "firing"]
    if said.reminded:
        rows = [
            (n["at"], "deal -") for n in desk.rows("notifications") if n["reason"] in ("fired", "reminder")
        ]
    return sorted(((at - instant(BEGIN)) // said.scale, key.removeprefix("deal ")) for at, key in rows)


def expected(case: Case) -> list[tuple[int, str]]:
    """(milliseconds, key) that the case asserts."""
    return sorted((one.get("deadline_ms", one["t_ms"]), one["key"]) for one in case["expected"])


@pytest.mark.parametrize(("case", "said"), SAID, ids=[case["id"] for case, _ in SAID])
def test_same_instants_and_counts(case: Case, said: Translation) -> None:
    desk = run(case, said)
    found = fired(desk, said)
    if case["id"] in DIFFERENT:
        assert [at for at, _ in found] == DIFFERENT[case["id"]][1]
        assert found != expected(case)
    elif "condition" in case["rule"]:
        for one in case["expected"]:
            firing = {key for at, key in found if at <= one["t_ms"]}
            assert firing == {key for key, state in one["states"].items() if state == "firing"}
    else:
        assert found == expected(case)


def test_every_case_is_said_or_has_its_reason() -> None:
    assert [case["id"] for case in UNSAID if case["family"] not in NOT_BUILT] == []
    if OTHERS:
        families = {case["family"] for case in UNSAID}
        assert sorted(set(NOT_BUILT) - families) == [], "reasons that no case needs any more"
        assert sorted(set(DIFFERENT) - {case["id"] for case, _ in SAID}) == []


def test_our_own_cases_are_all_said() -> None:
    assert len(OWN) >= 8
    assert [case["id"] for case in OWN if translate(case) is None] == []
