"""The report over items: sums, bounds and the table for people."""

import json
from pathlib import Path

from rich.console import Console

from connectors.sources.files import ImportReport, Place, Repaired, report_table
from connectors.sources.files.report import DISTINCT_REPAIRS, EXAMPLES
from tests.unit.connectors.importing import HEADER, read


def test_endless_kinds_of_repairs_are_counted_in_bounded_space() -> None:
    report = ImportReport()
    for line in range(1, 3 * DISTINCT_REPAIRS):
        report.add(Repaired(Place("f.csv", line), "name", f" {line}", str(line), "trimmed"))
    [file] = report.files
    assert len(file.repaired) == DISTINCT_REPAIRS + 1
    assert sum(map(len, file.repaired.values())) == 3 * DISTINCT_REPAIRS - 1
    assert report.totals()["repaired_values"] == 3 * DISTINCT_REPAIRS - 1


def test_examples_are_bounded_and_lines_are_not(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + "A1\n" * 100})
    [file] = result.report.files
    assert len(file.examples) == EXAMPLES
    assert str(file.rejected["SW-MAP-040"]) == "2-101"


def test_table_names_files_reasons_and_lines(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        {
            "deals.csv": HEADER + "A1,Lee Wei,Lost,2062-01-01,,\nTotal,,,,,\nA2\n",
            "deals2.csv": "",
        },
    )
    console = Console(width=200)
    with console.capture() as captured:
        console.print(report_table(result.report))
    text = captured.get()
    for part in (
        "deals.csv",
        "'Lee Wei' -> 'Li Wei'",
        "sum row",
        "SW-MAP-040",
        "SW-MAP-021",
        "in the future",
    ):
        assert part in text


def test_json_says_what_became_of_each_line(tmp_path: Path) -> None:
    result = read(tmp_path, {"deals.csv": HEADER + "A1,Lee Wei,Lost,2017-01-01,,\nTotal,,,,,\nA2\n"})
    made = json.loads(json.dumps(result.report.to_dict()))
    assert made["totals"] == {
        "files": 1,
        "unusable_files": 0,
        "rows": 3,
        "imported": 1,
        "skipped": 1,
        "rejected": 1,
        "repaired_values": 1,
        "events": 1,
    }
    [file] = made["files"]
    assert file["imported"] == {"rows": 1, "lines": "2"}
    assert file["skipped"] == [{"reason": "sum row", "rows": 1, "lines": "3"}]
    assert file["rejected"] == [{"code": "SW-MAP-040", "rows": 1, "lines": "4"}]
    assert file["examples"][0]["place"] == "deals.csv:4"
    assert result.report.files[0].repairs_of(2)[0].used == "Li Wei"
