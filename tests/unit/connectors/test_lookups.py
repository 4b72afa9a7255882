"""Lookups, once-events, content ids and remarks: what needs more than one row or file."""

from pathlib import Path

import pytest

from connectors.sources.files import Remarked
from tests.unit.connectors.importing import read

MAPPING = """\
mapping: people
source: crm/trial
constants: {begin: "2016-10-01"}
lookups:
  teams:
    file: teams.csv
    key: agent
    columns:
      agent: {required: true}
      manager: {repairs: {Cara Lsoch: Cara Losch}}
      quota: {type: money, currency: USD}
files:
  - match: deals.csv
    id: "{id}"
    columns: {id: {}, agent: {}}
    lookup: [{table: teams, by: agent}]
    skip: [{when: {teams.manager: Nobody}, reason: "no manager"}]
    remark: [{when: {agent: null}, reason: "nobody's deal"}]
    events:
      - name: created
        type: opportunity.created
        time: {value: "{const.begin}"}
        data: {opportunity: "{id}", owner: "{agent}", manager: "{teams.manager}", amount: "{teams.quota}"}
  - match: teams.csv
    id: "person/{agent}"
    columns: {agent: {}, manager: {}, quota: {}}
    events:
      - name: manager
        type: person.updated
        id: "person/{manager}"
        once: true
        time: {value: "{const.begin}"}
        data: {person: "{manager}", name: "{manager|upper}"}
      - name: agent
        type: person.updated
        when: {agent: {empty: false}}
        per_content: true
        time: {value: "{const.begin}"}
        data: {person: "{agent}", mail: "{agent|slug}@k.example", roles: [sales, "{quota}"], extra: {m:
        "{manager}"}}
"""

TEAMS = "agent,manager,quota\nMoses Frase,Cara Lsoch,5000\nZane Levy,Nobody,\n"


def test_joined_values_keep_their_type_and_repairs(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(TEAMS)
    result = read(tmp_path, {"deals.csv": "id,agent\nA1,Moses Frase\nA2,\nA3,Zane Levy\n"}, MAPPING)
    first, second = (item.event.data for item in result.events)
    assert first == {
        "opportunity": "A1",
        "owner": "Moses Frase",
        "manager": "Cara Losch",
        "amount": "5000",
        "currency": "USD",
    }
    assert second == {"opportunity": "A2"}
    assert result.skipped == {"deals.csv:4": "no manager"}
    assert [str(item.place) for item in result.items if isinstance(item, Remarked)] == ["deals.csv:3"]


def test_unknown_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(TEAMS)
    result = read(tmp_path, {"deals.csv": "id,agent\nA1,Moses Fraze\n"}, MAPPING)
    assert result.rejected == {"deals.csv:2": "SW-MAP-048"}
    assert result.report.files[0].examples[0].next_step == 'did you mean "Moses Frase"?'


def test_unknown_key_may_be_left_empty(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(TEAMS)
    mapping = MAPPING.replace("by: agent}", "by: agent, missing: empty}")
    result = read(tmp_path, {"deals.csv": "id,agent\nA1,Stranger\n"}, mapping)
    assert result.events[0].event.data == {"opportunity": "A1", "owner": "Stranger"}


@pytest.mark.parametrize(
    ("teams", "code"),
    [
        (None, "SW-MAP-028"),
        ("", "SW-MAP-028"),
        ("agent,manager\nA,B\n", "SW-MAP-024"),
        ("agent,manager,quota\nA,B,\nA,C,\n", "SW-MAP-028"),
        ("agent,manager,quota\nA,B,five\n", "SW-MAP-046"),
        ("agent,manager,quota\n,B,\n", "SW-MAP-044"),
        ('agent,manager,quota\nA,"B,\n', "SW-MAP-041"),
    ],
)
def test_unusable_lookup_refuses_the_file_that_needs_it(teams: str | None, code: str, tmp_path: Path) -> None:
    if teams is not None:
        (tmp_path / "teams.csv").write_text(teams)
    result = read(tmp_path, {"deals.csv": "id,agent\nA1,A\n"}, MAPPING)
    assert result.rejected == {"deals.csv": code}


def test_once_events_are_made_once_and_must_not_differ(tmp_path: Path) -> None:
    rows = "agent,manager,quota\nA,M,1\nB,M,2\n,M,\nC,m,3\n"
    result = read(tmp_path, {"teams.csv": rows}, MAPPING)
    assert [item.event.data.get("person") for item in result.events] == ["M", "A", "B", "m", "C"]
    assert result.skipped == {"teams.csv:4": "makes only events that an earlier row made"}
    mapping = MAPPING.replace('name: "{manager|upper}"', 'name: "{agent}"')
    assert read(tmp_path, {"teams.csv": "agent,manager,quota\nA,M,\nB,M,\n"}, mapping).rejected == {
        "teams.csv:3": "SW-MAP-051"
    }


def test_content_id_changes_with_the_content_only(tmp_path: Path) -> None:
    def ids(rows: str) -> list[str]:
        return [
            item.event.id
            for item in read(tmp_path, {"teams.csv": "agent,manager,quota\n" + rows}, MAPPING).events
        ]

    first, again, other = ids("A,M,1\n"), ids("A,M,1\n"), ids("A,M,2\n")
    assert first == again
    assert first[0] == other[0] == "person/M"
    assert first[1] != other[1]
    assert first[1].startswith("person/A/agent/")


def test_nested_data_leaves_out_what_is_empty(tmp_path: Path) -> None:
    result = read(tmp_path, {"teams.csv": "agent,manager,quota\nMoses Frase,M,\n"}, MAPPING)
    assert result.events[1].event.data == {
        "person": "Moses Frase",
        "mail": "moses.frase@k.example",
        "roles": ["sales"],
        "extra": {"m": "M"},
    }
