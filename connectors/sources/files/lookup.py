"""A second file held in memory and found again by a key. Its cells are cleaned and typed like any others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.sources.files.cleaning import Cleaner
from connectors.sources.files.csv_rows import csv_rows
from connectors.sources.files.excel_rows import open_sheets, sheet_rows
from connectors.sources.files.items import Place
from connectors.sources.files.mapping import Lookup
from connectors.sources.files.rows import BadRow, RawItem, read_header
from connectors.sources.files.template import Scalar
from connectors.sources.files.text_lines import detect_encoding
from schemas.errors import MappingError, show

ROW_LIMIT = 1_000_000
EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})

Table = Mapping[str, Mapping[str, Scalar | None]]
"""Key -> column -> value."""


def read_lookup(path: Path, lookup: Lookup, zone: ZoneInfo) -> Table:
    """The whole table; raises MappingError: SW-MAP-028 for a double key or too many rows, or the row's own
    error.
    """
    excel = path.suffix.lower() in EXCEL_SUFFIXES
    rows = _rows(path, lookup, excel)
    for _ in range(lookup.header - 1):
        next(rows, None)
    first = _sound(next(rows, None), path)
    header = read_header(first, lookup.columns, Place(path.name, lookup.header))
    cleaner = Cleaner(lookup.columns, header.positions, zone, spreadsheet=excel)
    table: dict[str, Mapping[str, Scalar | None]] = {}
    for item in rows:
        cells = _sound(item, path)
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path.name}:{item.line}"
        texts = cleaner.clean(cells, [], place)
        cleaner.require(texts, place)
        key = texts[lookup.key]
        if key is None or key in table or len(table) >= ROW_LIMIT:
            raise _unusable(place, f"a key of its own in {lookup.key}, at most {ROW_LIMIT} rows", show(key))
        table[key] = cleaner.convert(texts, place)
    return table


def _rows(path: Path, lookup: Lookup, excel: bool) -> Iterator[RawItem]:
    if excel:
        return iter(sheet_rows(open_sheets(path, lookup.sheet)[0]))
    encoding = detect_encoding(path) if lookup.encoding == "auto" else lookup.encoding
    return csv_rows(path, encoding=encoding, delimiter=lookup.delimiter)


def _sound(item: RawItem | None, path: Path) -> list[str]:
    if item is None:
        raise _unusable(path.name, "a header row", "nothing")
    if isinstance(item, BadRow):
        raise item.error
    return list(item.cells)


def _unusable(place: str, expected: str, found: str) -> MappingError:
    step = "correct the lookup file; every key may stand once"
    return MappingError("SW-MAP-028", place=place, expected=expected, found=found, next_step=step)
