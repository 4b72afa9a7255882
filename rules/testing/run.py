"""Run a suite with the engine that the caller plugs in, and judge what comes out. No engine is known here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.problems import RuleErrors
from rules.testing.compare import Outcome, compare, show
from rules.testing.load import Case, Job, Suite
from schemas.errors import StagewatchError

Runner = Callable[[Job], Sequence[Outcome]]
"""Runs the rules of a job over its events up to and including `until`, from an empty workspace. Returns all
transitions of alerts, tasks and approvals, and all mails. StagewatchError, RuleErrors: the test fails."""


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one test. report: what differs, or the error; empty when `ok`."""

    name: str
    place: str
    ok: bool
    report: str = ""

    def to_dict(self) -> dict[str, str | bool]:
        """JSON form."""
        return {"name": self.name, "place": self.place, "ok": self.ok, "report": self.report}


def run_suite(suite: Suite, run: Runner) -> list[Result]:
    """The results of all tests of a file, in its order."""
    return [_run_case(case, suite, run) for case in suite.cases]


def _run_case(case: Case, suite: Suite, run: Runner) -> Result:
    try:
        outcomes = run(case.job)
    except (StagewatchError, RuleErrors) as error:
        return Result(case.name, case.place, False, str(error))
    found = compare(case.expected, outcomes)
    ok = all(comparison.ok for comparison in found.values())
    return Result(case.name, case.place, ok, "" if ok else show(found, case.start, suite.zone))
