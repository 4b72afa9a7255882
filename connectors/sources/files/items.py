"""What reading a file gives: one item per thing that happened, each with its file and line. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.envelope import Event, encode_event
from schemas.errors import StagewatchError


@dataclass(frozen=True, slots=True)
class Place:
    """A row: the file's name, the line (or the row of a sheet) counted from 1, and the sheet if there is one.

    A row that spans lines (a quoted line break) is named by its first. Line 0 is the file as a whole.
    """

    file: str
    line: int
    sheet: str | None = None

    def __str__(self) -> str:
        """`deals.csv:17`, `deals.xlsx[2026]:17`, or the file alone."""
        sheet = f"[{self.sheet}]" if self.sheet is not None else ""
        return f"{self.file}{sheet}:{self.line}" if self.line else f"{self.file}{sheet}"


@dataclass(frozen=True, slots=True)
class Imported:
    """One event of a row. `file_order` counts the files from 0, `n` the events of the row from 0.

    `future`: dated after the moment of the import; it is passed on, the engine decides.
    """

    place: Place
    file_order: int
    n: int
    event: Event
    future: bool = False

    @property
    def time(self) -> int:
        """When it happened, microseconds UTC."""
        return self.event.time

    @property
    def arrival(self) -> int:
        """When it became known: `recordedtime`, else `time`; microseconds UTC."""
        return self.event.time if self.event.recorded is None else self.event.recorded

    def record(self) -> dict[str, object]:
        """The event as a CloudEvents structured-mode object."""
        return encode_event(self.event)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A value of a row was put right before use; the row itself is imported and reported as such."""

    place: Place
    column: str
    found: str
    used: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remarked:
    """Something about an imported row that the mapping asked to count."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row left out on purpose, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line as it stood in its file: its text; its bytes in base64 (`raw`) when they are not UTF-8; of one
    that is longer than any event may be only where it stands (`span`: first byte, from 0; the one behind).
    """

    text: str | None = None
    raw: str | None = None
    span: tuple[int, int] | None = None


NOTHING: Final = KeptLine()


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row as it stood in its file, enough to read it again.

    file: its path. header: the titles; None in a file of events. cells: of a row that could be taken apart;
    line: of one that could not, or of an event. lossy: which cells are numbers of which the spreadsheet has
    lost digits.
    """

    file: str
    sheet: str | None = None
    header: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    line: KeptLine = NOTHING
    lossy: tuple[int, ...] = ()
    spreadsheet: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row (line 0: a whole file) that could not be used: nothing of it was imported; a file has no row."""

    place: Place
    error: StagewatchError
    row: KeptRow | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something about a file that its owner should know, and that stopped nothing."""

    place: Place
    error: StagewatchError


ImportItem = Imported | Repaired | Remarked | Skipped | Rejected | Noted
