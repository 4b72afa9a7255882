"""Reads a rejected row once more, as it was kept or as it was put right, by the mapping as it is now.

The file itself is not opened: its rows may have moved since. Lookups are sought beside it.
"""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.sources.files.items import ImportItem, KeptRow, Place, Rejected
from connectors.sources.files.jsonl import event_item
from connectors.sources.files.mapping import FileMapping, MappingDocument
from connectors.sources.files.plan import RowPlan, Surroundings
from connectors.sources.files.reader import load_tables, parts_for
from connectors.sources.files.rows import LossyText, read_header
from connectors.sources.files.text_lines import Line
from schemas.errors import MappingError, StagewatchError


def read_again(
    row: KeptRow, place: Place, mapping: MappingDocument | None, *, zone: ZoneInfo, now: int
) -> list[ImportItem]:
    """What the row gives now; one Rejected if it still cannot be used. now: microseconds UTC."""
    around = Surroundings(zone, now)
    try:
        items: list[ImportItem]
        if row.header is None:
            items = [event_item(Line(place.line, _text(row, place).encode()), place, 0, around)]
        else:
            items = _mapped(row, row.header, place, mapping, around)
        return [replace(item, row=row) if isinstance(item, Rejected) else item for item in items]
    except StagewatchError as error:
        return [Rejected(place, error, row)]


def put_right(row: KeptRow, values: Mapping[str, object] | str) -> KeptRow:
    """The row with other content: texts by title, or the text of an event."""
    if isinstance(values, str):
        return replace(row, text=values, cells=None, lossy=())
    texts = ("" if values.get(title) is None else str(values[title]) for title in row.header or ())
    return replace(row, cells=tuple(texts), text=None, lossy=())


def _mapped(
    row: KeptRow, titles: tuple[str, ...], place: Place, mapping: MappingDocument | None, around: Surroundings
) -> list[ImportItem]:
    path = Path(row.file)
    parts = parts_for(path, mapping)
    fitting = [p for p in parts if p.sheet is None or fnmatch.fnmatchcase(row.sheet or "", p.sheet)]
    part = (fitting or parts)[0]
    if mapping is None:
        return []
    load_tables(mapping, part, path, [], around)
    header = read_header(titles, {} if part.lookup_only else part.columns, place)
    plan = RowPlan(mapping, part, header, around, file_order=0, spreadsheet=row.spreadsheet)
    return plan.apply(_cells(row, part, place), place)


def _cells(row: KeptRow, part: FileMapping, place: Place) -> list[str]:
    if row.cells is not None:
        return [LossyText(cell) if index in row.lossy else cell for index, cell in enumerate(row.cells)]
    text = _text(row, place)
    try:
        return next(csv.reader([text], delimiter=part.delimiter, strict=True))
    except csv.Error as error:
        raise MappingError(
            "SW-MAP-041",
            place=str(place),
            expected="quotes in pairs",
            found=str(error),
            next_step="put the row right: stagewatch dlq replay NUMBER --row FILE",
        ) from error


def _text(row: KeptRow, place: Place) -> str:
    if row.text is None:
        raise MappingError(
            "SW-MAP-042",
            "The row was not kept",
            place=str(place),
            expected="a row of at most 1 MB in UTF-8",
            found="a longer one, or another encoding",
            next_step=f"correct it in {row.file} and import that again, or give it by --row FILE",
        )
    return row.text
