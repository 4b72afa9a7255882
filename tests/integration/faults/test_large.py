"""An event of 50 MB: refused with a code at every border, in bounded memory; those beside it come in."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from schemas.envelope import decode_event
from schemas.errors import EventError
from tests.unit.connectors.importing import read

SIZE = 50_000_000
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "crm",
    "type": "opportunity.created",
    "time": "2026-03-02T09:00:00Z",
    "data": {"opportunity": "O1", "account": "A1"},
}
SMALL = msgspec.json.encode(EVENT) + b"\n"
LARGE = SMALL.replace(b'"A1"', b'"' + b"x" * SIZE + b'"')


def test_the_decoder_refuses_it_unread() -> None:
    with pytest.raises(EventError, match="SW-EVENT-013"):
        decode_event(LARGE, zone=ZoneInfo("UTC"))


def test_a_file_with_such_a_line_gives_all_other_lines(tmp_path: Path) -> None:
    content = SMALL + LARGE + SMALL.replace(b"e1", b"e2")
    tracemalloc.start()
    result = read(tmp_path, {"log.jsonl": content}, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.rejected == {"log.jsonl:2": "SW-MAP-042"}
    assert [item.event.id for item in result.events] == ["e1", "e2"]
    assert peak < SIZE // 5
