"""What the readers of CSV and Excel have in common: a row as texts, and the header that names its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sources.files.items import NOTHING, KeptLine, Place
from connectors.sources.files.mapping import Column
from connectors.sources.files.problems import did_you_mean
from schemas.errors import MappingError, show


class LossyText(str):
    """The text of a spreadsheet number that has more digits than the spreadsheet keeps: no longer an id."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of texts and the line it starts in."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be taken apart, and why."""

    line: int
    error: MappingError
    kept: KeptLine = NOTHING


RawItem = RawRow | BadRow


@dataclass(frozen=True, slots=True)
class Header:
    """The titles of a file as they stand: which cell belongs to which declared column."""

    cells: tuple[str, ...]
    positions: Mapping[str, int]
    surplus: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.cells)


def read_header(cells: Sequence[str], columns: Mapping[str, Column], place: Place) -> Header:
    """The header in `cells`; raises MappingError SW-MAP-024 for missing and SW-MAP-025 for doubled titles."""
    titles = [cell.strip() for cell in cells]
    while titles and not titles[-1]:
        titles.pop()
    used: dict[int, str] = {}
    positions: dict[str, int] = {}
    for name, column in columns.items():
        at = _find(name, column, titles, place)
        if at is not None:
            positions[name] = at
            used[at] = name
    surplus = tuple(title for index, title in enumerate(titles) if index not in used)
    return Header(tuple(cells), positions, surplus)


def _find(name: str, column: Column, titles: Sequence[str], place: Place) -> int | None:
    wanted = column.header if column.header is not None else [name]
    found = [index for index, title in enumerate(titles) if title in wanted]
    if len(found) > 1:
        step = "rename one of the columns in the file, or name one title under header"
        twice = ", ".join(titles[index] for index in found)
        raise MappingError(
            "SW-MAP-025", place=str(place), expected=f"one column {name}", found=twice, next_step=step
        )
    if not found and not column.optional:
        raise _missing(wanted, titles, place)
    return found[0] if found else None


def _missing(wanted: Sequence[str], titles: Sequence[str], place: Place) -> MappingError:
    step = did_you_mean(wanted[0], titles, "declare the title under header, or the column as optional")
    if len(titles) == 1 and any(mark in titles[0] for mark in ",;\t|"):
        step = "the header is one cell: declare the delimiter of the file"
    expected = " or ".join(show(title) for title in wanted)
    found = ", ".join(titles) if titles else "no titles"
    return MappingError("SW-MAP-024", place=str(place), expected=expected, found=found, next_step=step)
