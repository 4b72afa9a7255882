"""Excel sheets as rows of texts, read by calamine. Numbers, dates and truth values get one fixed written
form.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import zipfile
from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from connectors.sources.files.rows import LossyText, RawRow
from schemas.errors import MappingError

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

UNPACKED_LIMIT = 1_500_000_000
_EXACT = 10**15


def open_sheets(path: Path, wanted: str | None) -> list[CalamineSheet]:
    """The sheets whose names match the pattern `wanted`; the first sheet when it is None.

    Raises MappingError SW-MAP-020 for a file that is no readable workbook, SW-MAP-027 when no sheet
    matches, and OSError if it cannot be opened.
    """
    _check_size(path)
    try:
        book = CalamineWorkbook.from_path(path)
        names = book.sheet_names
        chosen = (
            names[:1] if wanted is None else [name for name in names if fnmatch.fnmatchcase(name, wanted)]
        )
        if not chosen:
            step = "correct sheet in the mapping"
            found = ", ".join(names)
            raise MappingError(
                "SW-MAP-027", place=path.name, expected=str(wanted), found=found, next_step=step
            )
        return [book.get_sheet_by_name(name) for name in chosen]
    except CalamineError as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def sheet_rows(sheet: CalamineSheet) -> Iterator[RawRow]:
    """The rows of the sheet from its first row on, with the numbers that the spreadsheet shows."""
    if sheet.start is None:
        return
    for number, cells in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        yield RawRow(number, [cell_text(cell) for cell in cells])


def cell_text(cell: Cell) -> str:
    """The cell as text: 1054.0 -> "1054", a date -> "2017-03-01", a moment -> "2017-03-01 09:30:00"."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return _number_text(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def _number_text(number: float) -> str:
    if isinstance(number, int) or number.is_integer():
        text = str(int(number))
        return LossyText(text) if abs(number) >= _EXACT else text
    short = f"{number:.15g}"
    return short if "e" not in short else f"{number:.20f}".rstrip("0")


def _check_size(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > UNPACKED_LIMIT:
        raise _unreadable(path, f"{size} bytes when unpacked, more than {UNPACKED_LIMIT}")


def _unreadable(path: Path, found: str) -> MappingError:
    step = "open it in a spreadsheet program and save it anew, without a password, or save it as CSV"
    return MappingError(
        "SW-MAP-020", place=path.name, expected="an Excel workbook", found=found, next_step=step
    )
