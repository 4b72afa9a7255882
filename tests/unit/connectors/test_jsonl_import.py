"""JSONL files of CloudEvents: one event a line, every bad line rejected by itself."""

import json
from pathlib import Path

from tests.unit.connectors.importing import read

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "crm/x",
    "type": "opportunity.won",
    "time": "2017-03-01T09:00:00Z",
    "data": {"opportunity": "A1"},
}


def line(**more: object) -> bytes:
    return json.dumps({**EVENT, **more}, ensure_ascii=False).encode() + b"\n"


def test_events_need_no_mapping(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + line() + b"\r\n" + line(id="e2", time="2062-01-01") + line(id="e3").rstrip()
    result = read(tmp_path, {"log.jsonl": content}, None)
    assert [(item.event.id, item.place.line, item.future) for item in result.events] == [
        ("e1", 1, False),
        ("e2", 3, True),
        ("e3", 4, False),
    ]
    assert result.skipped == {"log.jsonl:2": "blank row"}


def test_bad_lines_are_rejected_one_by_one(tmp_path: Path) -> None:
    bad = [
        (b"{\n", "SW-EVENT-001"),
        (b"[]\n", "SW-EVENT-002"),
        (b"\xff\n", "SW-EVENT-001"),
        (line(specversion="0.3"), "SW-EVENT-006"),
        (line(time=None), "SW-EVENT-003"),
        (line(type="opportunity.won", data={"opportunity": 7}), "SW-EVENT-021"),
        (line(type="visitor.came", data={}), "SW-EVENT-030"),
        (line(data={"opportunity": "A", "x": "y" * 1_200_000}), "SW-MAP-042"),
        (b"[" * 100_000 + b"\n", "SW-EVENT-014"),
    ]
    content = b"".join(raw + line(id=f"ok{number}") for number, (raw, _) in enumerate(bad))
    result = read(tmp_path, {"log.jsonl": content}, None)
    assert list(result.rejected.values()) == [code for _, code in bad]
    assert list(result.rejected) == [f"log.jsonl:{2 * number + 1}" for number in range(len(bad))]
    assert len(result.events) == len(bad)


def test_empty_file_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, {"log.jsonl": b""}, None).rejected == {"log.jsonl": "SW-MAP-021"}
