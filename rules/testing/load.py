"""A rule test file's text to a `Suite`: jobs with CloudEvents records, and what is expected of each.

Reading the file is the caller's affair; so is running the jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rules.conditions.model import Doc
from rules.problems import dotted
from rules.testing.document import CaseDoc, EventDoc, Expect, SuiteDoc
from rules.testing.instants import read_time
from rules.yaml_positions import Document, YamlError, documents
from schemas.errors import RuleError, show
from schemas.fields import LIST_ITEMS, event_field_type
from schemas.time import DAY, format_instant
from schemas.types import FieldType

DEFAULT_SETTINGS: Mapping[str, str] = {"zone": "Asia/Shanghai", "currency": "CNY"}
"""What a test runs with unless its `settings` say otherwise; the engine's own defaults lie below."""

Record = dict[str, Any]
Expected = dict[str, object]
"""One expectation: only the fields that were given, times as us, names as tuples."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a runner is to run.

    rules: names of rule files, relative to the test file. events: CloudEvents records in order of arrival.
    until: us, included.
    """

    rules: tuple[str, ...]
    settings: Mapping[str, Any]
    events: Sequence[Record]
    until: int


@dataclass(frozen=True, slots=True)
class Case:
    """One test: its name and place, its job, and the expectations by section (`alerts`, `tasks`, ...)."""

    name: str
    place: str
    start: int
    job: Job
    expected: Mapping[str, Sequence[Expected]]


@dataclass(frozen=True, slots=True)
class Suite:
    """A test file."""

    name: str
    zone: ZoneInfo
    cases: tuple[Case, ...]


def load_suite(text: str, name: str = "<tests>") -> Suite:
    """Read a test file. `name` stands before the places in errors.

    Raises:
        RuleError: SW-RULE-070 (not a test file), SW-RULE-071 (a time that cannot be read).
    """
    try:
        document = next(documents(text), None)
    except YamlError as error:
        place = f"{name}:{error.mark.line}:{error.mark.column}"
        raise RuleError("SW-RULE-070", error.reason, place=place, next_step=error.next_step) from None
    if document is None:
        raise RuleError("SW-RULE-070", "The file is empty", place=name, expected="rules, start and tests")
    _refuse_duplicates(document, name)
    return _Loader(_validated(document, name), document, name).suite()


def _refuse_duplicates(document: Document, name: str) -> None:
    for twice in document.duplicates:
        place = f"{name}:{twice.mark.line}:{twice.mark.column}: {dotted(twice.loc)}"
        step = "keep one of them"
        raise RuleError("SW-RULE-070", f"`{twice.key}` stands twice", place=place, next_step=step)


def _validated(document: Document, name: str) -> SuiteDoc:
    try:
        return SuiteDoc.model_validate(document.value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        loc = first["loc"]
        mark = document.place(loc, at_key=first["type"] == "extra_forbidden")
        place = f"{name}:{mark.line}:{mark.column}{': ' if loc else ''}{dotted(loc)}"
        message, expected = _wrong(first)
        raise RuleError(
            "SW-RULE-070",
            message,
            place=place,
            expected=expected,
            found="" if first["type"] == "missing" else show(first["input"]),
            next_step="see docs/how-to/test-a-rule.md",
        ) from None


def _wrong(detail: ErrorDetails) -> tuple[str, str]:
    """(message, expected) for the first thing that is wrong with the document's form."""
    if detail["type"] == "missing":
        return f"`{detail['loc'][-1]}` is missing", f"{detail['loc'][-1]}: ..."
    if detail["type"] == "model_type":
        return "This is no document of tests", "keys and values: rules, start, events, tests"
    if detail["type"] == "extra_forbidden":
        return f"There is no key `{detail['loc'][-1]}` here", "a known key"
    return detail["msg"].removeprefix("Value error, "), ""


@dataclass(slots=True)
class _Loader:
    """Turns the checked document into jobs; knows the places."""

    doc: SuiteDoc
    document: Document
    name: str

    def suite(self) -> Suite:
        zone = self._zone()
        start = read_time(self.doc.start, None, zone, self._place("start"))
        return Suite(self.name, zone, tuple(self._case(n, start, zone) for n in range(len(self.doc.tests))))

    def _zone(self) -> ZoneInfo:
        wanted = self._settings()["zone"]
        try:
            return ZoneInfo(str(wanted))
        except (KeyError, ValueError):
            place = self._place("settings", "zone")
            raise RuleError("SW-RULE-070", "There is no such zone", place=place, found=show(wanted)) from None

    def _settings(self) -> dict[str, Any]:
        return {**DEFAULT_SETTINGS, **self.doc.settings}

    def _case(self, n: int, start: int, zone: ZoneInfo) -> Case:
        test = self.doc.tests[n]
        if test.start is not None:
            start = read_time(test.start, None, zone, self._place("tests", n, "start"))
        until = read_time(test.until, start, zone, self._place("tests", n, "until"))
        events = self._events(n, test, start, zone)
        job = Job(self.doc.rules, self._settings(), events, until)
        return Case(
            test.name, self._place("tests", n), start, job, self._expected(n, test.expect, start, zone)
        )

    def _events(self, n: int, test: CaseDoc, start: int, zone: ZoneInfo) -> list[Record]:
        shared = [
            _record(e, f"s{i + 1}", start, zone, self._place("events", i))
            for i, e in enumerate(self.doc.events)
        ]
        own = [
            _record(e, f"e{i + 1}", start, zone, self._place("tests", n, "events", i))
            for i, e in enumerate(test.events)
        ]
        timed = sorted(shared + own, key=lambda pair: pair[0])
        before = min([start, *(min(arrival, at) for arrival, at, _ in shared + own)]) - DAY
        return [*self._directory(before), *(record for _, _, record in timed)]

    def _directory(self, at: int) -> list[Record]:
        """Teams and people as events at `at` (us)."""
        teams = [_envelope(f"t{i + 1}", "team.updated", at, dict(t)) for i, t in enumerate(self.doc.teams)]
        people = [
            _envelope(f"p{i + 1}", "person.updated", at, dict(p)) for i, p in enumerate(self.doc.people)
        ]
        return teams + people

    def _expected(self, n: int, expect: Expect, start: int, zone: ZoneInfo) -> dict[str, list[Expected]]:
        sections: dict[str, list[Expected]] = {}
        for section in Expect.model_fields:
            items: Sequence[Doc] | None = getattr(expect, section)
            if items is not None:
                here = ("tests", n, "expect", section)
                sections[section] = [
                    _given(item, start, zone, self._place(*here, i)) for i, item in enumerate(items)
                ]
        return sections

    def _place(self, *loc: str | int) -> str:
        mark = self.document.place(loc)
        return f"{self.name}:{mark.line}: {dotted(loc)}"


def _given(item: Doc, start: int, zone: ZoneInfo, place: str) -> Expected:
    given: Expected = {name: value for name, value in item if value is not None}
    for name in ("at", "due"):
        if name in given:
            given[name] = read_time(str(given[name]), start, zone, place)
    return given


def _record(
    event: EventDoc, default_id: str, start: int, zone: ZoneInfo, place: str
) -> tuple[int, int, Record]:
    """(arrival us, time us, CloudEvents record) of one event."""
    at = read_time(event.at, start, zone, place)
    arrival = at if event.arrives is None else read_time(event.arrives, start, zone, place)
    record = _envelope(event.id or default_id, event.type, at, _data(event), event.source)
    if event.subject is not None:
        record["subject"] = event.subject
    if event.day:
        record["precision"] = "day"
    if arrival != at:
        record["recordedtime"] = format_instant(arrival)
    return arrival, at, record


def _envelope(
    event_id: str, event_type: str, at: int, data: Mapping[str, Any], source: str = "test"
) -> Record:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        "time": format_instant(at),
        "datacontenttype": "application/json",
        "data": data,
    }


def _data(event: EventDoc) -> dict[str, Any]:
    """The data as JSON: exact decimals of YAML become text where money is meant, else binary floats."""
    kind = event.type.rpartition(".")[0]
    plain: dict[str, Any] = {}
    for key, value in event.data.items():
        items = LIST_ITEMS.get((kind, key))
        if items is not None and isinstance(value, list):
            plain[key] = [
                {k: _json(v, items.get(k)) for k, v in item.items()} if isinstance(item, dict) else item
                for item in value
            ]
        else:
            plain[key] = _json(value, event_field_type(event.type, (key,)))
    return plain


def _json(value: object, field: FieldType | None) -> object:
    if not isinstance(value, Decimal):
        return value
    return str(value) if field is FieldType.MONEY else float(value)
