"""What a mapping document is refused for, and the place each refusal names. No files of data."""

import pytest

from connectors.sources.files import parse_mapping
from schemas.errors import MappingError

GOOD = """\
mapping: trial
source: crm/trial
lookups:
  teams: {file: teams.csv, key: agent, columns: {agent: {}, region: {}}}
files:
  - match: deals.csv
    id: "{id}"
    columns:
      id: {required: true}
      agent:
      stage: {one_of: [Won, Lost]}
      closed: {type: date, formats: ["%Y-%m-%d"]}
      value: {type: money, currency: USD}
    lookup: [{table: teams, by: agent}]
    events:
      - name: won
        type: opportunity.won
        when: {stage: Won}
        time: closed
        data: {opportunity: "{id}", amount: "{value}", region: "{teams.region}"}
"""


def problems(text: str) -> list[MappingError]:
    return parse_mapping(text, "m.yaml")[1]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_good_one_has_no_problems() -> None:
    mapping, errors = parse_mapping(GOOD, "m.yaml")
    assert mapping is not None
    assert errors == []


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("source: crm/trial", "source: [", "SW-MAP-001", "m.yaml:4:8"),
        ("mapping: trial", "mapping: trial\nmapping: again", "SW-MAP-004", "m.yaml:2:1: mapping"),
        ("source: crm/trial\n", "", "SW-MAP-003", "m.yaml:1:1"),
        ("mapping: trial", "mapping: Trial 1", "SW-MAP-004", "m.yaml:1:10: mapping"),
        ("source: crm/trial", "source: crm/trial\nzone: Mars/Base", "SW-MAP-004", "m.yaml:3:7: zone"),
        ("required: true", "requird: true", "SW-MAP-002", "m.yaml:9:12: files.0.columns.id.requird"),
        ("required: true", "required: 7", "SW-MAP-004", "m.yaml:9:22: files.0.columns.id.required"),
        ("name: won", "nmae: won", "SW-MAP-003", "m.yaml:16:9: files.0.events.0"),
        ("type: date, ", "type: day, ", "SW-MAP-004", "m.yaml:12:22: files.0.columns.closed.type"),
        ("type: money, currency: USD", "type: money", "SW-MAP-004", "m.yaml:13:14: files.0.columns.value"),
        ("currency: USD", "currency: Dollar", "SW-MAP-004", "m.yaml:13:38: files.0.columns.value.currency"),
        ("by: agent", "by: agnet", "SW-MAP-005", "m.yaml:14:33: files.0.lookup.0.by"),
        ("table: teams", "table: temas", "SW-MAP-006", "m.yaml:14:22: files.0.lookup.0.table"),
        ("key: agent", "key: agnt", "SW-MAP-005", "m.yaml:4:33: lookups.teams.key"),
        ("when: {stage: Won}", "when: {stag: Won}", "SW-MAP-005",
         "m.yaml:18:22: files.0.events.0.when.stag"),
        ("when: {stage: Won}", "when: {stage: Wno}", "SW-MAP-004",
         "m.yaml:18:23: files.0.events.0.when.stage"),
        ("time: closed", "time: stage", "SW-MAP-004", "m.yaml:19:15: files.0.events.0.time"),
        ("time: closed", "time: closde", "SW-MAP-005", "m.yaml:19:15: files.0.events.0.time"),
        ("time: closed", "time: {value: yesterday}", "SW-MAP-004",
         "m.yaml:19:23: files.0.events.0.time.value"),
        ("time: closed", "time: {column: closed, missing: '2017-01-01'}", "SW-MAP-004",
         "m.yaml:19:15: files.0.events.0.time"),
        ("{teams.region}", "{teams.regoin}", "SW-MAP-005", "m.yaml:20:64: files.0.events.0.data.region"),
        ('"{value}"', '"{value"', "SW-MAP-008", "m.yaml:20:45: files.0.events.0.data.amount"),
        ('"{value}"', '"{value|shout}"', "SW-MAP-008", "m.yaml:20:45: files.0.events.0.data.amount"),
        ("opportunity.won", "oportunity.won", "SW-MAP-009", "m.yaml:17:15: files.0.events.0.type"),
        ('"%Y-%m-%d"', '"%d/%m/%Y", "%m/%d/%Y"', "SW-MAP-007",
         "m.yaml:12:37: files.0.columns.closed.formats"),
        ('"%Y-%m-%d"', '"%Y-%m-%Q"', "SW-MAP-004", "m.yaml:12:37: files.0.columns.closed.formats"),
        ('id: "{id}"', 'id: "{di}"', "SW-MAP-005", "m.yaml:7:9: files.0.id"),
    ],
)  # fmt: skip
def test_problem_names_its_place(old: str, new: str, code: str, place: str) -> None:
    found = [(error.code, error.place) for error in problems(changed(old, new))]
    assert (code, place) in found


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ("required: true", "requird: true", 'did you mean "required"?'),
        ("by: agent", "by: agnet", 'did you mean "agent"?'),
        ("when: {stage: Won}", "when: {stage: Wno}", 'did you mean "Won"?'),
    ],
)
def test_misspelling_gets_a_suggestion(old: str, new: str, suggestion: str) -> None:
    assert suggestion in [error.next_step for error in problems(changed(old, new))]


def test_all_problems_are_told_at_once() -> None:
    text = (
        changed("by: agent", "by: nobody")
        .replace("time: closed", "time: never")
        .replace("{value}", "{vlaue}")
    )
    assert [error.code for error in problems(text)] == ["SW-MAP-005"] * 3


@pytest.mark.parametrize(
    "text", ["", "- a", "7", "{a: " * 3000, "a: &x [*x]", "? [a]\n: b", "\0", "- " * 100_000]
)
def test_any_other_text_is_refused_with_a_code(text: str) -> None:
    mapping, errors = parse_mapping(text, "m.yaml")
    assert mapping is None
    assert errors[0].code.startswith("SW-MAP-")


def test_scalars_follow_yaml_1_2() -> None:
    text = changed("{one_of: [Won, Lost]}", "{one_of: [no, on, 18:30, 0123, 7, Won]}")
    mapping, errors = parse_mapping(text, "m.yaml")
    assert errors == []
    assert mapping is not None
    assert mapping.files[0].columns["stage"].one_of == ["no", "on", "18:30", "0123", "7", "Won"]
