"""CSV text as rows. A row with broken quoting is one bad row: the rows after it are read as if it stood
alone.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from connectors.sources.files.items import KeptLine
from connectors.sources.files.rows import BadRow, RawItem, RawRow
from connectors.sources.files.text_lines import (
    LINE_LIMIT,
    Line,
    Progress,
    decoded,
    kept_line,
    nothing_to_tell,
    numbered_lines,
)
from schemas.errors import MappingError, show

ROW_LINES = 200
NARROW = 4


class _RunawayError(Exception):
    """A quoted cell that does not end."""


class _Feed:
    """Hands decoded lines to the csv module and remembers those of the row being read."""

    def __init__(self, lines: Iterator[Line], encoding: str, name: str) -> None:
        self._lines = lines
        self._encoding = encoding
        self._name = name
        self._again: deque[tuple[int, str]] = deque()
        self.held: list[tuple[int, str]] = []
        self.bad: list[BadRow] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.held) >= ROW_LINES:
            raise _RunawayError
        number, text = self._again.popleft() if self._again else self._fresh()
        self.held.append((number, text))
        return text + "\n"

    def back(self) -> tuple[int, str]:
        """The first line of the row being read; the lines after it will be read again, as rows of their
        own.
        """
        first, *rest = self.held
        self._again.extendleft(reversed(rest))
        self.held = []
        return first

    def swallowed_rows(self, delimiter: str, width: int) -> bool:
        """Whether the first line and a later one each look like a whole row: a quote was left open, then."""
        whole = [text.count(delimiter) >= width - 1 for _, text in self.held]
        return width >= NARROW and whole[0] and any(whole[1:])

    def _fresh(self) -> tuple[int, str]:
        for line in self._lines:
            text = None if line.too_long else decoded(line, self._encoding)
            if text is not None:
                return line.number, text
            self.bad.append(BadRow(line.number, self._unusable(line), kept_line(line)))
        raise StopIteration

    def _unusable(self, line: Line) -> MappingError:
        place = f"{self._name}:{line.number}"
        if line.too_long:
            expected = f"at most {LINE_LIMIT} bytes"
            step = "look for a missing line end or quote"
            return MappingError("SW-MAP-042", place=place, expected=expected, next_step=step)
        step = "save the line anew, or declare the encoding of the file"
        found = show(line.raw.decode(self._encoding, "backslashreplace"))
        return MappingError("SW-MAP-043", place=place, expected=self._encoding, found=found, next_step=step)


def csv_rows(
    path: Path, *, encoding: str, delimiter: str, progress: Progress = nothing_to_tell
) -> Iterator[RawItem]:
    """The rows of the file, blank lines included as rows without cells. Raises OSError.

    The first row read fixes how many cells a row that spans several lines must have. One with another number,
    or with whole rows inside, is taken for a stray quote: only its first line is rejected.
    """
    feed = _Feed(numbered_lines(path, progress=progress), encoding, path.name)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    width: int | None = None
    while True:
        feed.held = []
        try:
            cells = next(reader, None)
        except (csv.Error, _RunawayError) as error:
            yield _broken(feed, path.name, str(error) or f"a quoted cell of more than {ROW_LINES} lines")
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if feed.bad:
            yield from feed.bad
            feed.bad = []
        if cells is None:
            return
        if width is None and cells:
            width = len(cells)
        if len(feed.held) > 1 and (len(cells) != width or feed.swallowed_rows(delimiter, width)):
            yield _broken(feed, path.name, f"{len(cells)} cells over {len(feed.held)} lines")
            continue
        yield RawRow(feed.held[0][0], cells)


def _broken(feed: _Feed, name: str, found: str) -> BadRow:
    number, text = feed.back()
    step = "close the quote, or write a quote inside a quoted cell twice"
    expected = "quotes in pairs"
    shown = f"{found}: {show(text)}"
    return BadRow(
        number,
        MappingError("SW-MAP-041", place=f"{name}:{number}", expected=expected, found=shown, next_step=step),
        KeptLine(text),
    )
