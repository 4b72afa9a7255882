"""Files in, items out: the one entry of this folder. Chooses the reader by name and mapping; nothing stops
the rest.

for item in read_events(paths, mapping, zone=zone, now=now): ...
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.sources.files.csv_rows import csv_rows
from connectors.sources.files.excel_rows import open_sheets, sheet_rows
from connectors.sources.files.items import ImportItem, KeptRow, Noted, Place, Rejected, Skipped
from connectors.sources.files.jsonl import jsonl_items
from connectors.sources.files.lookup import EXCEL_SUFFIXES, read_lookup
from connectors.sources.files.mapping import FileMapping, MappingDocument
from connectors.sources.files.plan import RowPlan, Surroundings
from connectors.sources.files.rows import BadRow, Header, LossyText, RawItem, RawRow, read_header
from connectors.sources.files.text_lines import Progress, detect_encoding
from schemas.errors import MappingError, StagewatchError

Told = Callable[[int, int], None]
"""Progress: bytes read so far, bytes of all files."""

JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
ABOVE_HEADER = "above the header"


def nobody(done: int, total: int) -> None:
    """Progress for nobody."""


def read_events(
    paths: Sequence[Path],
    mapping: MappingDocument | None = None,
    *,
    zone: ZoneInfo,
    now: int,
    progress: Told = nobody,
) -> Iterator[ImportItem]:
    """The items of all files, file by file, line by line.

    Args:
        paths: JSONL files of CloudEvents (`.jsonl`, `.ndjson`) need no mapping; CSV and Excel files do.
        Lookups of the
            mapping are sought among the paths, then beside the file that needs them.
        zone: the organisation's zone, in which a date alone is a day.
        now: microseconds UTC; later events are passed on, marked `future`.
        progress: called now and then.

    Every data row gives exactly one of: Imported items (perhaps after Repaired ones), one Skipped, one
    Rejected. A file that cannot be used at all gives one Rejected with line 0, and the next file is read.
    Memory does not grow with the length of text files; a workbook is read whole.
    """
    reading = _Reading(paths, mapping, Surroundings(zone, now), progress)
    for order in range(len(paths)):
        yield from reading.file(order)


class _Reading:
    def __init__(
        self, paths: Sequence[Path], mapping: MappingDocument | None, around: Surroundings, progress: Told
    ) -> None:
        self._paths = paths
        self._mapping = mapping
        self._around = around
        self._sizes = [_size(path) for path in paths]
        self._told = progress
        names = [path.name for path in paths]
        self._names = [path.name if names.count(path.name) == 1 else str(path) for path in paths]

    def file(self, order: int) -> Iterator[ImportItem]:
        path, name = self._paths[order], self._names[order]
        try:
            yield from self._items(path, name, order)
        except OSError as error:
            found = error.strerror or type(error).__name__
            step = "check the path and the rights on the file"
            yield Rejected(
                Place(name, 0), MappingError("SW-MAP-020", place=name, found=found, next_step=step)
            )
        except StagewatchError as error:
            yield Rejected(Place(name, 0), error)
        self._told(sum(self._sizes[: order + 1]), sum(self._sizes))

    def _items(self, path: Path, name: str, order: int) -> Iterator[ImportItem]:
        if path.suffix.lower() in JSONL_SUFFIXES:
            yield from jsonl_items(path, name, order, self._around, self._progress(order))
            return
        parts = self._parts(path)
        if self._sizes[order] == 0:
            path.stat()
            raise _empty(name)
        if _is_excel(path, parts[0]):
            yield from self._workbook(path, name, order, parts)
        else:
            yield from self._text_file(path, name, order, parts[0])

    def _parts(self, path: Path) -> list[FileMapping]:
        return parts_for(path, self._mapping)

    def _text_file(self, path: Path, name: str, order: int, part: FileMapping) -> Iterator[ImportItem]:
        encoding = detect_encoding(path) if part.encoding == "auto" else part.encoding
        rows = csv_rows(path, encoding=encoding, delimiter=part.delimiter, progress=self._progress(order))
        yield from self._table(rows, path, Place(name, 0), order, part, spreadsheet=False)

    def _workbook(
        self, path: Path, name: str, order: int, parts: Sequence[FileMapping]
    ) -> Iterator[ImportItem]:
        for part in parts:
            for sheet in open_sheets(path, part.sheet):
                place = Place(name, 0, sheet.name)
                try:
                    yield from self._table(sheet_rows(sheet), path, place, order, part, spreadsheet=True)
                except StagewatchError as error:
                    yield Rejected(place, error)

    def _table(
        self,
        rows: Iterator[RawItem],
        path: Path,
        whole: Place,
        order: int,
        part: FileMapping,
        *,
        spreadsheet: bool,
    ) -> Iterator[ImportItem]:
        mapping = self._mapping
        if mapping is None:
            return
        above, header = _header(rows, part, whole)
        yield from above
        if header.surplus and part.surplus != "ignore" and not part.lookup_only:
            note = _surplus(whole, header, part)
            if part.surplus == "refuse":
                raise note
            yield Noted(whole, note)
        load_tables(mapping, part, path, self._paths, self._around)
        plan = RowPlan(mapping, part, header, self._around, file_order=order, spreadsheet=spreadsheet)
        kept = KeptRow(str(path.absolute()), whole.sheet, header.cells, spreadsheet=spreadsheet)
        for item in rows:
            place = Place(whole.file, item.line, whole.sheet)
            if isinstance(item, BadRow):
                yield Rejected(place, item.error, replace(kept, line=item.kept))
                continue
            for made in plan.apply(item.cells, place):
                yield replace(made, row=_with(kept, item.cells)) if isinstance(made, Rejected) else made

    def _progress(self, order: int) -> Progress:
        before, total = sum(self._sizes[:order]), sum(self._sizes)
        return lambda done: self._told(before + done, total)


def parts_for(path: Path, mapping: MappingDocument | None) -> list[FileMapping]:
    """The parts of the mapping that are for the file; raises MappingError SW-MAP-022 when there is none."""
    files = mapping.files if mapping is not None else []
    parts = [part for part in files if fnmatch.fnmatchcase(path.name, part.match)]
    known = TEXT_SUFFIXES | EXCEL_SUFFIXES
    if parts and (parts[0].format is not None or path.suffix.lower() in known):
        return parts
    expected = ", ".join(part.match for part in files) or "a mapping, or a .jsonl file of events"
    step = "add the file to the mapping (match, and format for an unusual ending)"
    raise MappingError("SW-MAP-022", place=path.name, expected=expected, found=path.name, next_step=step)


def load_tables(
    mapping: MappingDocument, part: FileMapping, path: Path, given: Sequence[Path], around: Surroundings
) -> None:
    """Read the lookups that the part needs, from the `given` files or beside the file, into `around`."""
    tables = dict(around.tables)
    for use in part.lookup:
        if use.table not in tables:
            lookup = mapping.lookups[use.table]
            beside = [one for one in given if one.name == lookup.file]
            found = beside[0] if beside else path.with_name(lookup.file)
            try:
                tables[use.table] = read_lookup(found, lookup, around.zone)
            except OSError as error:
                step = f"put it beside {path.name}, or name it among the files to import"
                reason = error.strerror or type(error).__name__
                raise MappingError(
                    "SW-MAP-028", place=path.name, expected=lookup.file, found=reason, next_step=step
                ) from error
    around.tables = tables


def _with(kept: KeptRow, cells: Sequence[str]) -> KeptRow:
    lossy = tuple(index for index, cell in enumerate(cells) if isinstance(cell, LossyText))
    return replace(kept, cells=tuple(map(str, cells)), lossy=lossy)


def _header(rows: Iterator[RawItem], part: FileMapping, whole: Place) -> tuple[list[ImportItem], Header]:
    above: list[ImportItem] = []
    for item in rows:
        if isinstance(item, BadRow):
            raise item.error
        if len(above) == part.header - 1:
            return above, _columns(item, part, whole)
        above.append(Skipped(Place(whole.file, item.line, whole.sheet), ABOVE_HEADER))
    raise _empty(str(whole))


def _columns(row: RawRow, part: FileMapping, whole: Place) -> Header:
    place = Place(whole.file, row.line, whole.sheet)
    return read_header(row.cells, {} if part.lookup_only else part.columns, place)


def _surplus(whole: Place, header: Header, part: FileMapping) -> MappingError:
    found = ", ".join(title or "(no title)" for title in header.surplus)
    step = "declare them under columns, or set surplus: ignore"
    expected = ", ".join(part.columns)
    return MappingError("SW-MAP-026", place=str(whole), expected=expected, found=found, next_step=step)


def _empty(place: str) -> MappingError:
    step = "check that the export was finished"
    return MappingError(
        "SW-MAP-021", place=place, expected="a header and rows", found="nothing", next_step=step
    )


def _is_excel(path: Path, part: FileMapping) -> bool:
    return part.format == "excel" or (part.format is None and path.suffix.lower() in EXCEL_SUFFIXES)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
