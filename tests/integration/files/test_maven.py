"""The Maven mapping on an excerpt of our own making with all the kinds of dirt, and on the real export
where it lies beside the project.

The export itself is never copied here.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.sources.files import Imported, ImportReport, load_mapping, read_events, sort_history
from schemas.time import parse_instant

HOME = Path(__file__).parents[3]
REAL = HOME.parent / "shared" / "data" / "maven_crm"
NAMES = ("sales_teams.csv", "accounts.csv", "products.csv", "sales_pipeline.csv")
NEW_YORK = ZoneInfo("America/New_York")

EXCERPT = {
    "sales_teams.csv": "sales_agent,manager,regional_office\n"
    "Ada Bell,Max Boss,East\nBob Cole,Max Boss,East\n",
    "accounts.csv": "account,sector,year_established,revenue,employees,"
    "office_location,subsidiary_of\n"
    "Northwind,technolgy,1999,12.5,80,Philipines,\nSouthwind,retail,2001,7,12,Kenya,Northwind\n",
    "products.csv": "product,series,sales_price\nGTX Pro,GTX,4821\nMG Special,MG,55\n",
    "sales_pipeline.csv": "opportunity_id,sales_agent,product,account,deal_stage,"
    "engage_date,close_date,close_value\n"
    "D1,Ada Bell,GTXPro,Northwind,Won,2016-10-20,2017-03-01,4514\n"
    "D2,Bob Cole,MG Special,Southwind,Lost,2017-01-02,2017-01-02,0\n"
    "D3,Ada Bell,GTX Pro,,Engaging,2017-05-06,,\n"
    "D4,Ada Bell,MG Special,Southwind,Prospecting,,,\n",
}


@dataclass(frozen=True)
class Case:
    """A folder of files, and what must become of their rows."""

    name: str
    files: Callable[[Path], Path]
    rows: dict[str, tuple[int, int, int, int]]
    repairs: dict[str, int]
    events: dict[str, int]
    without_account: int


def excerpt(folder: Path) -> Path:
    for name, text in EXCERPT.items():
        (folder / name).write_text(text)
    return folder


CASES = [
    Case(
        "excerpt",
        excerpt,
        {
            "sales_teams.csv": (2, 2, 0, 0),
            "accounts.csv": (2, 2, 0, 0),
            "products.csv": (2, 0, 2, 0),
            "sales_pipeline.csv": (4, 4, 0, 0),
        },
        {"sector": 1, "office_location": 1, "product": 1, "close_value": 2, "engage_date": 1},
        {
            "team.updated": 2,
            "person.updated": 3,
            "account.updated": 2,
            "opportunity.created": 4,
            "opportunity.stage_changed": 4,
            "opportunity.won": 1,
            "opportunity.lost": 1,
        },
        1,
    ),
    Case(
        "export",
        lambda folder: REAL,
        {
            "sales_teams.csv": (35, 35, 0, 0),
            "accounts.csv": (85, 85, 0, 0),
            "products.csv": (7, 0, 7, 0),
            "sales_pipeline.csv": (8800, 8800, 0, 0),
        },
        {"sector": 12, "office_location": 1, "product": 1480, "close_value": 2089, "engage_date": 500},
        {
            "team.updated": 9,
            "person.updated": 41,
            "account.updated": 85,
            "opportunity.created": 8800,
            "opportunity.stage_changed": 8800,
            "opportunity.won": 4238,
            "opportunity.lost": 2473,
        },
        1425,
    ),
][: 2 if REAL.is_dir() else 1]


def imported(folder: Path) -> tuple[list[Imported], ImportReport]:
    mapping = load_mapping(HOME / "examples" / "maven" / "mapping.yaml")
    report = ImportReport()
    paths = [folder / name for name in NAMES]
    now = parse_instant("2018-01-01T12:00:00Z")
    events = report.watch(read_events(paths, mapping, zone=NEW_YORK, now=now))
    return list(sort_history(events)), report


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_is_accounted_for(case: Case, tmp_path: Path) -> None:
    items, report = imported(case.files(tmp_path))
    assert {
        file.name: (file.rows, len(file.imported), file.rows_skipped, file.rows_rejected)
        for file in report.files
    } == case.rows
    repairs: Counter[str] = Counter()
    for file in report.files:
        for repair, lines in file.repaired.items():
            repairs[repair.column] += len(lines)
    assert repairs == case.repairs
    assert Counter(item.event.type for item in items) == case.events
    remarked = {reason: len(lines) for file in report.files for reason, lines in file.remarked.items()}
    assert remarked == {"deal without account: kept, it stands by itself": case.without_account}
    assert report.ok


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_history_is_in_order_and_ids_are_distinct(case: Case, tmp_path: Path) -> None:
    items, _ = imported(case.files(tmp_path))
    assert [item.arrival for item in items] == sorted(item.arrival for item in items)
    assert len({item.event.id for item in items}) == len(items)
    assert {item.event.precision for item in items} == {"day"}
    again, _ = imported(case.files(tmp_path))
    assert again == items


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_deal_is_created_before_all_else_and_closed_once(case: Case, tmp_path: Path) -> None:
    items, _ = imported(case.files(tmp_path))
    stories: dict[str, list[str]] = {}
    for item in items:
        if item.event.type.startswith("opportunity."):
            stories.setdefault(item.event.data["opportunity"], []).append(item.event.type.partition(".")[2])
    assert set(map(tuple, stories.values())) == {
        ("created", "stage_changed"),
        ("created", "stage_changed", "won"),
        ("created", "stage_changed", "lost"),
    }


def test_dirt_is_put_right_in_the_events(tmp_path: Path) -> None:
    items, _ = imported(excerpt(tmp_path))
    data = {item.event.id: item.event.data for item in items}
    assert data["D1/created"] == {
        "opportunity": "D1",
        "account": "Northwind",
        "owner": "Ada Bell",
        "team": "team Max Boss",
        "region": "East",
        "products": ["GTX Pro"],
        "amount": "4821",
        "currency": "USD",
    }
    assert data["D1/won"]["amount"] == "4514"
    assert "amount" not in data["D2/lost"]
    assert "account" not in data["D3/created"]
    assert data["D4/prospecting"]["stage"] == "Prospecting"
    times = {item.event.id: item.event.time for item in items}
    assert times["D4/created-undated"] == parse_instant("2017-12-31T05:00:00Z")
    [account] = [
        fields for fields in data.values() if fields.get("account") == "Northwind" and "industry" in fields
    ]
    assert (account["industry"], account["region"], account["employees"]) == ("technology", "Philippines", 80)


def test_deal_that_closes_later_repeats_its_earlier_events(tmp_path: Path) -> None:
    before, _ = imported(excerpt(tmp_path))
    path = tmp_path / "sales_pipeline.csv"
    path.write_text(path.read_text().replace("Engaging,2017-05-06,,", "Won,2017-05-06,2017-06-07,5000"))
    after, _ = imported(tmp_path)
    known = {item.event.id: item.event for item in before}
    fresh = [item.event.id for item in after if known.get(item.event.id) != item.event]
    assert fresh == ["D3/won"]
