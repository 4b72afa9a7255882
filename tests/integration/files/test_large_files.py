"""Large files: memory stays flat, progress is told, history is sorted through the disk."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.sources.files import (
    Imported,
    ImportReport,
    MappingDocument,
    Place,
    parse_mapping,
    read_events,
    sort_history,
)
from connectors.sources.files.history import history_key
from schemas.envelope import Event
from schemas.errors import MappingError

MAPPING = """\
mapping: large
source: crm/large
files:
  - match: large.csv
    id: "{id}"
    columns: {id: {}, day: {type: date}, note: {}}
    events:
      - {name: created, type: opportunity.created, time: day, data: {opportunity: "{id}", note: "{note}"}}
"""
NOTE = "x" * 900
ROWS = 12_000


@pytest.fixture
def mapping() -> MappingDocument:
    document, errors = parse_mapping(MAPPING, "m.yaml")
    assert errors == []
    assert document is not None
    return document


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("id,day,note\n")
        file.writelines(f"D{number},2017-{number % 12 + 1:02}-01,{NOTE}\n" for number in range(ROWS))
    return path


def test_memory_does_not_grow_with_the_file(large: Path, mapping: MappingDocument) -> None:
    report = ImportReport()
    tracemalloc.start()
    try:
        for _ in report.watch(read_events([large], mapping, zone=ZoneInfo("UTC"), now=0)):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.totals()["imported"] == ROWS
    assert large.stat().st_size > 10_000_000
    assert peak < 5_000_000


def test_progress_grows_to_the_whole(large: Path, mapping: MappingDocument) -> None:
    told: list[tuple[int, int]] = []
    items = read_events(
        [large, large], mapping, zone=ZoneInfo("UTC"), now=0, progress=lambda *both: told.append(both)
    )
    assert sum(isinstance(item, Imported) for item in items) == 2 * ROWS
    size = 2 * large.stat().st_size
    assert len(told) > 20
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(told))
    assert told[-1] == (size, size)
    assert {total for _, total in told} == {size}


def events(count: int) -> Iterator[Imported]:
    for number in range(count):
        time = (number * 7919) % 1000
        yield Imported(
            Place("f", number), 0, 0, Event(str(number), "s", "visitor.came", time, {"note": NOTE})
        )


def test_history_is_sorted_through_the_disk_and_leaves_nothing_there(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        last = None
        count = 0
        for item in sort_history(events(20_000), in_memory=500, folder=tmp_path):
            assert last is None or history_key(last) < history_key(item)
            last = item
            count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 6_000_000
    assert list(tmp_path.iterdir()) == []


def test_sorting_without_room_is_a_coded_error(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as raised:
        list(sort_history(events(10), in_memory=5, folder=tmp_path / "absent"))
    assert raised.value.code == "SW-MAP-029"
