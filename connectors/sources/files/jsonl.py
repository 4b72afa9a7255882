"""JSONL files of CloudEvents: one event in each line, structured mode, no mapping."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from connectors.sources.files.items import Imported, ImportItem, KeptRow, Place, Rejected, Skipped
from connectors.sources.files.plan import BLANK, Surroundings
from connectors.sources.files.text_lines import LINE_LIMIT, Line, Progress, kept_line, numbered_lines
from schemas.envelope import decode_event, entity_of
from schemas.errors import MappingError, StagewatchError


def jsonl_items(
    path: Path, name: str, file_order: int, around: Surroundings, progress: Progress
) -> Iterator[ImportItem]:
    """One item per line: Imported, Skipped for a blank line, Rejected with the coded error. Raises OSError.

    An empty file gives one Rejected with SW-MAP-021.
    """
    empty = True
    for line in numbered_lines(path, progress=progress):
        empty = False
        item = event_item(line, Place(name, line.number), file_order, around)
        if isinstance(item, Rejected):
            item = replace(item, row=KeptRow(str(path.absolute()), line=kept_line(line)))
        yield item
    if empty:
        step = "check that the export was finished"
        error = MappingError(
            "SW-MAP-021", place=name, expected="one event per line", found="nothing", next_step=step
        )
        yield Rejected(Place(name, 0), error)


def event_item(line: Line, place: Place, file_order: int, around: Surroundings) -> ImportItem:
    """What one line gives."""
    raw = line.raw.removeprefix(codecs.BOM_UTF8) if line.number == 1 else line.raw
    if line.too_long:
        expected = f"at most {LINE_LIMIT} bytes"
        step = "send large content as a reference"
        return Rejected(
            place, MappingError("SW-MAP-042", place=str(place), expected=expected, next_step=step)
        )
    if not raw.strip():
        return Skipped(place, BLANK)
    try:
        event = decode_event(raw, zone=around.zone, place=str(place))
        entity_of(event)
    except StagewatchError as error:
        return Rejected(place, error)
    return Imported(place, file_order, 0, event, event.time > around.now)
