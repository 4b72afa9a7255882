"""Rows that an import rejects are dead letters: listed, shown, and brought in when their cause is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_cli import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MAPPING = """
mapping: trial
source: crm/trial
files:
  - match: "deals.csv"
    id: "{id}"
    columns:
      id: {required: true}
      stage: {required: true, one_of: [Open, Won]}
      opened: {type: date, formats: ["%Y-%m-%d"]}
    events:
      - name: created
        type: opportunity.created
        time: opened
        data: {opportunity: "{id}", account: "A1", owner: li.lei}
"""
ROWS = "id,stage,opened\no1,Open,2025-01-02\no2,Odd,2025-01-02\no3,Open,2.1.2025\n"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A workspace with an import of which two rows were rejected."""
    run("init", str(tmp_path / "ws"))
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "deals.csv").write_text(ROWS, encoding="utf-8")
    bring(tmp_path)
    return tmp_path


def bring(office: Path, code: int = 1) -> str:
    mapping = str(office / "mapping.yaml")
    return run("import", "-w", str(office / "ws"), "-m", mapping, str(office / "deals.csv"), code=code)


def dlq(office: Path, *args: str, code: int = 0) -> str:
    return run("dlq", *args, "-w", str(office / "ws"), code=code)


def letters(office: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dlq(office, "list", "--json"))["letters"]
    return found


def better(office: Path) -> None:
    mapping = office / "mapping.yaml"
    mapping.write_text(MAPPING.replace("[Open, Won]", "[Open, Won, Odd]"), encoding="utf-8")


def test_they_are_listed_once_and_replayed_when_the_mapping_is_right(office: Path) -> None:
    bring(office)
    assert [(x["machine"], x["key"], x["error"]["code"]) for x in letters(office)] == [
        ("import", "deals.csv:3", "SW-MAP-047"),
        ("import", "deals.csv:4", "SW-MAP-045"),
    ]
    first = json.loads(dlq(office, "replay", "1", "--json", code=1))
    assert [x["number"] for x in first["failed_again"]] == [1]
    better(office)
    assert "replayed: 2, failed again: 1" in dlq(office, "replay", "--all", code=1)
    assert [x["number"] for x in letters(office)] == [2]
    assert "o2" in run(
        "explain", "--rule", "stale-opportunity", "--entity", "opportunity:o2", "-w", f"{office}/ws"
    )
    assert "SW-STREAM-026" in dlq(office, "replay", "1", code=1)


def test_a_row_is_shown_put_right_and_brought_in(office: Path) -> None:
    shown = json.loads(dlq(office, "show", "2", "--row"))
    assert shown == {"id": "o3", "stage": "Open", "opened": "2.1.2025"}
    right = office / "row.json"
    right.write_text(json.dumps({**shown, "opened": "2025-01-02"}), encoding="utf-8")
    assert "failed again: 0" in dlq(office, "replay", "2", "--row", str(right))
    assert [x["number"] for x in letters(office)] == [1]
    right.write_text("[]", encoding="utf-8")
    assert "SW-CMD-009" in dlq(office, "replay", "1", "--row", str(right), code=1)


def test_an_import_that_can_read_them_settles_them(office: Path) -> None:
    better(office)
    assert "deals.csv:4" in bring(office)
    assert [x["key"] for x in letters(office)] == ["deals.csv:4"]
    (office / "deals.csv").write_text(ROWS.replace("2.1.2025", "2025-01-02"), encoding="utf-8")
    bring(office, code=0)
    assert [x["key"] for x in letters(office)] == ["deals.csv:4"], "the row as it was still cannot be read"
