"""Excel files by a mapping: how cells become text, sheets, and workbooks that are none."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from schemas.time import format_instant
from tests.unit.connectors.importing import DEALS, HEADER, read, read_paths

TITLES = HEADER.strip().split(",")
moment = dt.datetime.fromisoformat
Value = str | float | dt.date | None


def workbook(path: Path, rows: list[list[Value]], sheet: str = "Sheet", first: int = 1) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    table: list[list[Value]] = [[*TITLES], *rows]
    for number, row in enumerate(table, start=first):
        for column, value in enumerate(row, start=1):
            page.cell(number, column, value)
    book.save(path)
    return path


def test_cells_become_texts(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "deals.xlsx",
        [
            [1054, "Lee Wei", "Won", moment("2017-03-01"), moment("2017-04-02"), 1054.1],
            ["A2", None, "Won", "2017/03/01", dt.date(2017, 4, 2), "1,054"],
            [None, None, None, None, None, None],
            ["A3", None, "Won", moment("2017-03-01"), moment("2017-04-02"), 0.1 + 0.2],
        ],
    )
    result = read_paths([path])
    assert [item.event.id for item in result.events] == [
        f"{name}/{kind}" for name in ("1054", "A2", "A3") for kind in ("created", "won")
    ]
    assert [item.event.data.get("amount") for item in result.events][1::2] == ["1054.1", "1054", "0.3"]
    assert format_instant(result.events[0].time) == "2017-02-28T16:00:00Z"
    assert result.repaired == [("deals.xlsx[Sheet]:2", "agent", "Lee Wei", "Li Wei")]
    assert result.skipped == {"deals.xlsx[Sheet]:4": "blank row"}


def test_moments_of_the_sheet_are_clock_times_of_the_zone(tmp_path: Path) -> None:
    mapping = DEALS.replace("opened: {type: date,", "opened: {type: datetime,")
    path = workbook(
        tmp_path / "deals.xlsx",
        [
            ["A1", "x", "Lost", moment("2017-03-01 09:30"), None, None],
            ["A2", "x", "Lost", moment("2017-03-01"), None, None],
        ],
    )
    assert [format_instant(item.time) for item in read_paths([path], mapping).events] == [
        "2017-03-01T01:30:00Z",
        "2017-02-28T16:00:00Z",
    ]


def test_long_number_is_no_id_any_more(tmp_path: Path) -> None:
    path = workbook(tmp_path / "deals.xlsx", [[1234567890123456789, "x", "Lost", "2017-03-01", None, None]])
    assert read_paths([path]).rejected == {"deals.xlsx[Sheet]:2": "SW-MAP-049"}


def test_row_numbers_are_those_of_the_sheet(tmp_path: Path) -> None:
    mapping = DEALS.replace('id: "{id}"', 'id: "{id}"\n    header: 4', 1)
    path = workbook(tmp_path / "deals.xlsx", [["A1", "x", "Lost", "2017-03-01", None, None]], first=4)
    result = read_paths([path], mapping)
    assert [str(item.place) for item in result.events] == ["deals.xlsx[Sheet]:5"]


def test_sheets_are_chosen_by_pattern(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "deals.xlsx", [["A1", "x", "Lost", "2017-03-01", None, None]], sheet="Deals 2017"
    )
    mapping = DEALS.replace('id: "{id}"', 'id: "{id}"\n    sheet: "Deals *"', 1)
    assert len(read_paths([path], mapping).events) == 1
    absent = DEALS.replace('id: "{id}"', 'id: "{id}"\n    sheet: Orders', 1)
    assert read_paths([path], absent).rejected == {"deals.xlsx": "SW-MAP-027"}


@pytest.mark.parametrize("content", [b"no workbook", b"PK\x03\x04broken"])
def test_what_is_no_workbook_is_told(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, {"deals.xlsx": content}).rejected == {"deals.xlsx": "SW-MAP-020"}


def test_empty_sheet_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "deals.xlsx")
    assert read_paths([tmp_path / "deals.xlsx"]).rejected == {"deals.xlsx[Sheet]": "SW-MAP-021"}


def test_a_workbook_of_no_bytes_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, {"deals.xlsx": b""}).rejected == {"deals.xlsx": "SW-MAP-021"}
