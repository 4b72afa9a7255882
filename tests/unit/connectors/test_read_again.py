"""A rejected row is kept as it stood; by a mapping that was put right it gives what it should have given."""

from __future__ import annotations

import base64
from pathlib import Path

from connectors.sources.files import Imported, ImportItem, KeptRow, Rejected, put_right, read_again, shown
from tests.unit.connectors.importing import DEALS, HEADER, NOW, ZONE, Result, mapping_of, read

EVENT = (
    '{"specversion": "1.0", "id": "e1", "source": "crm", "type": "lead.created",'
    ' "time": "2026-01-02T00:00:00Z", "data": {"lead": "L1"}}'
)
BAD = "o1,Li Wei,Odd,2026-01-02,,5\n"


def kept(result: Result) -> tuple[Rejected, KeptRow]:
    """The one rejected row."""
    [item] = [item for item in result.items if isinstance(item, Rejected)]
    assert item.row is not None
    return item, item.row


def again(item: Rejected, row: KeptRow, mapping: str | None = DEALS) -> list[ImportItem]:
    document = None if mapping is None else mapping_of(mapping)
    return read_again(row, item.place, document, zone=ZONE, now=NOW)


def ids(items: list[ImportItem]) -> list[str]:
    return [item.event.id for item in items if isinstance(item, Imported)]


def test_by_the_same_mapping_it_is_rejected_for_the_same_reason(tmp_path: Path) -> None:
    item, row = kept(read(tmp_path, {"deals.csv": HEADER + BAD}))
    [found] = again(item, row)
    assert isinstance(found, Rejected)
    assert found.error.to_dict() == item.error.to_dict()
    assert found.row == row


def test_by_a_better_mapping_it_gives_its_events(tmp_path: Path) -> None:
    item, row = kept(read(tmp_path, {"deals.csv": HEADER + BAD}))
    better = DEALS.replace("[Open, Won, Lost]", "[Open, Won, Lost, Odd]")
    assert ids(again(item, row, better)) == ["o1/created"]


def test_the_row_may_be_put_right(tmp_path: Path) -> None:
    item, row = kept(read(tmp_path, {"deals.csv": HEADER + BAD}))
    better = put_right(row, {"id": "o1", "stage": "Open", "opened": "2026-01-02"})
    assert better.cells == ("o1", "", "Open", "2026-01-02", "", "")
    assert ids(again(item, better)) == ["o1/created"]


def test_a_broken_quote_can_be_closed(tmp_path: Path) -> None:
    item, row = kept(read(tmp_path, {"deals.csv": HEADER + 'o1,"Li Wei,Open,2026-01-02,,5\n'}))
    assert (item.error.code, row.cells) == ("SW-MAP-041", None)
    [same] = again(item, row)
    assert isinstance(same, Rejected)
    assert same.error.code == "SW-MAP-041"
    assert ids(again(item, put_right(row, {"id": "o1", "stage": "Open", "opened": "2026-01-02"})))


def test_an_event_may_be_put_right(tmp_path: Path) -> None:
    good = EVENT
    item, row = kept(read(tmp_path, {"events.jsonl": good.replace("L1", "")}, mapping=None))
    assert row.line.text == good.replace("L1", "")
    assert isinstance(again(item, row, None)[0], Rejected)
    assert ids(again(item, put_right(row, good), None)) == ["e1"]


def test_an_event_that_is_not_utf_8_is_kept_byte_for_byte(tmp_path: Path) -> None:
    item, row = kept(read(tmp_path, {"events.jsonl": b'{"id": "\xff\xfe"}\n'}, mapping=None))
    assert (row.line.text, base64.b64decode(row.line.raw or "")) == (None, b'{"id": "\xff\xfe"}')
    assert shown(row.line) == '{"id": "\\xff\\xfe"}'
    [found] = again(item, row, None)
    assert isinstance(found, Rejected)
    assert found.error.to_dict() == item.error.to_dict()
    assert ids(again(item, put_right(row, EVENT), None)) == ["e1"]


def test_a_row_in_another_encoding_is_read_once_the_mapping_says_so(tmp_path: Path) -> None:
    odd = "o1,李伟,Open,2026-01-02,,5\n".encode("gb18030")
    fine = "o2,李伟,Open,2026-01-02,,5\no3,李伟,Open,2026-01-02,,5\n"
    item, row = kept(read(tmp_path, {"deals.csv": HEADER.encode() + odd + fine.encode()}))
    assert item.error.code == "SW-MAP-043"
    assert (shown(row.line) or "").startswith("o1,李伟")
    assert ids(again(item, row)) == ["o1/created"]
    match = '  - match: "deals*.*"\n'
    [found] = again(item, row, DEALS.replace(match, f"{match}    encoding: utf-8\n"))
    assert isinstance(found, Rejected)
    assert found.error.code == "SW-MAP-043"


def test_of_a_row_that_is_too_long_its_place_is_kept(tmp_path: Path) -> None:
    long = b"x" * 2_000_000
    item, row = kept(read(tmp_path, {"events.jsonl": EVENT.encode() + b"\n" + long + b"\n"}, mapping=None))
    begin, end = row.line.span or (0, 0)
    assert (tmp_path / "events.jsonl").read_bytes()[begin:end] == long + b"\n"
    [found] = again(item, row, None)
    assert isinstance(found, Rejected)
    assert found.error.found is not None
    assert f"bytes {begin} to {end} of {tmp_path}" in found.error.found


def test_a_file_as_a_whole_is_no_row(tmp_path: Path) -> None:
    [item] = read(tmp_path, {"deals.csv": b""}).items
    assert isinstance(item, Rejected)
    assert item.row is None
