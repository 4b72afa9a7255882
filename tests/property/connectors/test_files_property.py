"""Whatever stands in a file, every row is accounted for once, and history comes out in order."""

import csv
import io
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.files import Imported, Place, sort_history
from connectors.sources.files.cells import converter
from connectors.sources.files.csv_rows import csv_rows
from connectors.sources.files.history import history_key
from connectors.sources.files.line_set import LineSet
from connectors.sources.files.mapping import Column
from connectors.sources.files.problems import CellError
from connectors.sources.files.rows import RawRow
from connectors.sources.files.template import slug
from schemas.envelope import Event
from tests.unit.connectors.importing import HEADER, read

CELLS = st.text(max_size=8) | st.sampled_from(
    ["A1", "Won", "Lost", "2017-03-01", "7", "", '"', "\n", ",", "Total"]
)
PIECES = st.lists(st.sampled_from([*'",\n', "\r\n", "A1,x,Lost,2017-01-01,,\n", "é", "x", "\0"]), max_size=60)


def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=12))
def test_each_row_has_one_outcome(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    for place in folder():
        result = read(place, {"deals.csv": (HEADER + text.getvalue()).encode("utf-8", "surrogatepass")})
    for file in result.report.files:
        if file.error is None:
            outcomes = [*file.imported, *(n for s in file.skipped.values() for n in s)]
            outcomes += [n for s in file.rejected.values() for n in s]
            assert len(outcomes) == len(set(outcomes)) == file.rows


@given(PIECES)
def test_any_text_is_read_to_its_end(pieces: list[str]) -> None:
    tail = "Z9,end,Lost,2017-01-01,,"
    for place in folder():
        (place / "deals.csv").write_bytes((HEADER + "".join(pieces) + "\n" + tail).encode())
        items = list(csv_rows(place / "deals.csv", encoding="utf-8", delimiter=","))
    lines = [item.line for item in items]
    assert lines == sorted(set(lines))
    last = items[-1]
    assert isinstance(last, RawRow)
    assert last.cells[-5:] == tail.split(",")[-5:]


WRITABLE = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=5)


@given(st.lists(st.lists(WRITABLE, min_size=2, max_size=3), min_size=1, max_size=8))
def test_what_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    width = len(rows[0])
    rows = [["x", *(row + [""] * width)[:width]] for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    for place in folder():
        (place / "f.csv").write_bytes(text.getvalue().encode())
        items = list(csv_rows(place / "f.csv", encoding="utf-8", delimiter=","))
    assert [list(item.cells) for item in items if isinstance(item, RawRow)] == rows


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_numbers_are_read_exactly(number: Decimal) -> None:
    convert = converter(Column(type="number", thousands=","), ZoneInfo("UTC"), spreadsheet=False)
    assert convert is not None
    assert Decimal(str(convert(f"{number:,}"))) == number
    assert Decimal(str(convert(f"{number}"))) == number


@given(st.integers(0, 10**9), st.integers(0, 4), st.sampled_from([10, 10_000, 10**8]))
def test_units_multiply_exactly(digits: int, places: int, factor: int) -> None:
    convert = converter(Column(type="number", units={"U": factor}), ZoneInfo("UTC"), spreadsheet=False)
    assert convert is not None
    number = Decimal(digits).scaleb(-places)
    assert Decimal(str(convert(f"{number:f} U"))) == number * factor


@given(st.text(max_size=12), st.sampled_from(["integer", "number", "date", "datetime", "boolean"]))
def test_any_text_is_read_or_refused_with_a_code(text: str, kind: str) -> None:
    column = Column.model_validate(
        {"type": kind, "formats": ["iso", "%d.%m.%Y", "excel", "epoch", "epoch_ms"]}
    )
    convert = converter(column, ZoneInfo("America/New_York"), spreadsheet=False)
    assert convert is not None
    outcome: object
    try:
        outcome = convert(text)
    except CellError as error:
        outcome = error.code
    assert type(outcome) in (str, int, bool)


EVENTS = st.builds(
    lambda time, recorded, order, line, n: Imported(
        Place(f"f{order}.csv", line),
        order,
        n,
        Event(f"{order}/{line}/{n}", "s", "visitor.came", time, {"visitor": "v"}, recorded=recorded),
    ),
    st.integers(0, 5),
    st.none() | st.integers(0, 5),
    st.integers(0, 2),
    st.integers(1, 9),
    st.integers(0, 2),
)


@given(st.lists(EVENTS, max_size=40), st.integers(1, 50))
def test_history_is_the_same_through_memory_and_through_the_disk(
    items: list[Imported], in_memory: int
) -> None:
    assert list(sort_history(items, in_memory=in_memory)) == sorted(items, key=history_key)


@given(st.lists(st.integers(1, 30), unique=True).map(sorted))
def test_line_set_is_the_set_of_its_lines(lines: list[int]) -> None:
    kept = LineSet()
    for line in lines:
        kept.add(line)
    assert list(kept) == lines
    assert len(kept) == len(lines)
    assert all((line in kept) == (line in lines) for line in range(32))


@given(st.text())
def test_slug_is_one_word_of_an_address(text: str) -> None:
    made = slug(text)
    assert not made.startswith(".")
    assert not made.endswith(".")
    assert ".." not in made
