"""The rule test language as frozen models: what a `NAME.test.yaml` may say. Shape only; times are text here.

    rules: stale-opportunity.yaml        # the rule files under test, beside this one
    settings: {zone: Asia/Shanghai}      # over the defaults, as in stagewatch.toml
    start: 2026-03-02 09:00              # where offsets count from
    people:                              # data of person.updated, one day before the first event
      - {person: li, manager: wang}
    events: []                           # before those of every test
    tests:
      - name: seven days to the microsecond
        events:
          - {at: 0d, type: opportunity.created, data: {opportunity: o1, account: a1, owner: li}}
        until: 7d
        expect:
          alerts:
            - {at: 7d, entity: "opportunity:o1", state: firing, reason: silence}

`expect.alerts` is always complete: nothing else may fire. `tasks`, `approvals`, `mails` are complete when
they stand there, and not looked at when they do not. Fields left out of an expectation are not compared.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rules.conditions.model import Doc

Json = Any
"""A value of `data` or `settings`: whatever JSON can say; the event models and settings check it."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class EventDoc(Doc):
    """One event. `arrives` (default `at`) is when it is entered; `day` says that only the day is known.

    id defaults to `e` and the number in the test; source to `test`; subject to what the data names.
    """

    at: str
    type: str
    data: dict[str, Json]
    id: str | None = None
    source: str = "test"
    subject: str | None = None
    arrives: str | None = None
    day: bool = False


class ExpectedAlert(Doc):
    """A transition of an alert. entity: `kind:id`."""

    at: str
    state: str
    rule: str | None = None
    entity: str | None = None
    reason: str | None = None
    severity: str | None = None
    to: Names | None = None


class ExpectedTask(Doc):
    """A transition of a task. `due` is a time."""

    at: str
    state: str
    rule: str | None = None
    entity: str | None = None
    reason: str | None = None
    to: Names | None = None
    title: str | None = None
    due: str | None = None


class ExpectedApproval(Doc):
    """A transition of an approval; `to` are those who decide now, `step` counts from 1."""

    at: str
    state: str
    rule: str | None = None
    entity: str | None = None
    reason: str | None = None
    to: Names | None = None
    step: int | None = None


class ExpectedMail(Doc):
    """A mail that goes out; `to` is a person's id."""

    at: str
    rule: str | None = None
    entity: str | None = None
    to: Names | None = None
    subject: str | None = None


class Expect(Doc):
    """What must come out up to and including `until`. A section that is None is not looked at."""

    alerts: tuple[ExpectedAlert, ...] = ()
    tasks: tuple[ExpectedTask, ...] | None = None
    approvals: tuple[ExpectedApproval, ...] | None = None
    mails: tuple[ExpectedMail, ...] | None = None


class CaseDoc(Doc):
    """One test. `until` is the logical time up to and including which the rules are run."""

    name: Annotated[str, Field(min_length=1)]
    until: str
    start: str | None = None
    events: tuple[EventDoc, ...] = ()
    expect: Expect = Expect()


class SuiteDoc(Doc):
    """A test file."""

    rules: Names
    start: str
    tests: Annotated[tuple[CaseDoc, ...], Field(min_length=1)]
    settings: dict[str, Json] = Field(default_factory=dict)
    people: tuple[dict[str, Json], ...] = ()
    teams: tuple[dict[str, Json], ...] = ()
    events: tuple[EventDoc, ...] = ()
