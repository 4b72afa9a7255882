"""CSV files by a mapping: what becomes of each row, and of files that are not what they should be."""

import json
from pathlib import Path

import pytest

from connectors.sources.files import Noted, Rejected
from schemas.time import format_instant
from tests.unit.connectors.importing import DEALS, HEADER, read, read_paths


def test_one_row_makes_several_events(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + 'A1,Li Wei,Won,2017-03-01,2017/04/02,"1,054.50"\n'})
    created, won = result.events
    assert created.record() == {
        "specversion": "1.0",
        "id": "A1/created",
        "source": "crm/trial",
        "type": "opportunity.created",
        "time": "2017-02-28T16:00:00Z",
        "datacontenttype": "application/json",
        "precision": "day",
        "data": {"opportunity": "A1", "owner": "Li Wei"},
    }
    assert (won.event.id, won.event.data["amount"], won.event.data["currency"]) == (
        "A1/won",
        "1054.50",
        "CNY",
    )
    assert (str(won.place), won.n, won.file_order) == ("deals.csv:2", 1, 0)


def test_repeated_import_repeats_the_same_events(tmp_path: Path) -> None:
    files = {"deals.csv": HEADER + "A1,Li Wei,Won,2017-03-01,2017-04-02,7\nB2,N/A,Open,,,\n"}
    assert [item.event for item in read(tmp_path, files).events] == [
        item.event for item in read(tmp_path, files).events
    ]


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    rows = [
        "A1,Lee Wei,Won,2017-03-01,2017-04-02,7",
        "A2, Li Wei ,Open,,,",
        "",
        ",,,,,",
        "Total,,,,,7",
        "A3,Li Wei,Wno,2017-03-01,,",
        ",Li Wei,Won,2017-03-01,,",
        "A4,N/A,Open,2017-02-30,,",
        "A5,,Lost,2017-03-01,,50万",
        "A6,x,Won,2017-03-01,,7",
        "A7,x,Won",
        "A8,x,Open,2017-03-01,,,,",
    ]
    result = read(tmp_path, {"deals.csv": HEADER + "\n".join(rows) + "\n"})
    [file] = result.report.files
    assert result.repaired == [
        ("deals.csv:2", "agent", "Lee Wei", "Li Wei"),
        ("deals.csv:3", "agent", " Li Wei ", "Li Wei"),
        ("deals.csv:3", "value", "", "1000"),
        ("deals.csv:3", "opened", "", "2017-12-31"),
    ]
    assert result.skipped == {
        "deals.csv:4": "blank row",
        "deals.csv:5": "blank row",
        "deals.csv:6": "sum row",
    }
    assert result.rejected == {
        "deals.csv:7": "SW-MAP-047",
        "deals.csv:8": "SW-MAP-044",
        "deals.csv:9": "SW-MAP-045",
        "deals.csv:10": "SW-MAP-046",
        "deals.csv:11": "SW-MAP-050",
        "deals.csv:12": "SW-MAP-040",
        "deals.csv:13": "SW-MAP-040",
    }
    assert (file.rows, len(file.imported), file.rows_skipped, file.rows_rejected) == (12, 2, 3, 7)
    assert [file.outcome(line) for line in (1, 2, 6, 7)] == [
        None,
        "imported",
        "skipped: sum row",
        "rejected: SW-MAP-047",
    ]
    assert json.loads(json.dumps(result.report.to_dict()))["totals"]["repaired_values"] == 4


def test_a_rejected_row_gives_no_event_and_no_repair(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + "A1,Lee Wei,Won,2017-03-01,soon,7\n"})
    assert [type(item) for item in result.items] == [Rejected]


def test_row_of_2062_is_passed_on_and_marked(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + "A1,x,Open,2062-01-01,,5\nA2,x,Open,2017-01-01,,5\n"})
    assert [item.future for item in result.events] == [True, False]
    assert str(result.report.files[0].future) == "2"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("50万", "SW-MAP-046"),
        ("１００", "SW-MAP-046"),
        ("1,05", "SW-MAP-046"),
        ("1.054,50", "SW-MAP-046"),
        ("1e5", "SW-MAP-046"),
        ("nan", "SW-MAP-046"),
        ("$5", "SW-MAP-053"),
        ("--5", "SW-MAP-046"),
    ],
)
def test_amount_that_is_not_plain_is_refused(cell: str, code: str, tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": f'{HEADER}A1,x,Won,2017-01-01,2017-01-02,"{cell}"\n'})
    assert result.rejected == {"deals.csv:2": code}


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("¥1,054", "1054"), ("CNY 7", "7"), ("7元", "7"), ("-1,234,567.80", "-1234567.80"), ("0.10", "0.10")],
)
def test_amount_in_the_declared_currency_is_read(cell: str, amount: str, tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": f'{HEADER}A1,x,Won,2017-01-01,2017-01-02,"{cell}"\n'})
    assert result.events[1].event.data["amount"] == amount


def test_declared_unit_is_multiplied(tmp_path: Path) -> None:
    mapping = DEALS.replace('thousands: ","', "units: {万: 10000}")
    result = read(tmp_path, {"deals.csv": HEADER + "A1,x,Won,2017-01-01,2017-01-02,52.5万\n"}, mapping)
    assert result.events[1].event.data["amount"] == "525000"


def test_quoted_line_break_belongs_to_its_row(tmp_path: Path) -> None:
    content = HEADER + '"A\n1",x,Lost,2017-01-01,,\nA2,x,Lost,2017-01-01,,\n'
    result = read(tmp_path, {"deals.csv": content})
    assert {str(item.place) for item in result.events} == {"deals.csv:4"}
    assert result.rejected == {"deals.csv:2": "SW-EVENT-005"}


def test_stray_quote_costs_one_row(tmp_path: Path) -> None:
    rows = [f"A{number},x,Lost,2017-01-01,," for number in range(500)]
    rows[3] = 'A3,"x,Lost,2017-01-01,,'
    rows[100] = 'A100,x",Lost,2017-01-01,,'
    rows[400] = 'A400,"x"y,Lost,2017-01-01,,'
    result = read(tmp_path, {"deals.csv": HEADER + "\n".join(rows) + "\n"})
    assert result.rejected == {"deals.csv:5": "SW-MAP-041", "deals.csv:402": "SW-MAP-041"}
    assert len(result.events) == 498


def test_unclosed_quote_at_the_end_costs_one_row(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + 'A1,"x,Lost,2017-01-01,,\nA2,x,Lost,2017-01-01,,'})
    assert result.rejected == {"deals.csv:2": "SW-MAP-041"}
    assert [item.event.id for item in result.events] == ["A2/created"]


def test_endless_line_costs_one_row_and_no_memory(tmp_path: Path) -> None:
    content = HEADER + "A1," + "x" * 3_000_000 + "\nA2,x,Lost,2017-01-01,,\n"
    result = read(tmp_path, {"deals.csv": content})
    assert result.rejected == {"deals.csv:2": "SW-MAP-042"}
    assert len(result.events) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encoding_is_detected(encoding: str, tmp_path: Path) -> None:
    content = (HEADER + "商机一,李伟,Lost,2017-01-01,,\n").encode(encoding)
    assert read(tmp_path, {"deals.csv": content}).events[0].event.data == {
        "opportunity": "商机一",
        "owner": "李伟",
    }


def test_few_broken_bytes_cost_their_rows_only(tmp_path: Path) -> None:
    rows = [f"商机{number},李伟,Lost,2017-01-01,,\n".encode() for number in range(9)]
    rows[4] = rows[4].replace("李".encode(), b"\xff\xfe")
    result = read(tmp_path, {"deals.csv": HEADER.encode() + b"".join(rows)})
    assert result.rejected == {"deals.csv:6": "SW-MAP-043"}
    assert len(result.events) == 8


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "SW-MAP-021"),
        ("id,agent".encode("utf-16"), "SW-MAP-023"),
        (b"id\0agent", "SW-MAP-023"),
        (b"\xff\xff\xff\n\xff", "SW-MAP-023"),
        (b"id,agent,stage,opened,closed\n", "SW-MAP-024"),
        (b"id;agent;stage;opened;closed;value\n", "SW-MAP-024"),
        (b"id,agent,stage,opened,closed,value,id\n", "SW-MAP-025"),
    ],
)
def test_unusable_file_is_one_coded_error(content: bytes, code: str, tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": content, "deals2.csv": HEADER + "A1,x,Lost,2017-01-01,,\n"})
    assert result.rejected == {"deals.csv": code}
    assert len(result.events) == 1
    assert not result.report.ok
    assert result.report.files[0].error is not None


def test_unreadable_path_is_one_coded_error(tmp_path: Path) -> None:
    folder = tmp_path / "deals.csv"
    folder.mkdir()
    result = read_paths([folder, tmp_path / "deals-absent.csv", tmp_path / "other.csv"])
    assert result.rejected == {
        "deals.csv": "SW-MAP-020",
        "deals-absent.csv": "SW-MAP-020",
        "other.csv": "SW-MAP-022",
    }


def test_header_only_is_an_empty_import(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER})
    assert result.items == []


def test_missing_column_suggests_the_nearest_title(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": "ID,agent,stage,opened,closed,value\n"})
    [item] = result.items
    assert isinstance(item, Rejected)
    assert (item.error.place, item.error.next_step) == ("deals.csv:1", 'did you mean "ID"?')


@pytest.mark.parametrize(("surplus", "kinds"), [("note", [Noted]), ("ignore", []), ("refuse", [Rejected])])
def test_surplus_columns(surplus: str, kinds: list[type], tmp_path: Path) -> None:
    mapping = DEALS.replace('id: "{id}"', f'id: "{{id}}"\n    surplus: {surplus}', 1)
    result = read(tmp_path, {"deals.csv": HEADER.strip() + ",remark\n"}, mapping)
    assert [type(item) for item in result.items] == kinds


def test_header_may_stand_lower_and_titles_may_differ(tmp_path: Path) -> None:
    mapping = DEALS.replace('id: "{id}"', 'id: "{id}"\n    header: 3', 1)
    mapping = mapping.replace("id: {required", 'id: {header: [商机编号, "Deal No."], required')
    title = "Export of 2017\n\n商机编号,agent,stage,opened,closed,value\n"
    result = read(tmp_path, {"deals.csv": title + "A1,x,Lost,2017-01-01,,\n"}, mapping)
    assert result.skipped == {"deals.csv:1": "above the header", "deals.csv:2": "above the header"}
    assert [str(item.place) for item in result.events] == ["deals.csv:4"]


def test_times_are_of_the_zone_of_the_mapping(tmp_path: Path) -> None:
    mapping = DEALS.replace("source: crm/trial", "source: crm/trial\nzone: America/New_York").replace(
        'opened: {type: date, formats: ["%Y-%m-%d", "%Y/%m/%d"]}',
        'opened: {type: datetime, formats: ["%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z", excel, epoch_ms]}',
    )
    cells = ["01.03.2017 09:30", "2017-03-01T09:30:00+0800", "42795.5", "1488378600000"]
    rows = [f"A{number},x,Lost,{cell},,\n" for number, cell in enumerate(cells)]
    result = read(tmp_path, {"deals.csv": HEADER + "".join(rows)}, mapping)
    assert [format_instant(item.time) for item in result.events] == [
        "2017-03-01T14:30:00Z",
        "2017-03-01T01:30:00Z",
        "2017-03-01T17:00:00Z",
        "2017-03-01T14:30:00Z",
    ]
    assert {item.event.precision for item in result.events} == {"instant"}


def test_arrival_comes_from_the_recorded_column(tmp_path: Path) -> None:
    mapping = DEALS.replace(
        '        data: {opportunity: "{id}", owner',
        '        recorded: closed\n        data: {opportunity: "{id}", owner',
    )
    result = read(tmp_path, {"deals.csv": HEADER + "A1,x,Lost,2017-01-01,2017-05-05,\n"}, mapping)
    [event] = result.events
    assert (format_instant(event.time), format_instant(event.arrival)) == (
        "2016-12-31T16:00:00Z",
        "2017-05-04T16:00:00Z",
    )


def test_row_without_event_is_not_lost_silently(tmp_path: Path) -> None:
    mapping = DEALS.replace(
        "        time: {column: opened", "        when: {stage: Open}\n        time: {column: opened"
    )
    result = read(tmp_path, {"deals.csv": HEADER + "A1,x,Lost,2017-01-01,,\n"}, mapping)
    assert result.rejected == {"deals.csv:2": "SW-MAP-052"}


def test_csv_without_mapping_is_told_so(tmp_path: Path) -> None:
    assert read(tmp_path, {"deals.csv": HEADER}, None).rejected == {"deals.csv": "SW-MAP-022"}


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for year in ("2016", "2017"):
        (tmp_path / year).mkdir()
        paths.append(tmp_path / year / "deals.csv")
        paths[-1].write_text(HEADER + f"A{year},x,Lost,{year}-01-01,,\n")
    result = read_paths(paths)
    assert [file.name for file in result.report.files] == [str(path) for path in paths]


def test_delimiter_and_decimal_mark_are_those_of_the_mapping(tmp_path: Path) -> None:
    mapping = DEALS.replace('id: "{id}"', 'id: "{id}"\n    delimiter: ";"', 1).replace(
        'thousands: ","', 'thousands: ".", decimal: ","'
    )
    content = HEADER.replace(",", ";") + "A1;x, y;Won;2017-01-01;2017-01-02;1.054,50\n"
    result = read(tmp_path, {"deals.csv": content}, mapping)
    assert (result.events[1].event.data["amount"], result.events[0].event.data["owner"]) == (
        "1054.50",
        "x, y",
    )
