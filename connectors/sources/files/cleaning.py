"""The cells of a row made ready: trimmed, repaired, checked, typed. One object per file; knows nothing of
events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connectors.sources.files.cells import Converter, converter
from connectors.sources.files.mapping import Column
from connectors.sources.files.problems import CellError, did_you_mean
from connectors.sources.files.rows import LossyText
from connectors.sources.files.template import Scalar
from schemas.errors import MappingError, show

TRIMMED = "surrounding white space removed"
MISSPELT = "listed misspelling"


class Repair(NamedTuple):
    """One value put right: which column, from what, to what, why."""

    column: str
    found: str
    used: str
    reason: str


Texts = dict[str, str | None]


class Cleaner:
    """Turns the cells of rows into texts by column name, and texts into values.

    `positions`: column -> index of its cell; a declared column without one is always empty. A row shorter
    than an index is the caller's error.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        positions: Mapping[str, int],
        zone: ZoneInfo,
        *,
        spreadsheet: bool,
    ) -> None:
        self._plans = [_CellPlan(name, column, positions.get(name)) for name, column in columns.items()]
        self._required = [name for name, column in columns.items() if column.required]
        self._allowed = {name: frozenset(column.one_of) for name, column in columns.items() if column.one_of}
        self._converters: list[tuple[str, Converter]] = []
        for name, column in columns.items():
            convert = converter(column, zone, spreadsheet=spreadsheet)
            if convert is not None:
                self._converters.append((name, convert))

    def clean(self, cells: Sequence[str], repairs: list[Repair], place: str) -> Texts:
        """The texts of the row, None for empty cells; what was put right is appended to `repairs`."""
        texts: Texts = {}
        for plan in self._plans:
            texts[plan.name] = plan.read(cells, repairs, place)
        return texts

    def require(self, texts: Texts, place: str) -> None:
        """Raises MappingError SW-MAP-044 for an empty required cell, SW-MAP-047 for a text that is not
        allowed.
        """
        for name in self._required:
            if texts[name] is None:
                step = "fill the cell, or declare skip or fill for such rows"
                raise MappingError(
                    "SW-MAP-044",
                    place=f"{place}, column {name}",
                    expected="a value",
                    found="nothing",
                    next_step=step,
                )
        for name, allowed in self._allowed.items():
            text = texts[name]
            if text is not None and text not in allowed:
                expected = f"one of {', '.join(sorted(allowed))}"
                step = did_you_mean(text, allowed, "correct the cell, or add a repair or the value to one_of")
                raise MappingError(
                    "SW-MAP-047",
                    place=f"{place}, column {name}",
                    expected=expected,
                    found=show(text),
                    next_step=step,
                )

    def convert(self, texts: Texts, place: str) -> dict[str, Scalar | None]:
        """The values of the row; raises the MappingError of the first cell that cannot be read."""
        values: dict[str, Scalar | None] = dict(texts)
        for name, convert in self._converters:
            text = texts[name]
            if text is not None:
                try:
                    values[name] = convert(text)
                except CellError as error:
                    raise error.at(place, name, text) from None
        return values


class _CellPlan:
    __slots__ = ("_empty", "_index", "_is_text", "_repairs", "_special", "_trim", "name")

    def __init__(self, name: str, column: Column, index: int | None) -> None:
        self.name = name
        self._index = index
        self._trim = column.trim
        self._repairs = column.repairs
        self._empty = frozenset(column.empty)
        self._special = self._empty | self._repairs.keys()
        self._is_text = column.type == "text"

    def read(self, cells: Sequence[str], repairs: list[Repair], place: str) -> str | None:
        if self._index is None:
            return None
        text = cells[self._index]
        if self._trim:
            stripped = text.strip()
            if len(stripped) != len(text):
                if stripped:
                    repairs.append(Repair(self.name, text, stripped, TRIMMED))
                text = stripped
        if type(text) is LossyText and self._is_text:
            raise _lossy(place, self.name, text)
        if text in self._special:
            text = self._put_right(text, repairs)
        return text or None

    def _put_right(self, text: str, repairs: list[Repair]) -> str:
        if text in self._empty:
            return ""
        repairs.append(Repair(self.name, text, self._repairs[text], MISSPELT))
        return self._repairs[text]


def _lossy(place: str, column: str, text: str) -> MappingError:
    return MappingError(
        "SW-MAP-049",
        place=f"{place}, column {column}",
        expected="a text cell, or at most 15 digits",
        found=text,
        next_step="format the column as text in the spreadsheet and enter the number again",
    )
