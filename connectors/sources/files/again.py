"""Reads a rejected row once more, as it was kept or as it was put right, by the mapping as it is now.

The file itself is not opened: its rows may have moved since. Lookups are sought beside it.
"""

from __future__ import annotations

import base64
import csv
import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.sources.files.items import NOTHING, ImportItem, KeptLine, KeptRow, Place, Rejected
from connectors.sources.files.jsonl import event_item
from connectors.sources.files.mapping import FileMapping, MappingDocument
from connectors.sources.files.plan import RowPlan, Surroundings
from connectors.sources.files.reader import load_tables, parts_for
from connectors.sources.files.rows import LossyText, read_header
from connectors.sources.files.text_lines import LINE_LIMIT, Line
from schemas.errors import MappingError, StagewatchError, show


def read_again(
    row: KeptRow, place: Place, mapping: MappingDocument | None, *, zone: ZoneInfo, now: int
) -> list[ImportItem]:
    """What the row gives now; one Rejected if it still cannot be used. now: microseconds UTC."""
    around = Surroundings(zone, now)
    try:
        items: list[ImportItem]
        if row.header is None:
            items = [event_item(Line(place.line, _bytes(row, place)), place, 0, around)]
        else:
            items = _mapped(row, row.header, place, mapping, around)
        return [replace(item, row=row) if isinstance(item, Rejected) else item for item in items]
    except StagewatchError as error:
        return [Rejected(place, error, row)]


def put_right(row: KeptRow, values: Mapping[str, object] | str) -> KeptRow:
    """The row with other content: texts by title, or the text of an event."""
    if isinstance(values, str):
        return replace(row, line=KeptLine(values), cells=None, lossy=())
    texts = ("" if values.get(title) is None else str(values[title]) for title in row.header or ())
    return replace(row, cells=tuple(texts), line=NOTHING, lossy=())


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
    text = _text(row, part, place)
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


def shown(line: KeptLine) -> str | None:
    """The line as people correct it; what is in no known encoding stands in it as escapes."""
    if line.raw is None:
        return line.text
    raw = base64.b64decode(line.raw)
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")


def _text(row: KeptRow, part: FileMapping, place: Place) -> str:
    """The line in the encoding that the mapping says by now; GB 18030, when it leaves that open."""
    raw = _bytes(row, place)
    encoding = "utf-8" if row.line.raw is None else "gb18030" if part.encoding == "auto" else part.encoding
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise MappingError(
            "SW-MAP-043",
            place=str(place),
            expected=encoding,
            found=show(raw.decode("utf-8", "backslashreplace")),
            next_step="declare the encoding of the file, or put the row right by --row FILE",
        ) from error


def _bytes(row: KeptRow, place: Place) -> bytes:
    line = row.line
    if line.text is not None:
        return line.text.encode()
    if line.raw is not None:
        return base64.b64decode(line.raw)
    begin, end = line.span or (0, 0)
    raise MappingError(
        "SW-MAP-042",
        "The row was not kept",
        place=str(place),
        expected=f"at most {LINE_LIMIT} bytes",
        found=f"{end - begin}: bytes {begin} to {end} of {row.file}",
        next_step="correct it there and import the file again, or give it by --row FILE",
    )
