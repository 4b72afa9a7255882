"""What became of every row of an import: sums, reasons, and the line numbers behind each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.sources.files.cleaning import Repair
from connectors.sources.files.items import (
    Imported,
    ImportItem,
    Noted,
    Place,
    Rejected,
    Remarked,
    Repaired,
    Skipped,
)
from connectors.sources.files.line_set import LineSet
from schemas.errors import StagewatchError

EXAMPLES = 20
DISTINCT_REPAIRS = 1000
OTHER = "(others)"

_Key = TypeVar("_Key")

Json = int | str | bool | Sequence["Json"] | Mapping[str, "Json"] | None


@dataclass(slots=True)
class FileReport:
    """One file or sheet. Each data row is in exactly one of imported, skipped, rejected.

    `error` is set when the file as a whole could not be used. `repaired` counts values, not rows.
    """

    name: str
    imported: LineSet = field(default_factory=LineSet)
    future: LineSet = field(default_factory=LineSet)
    events: Counter[str] = field(default_factory=Counter)
    repaired: dict[Repair, LineSet] = field(default_factory=dict)
    remarked: dict[str, LineSet] = field(default_factory=dict)
    skipped: dict[str, LineSet] = field(default_factory=dict)
    rejected: dict[str, LineSet] = field(default_factory=dict)
    examples: list[StagewatchError] = field(default_factory=list)
    notes: list[StagewatchError] = field(default_factory=list)
    error: StagewatchError | None = None

    @property
    def rows(self) -> int:
        """How many data rows the file has."""
        return len(self.imported) + self.rows_skipped + self.rows_rejected

    @property
    def rows_skipped(self) -> int:
        """How many were left out on purpose."""
        return sum(map(len, self.skipped.values()))

    @property
    def rows_rejected(self) -> int:
        """How many could not be used."""
        return sum(map(len, self.rejected.values()))

    def outcome(self, line: int) -> str | None:
        """What became of one line: "imported", "skipped: reason", "rejected: code"; None if it is no data
        row.
        """
        if line in self.imported:
            return "imported"
        for reason, lines in self.skipped.items():
            if line in lines:
                return f"skipped: {reason}"
        return next((f"rejected: {code}" for code, lines in self.rejected.items() if line in lines), None)

    def repairs_of(self, line: int) -> list[Repair]:
        """What was put right in one line."""
        return [repair for repair, lines in self.repaired.items() if line in lines]

    def to_dict(self) -> dict[str, Json]:
        """JSON: counts, and the line numbers as text such as "2-4, 9"."""
        made: dict[str, Json] = {
            "file": self.name,
            "rows": self.rows,
            "imported": {"rows": len(self.imported), "lines": str(self.imported)},
            "events": dict(self.events),
            "repaired": [_repair(repair, lines) for repair, lines in self.repaired.items()],
            "remarked": [_group("reason", reason, lines) for reason, lines in self.remarked.items()],
            "skipped": [_group("reason", reason, lines) for reason, lines in self.skipped.items()],
            "rejected": [_group("code", code, lines) for code, lines in self.rejected.items()],
            "examples": [error.to_dict() for error in self.examples],
        }
        if self.notes:
            made["notes"] = [note.to_dict() for note in self.notes]
        if len(self.future):
            made["future"] = {"rows": len(self.future), "lines": str(self.future)}
        if self.error is not None:
            made["error"] = self.error.to_dict()
        return made


class ImportReport:
    """Sums the items of an import.

    Example:
        report = ImportReport()
        for item in sort_history(report.watch(read_events(paths, mapping, zone=zone, now=now))): ...
        print(report.to_dict())
    """

    def __init__(self) -> None:
        self._files: dict[tuple[str, str | None], FileReport] = {}

    @property
    def files(self) -> list[FileReport]:
        """One part per file or sheet, in the order of reading."""
        return list(self._files.values())

    @property
    def ok(self) -> bool:
        """Whether every file could be read and no row was rejected."""
        return all(file.error is None and not file.rows_rejected for file in self.files)

    def watch(self, items: Iterable[ImportItem]) -> Iterator[Imported]:
        """Counts every item and passes on the events."""
        for item in items:
            self.add(item)
            if isinstance(item, Imported):
                yield item

    def add(self, item: ImportItem) -> None:
        """Counts one item; those of a row come together, as `read_events` gives them."""
        file = self._file(item.place)
        line = item.place.line
        match item:
            case Imported():
                file.imported.add(line)
                file.events[item.event.type] += 1
                if item.future:
                    file.future.add(line)
            case Repaired():
                _lines(file.repaired, _bounded(file, item)).add(line)
            case Remarked():
                _lines(file.remarked, item.reason).add(line)
            case Skipped():
                _lines(file.skipped, item.reason).add(line)
            case Rejected():
                self._reject(file, item)
            case Noted():
                file.notes.append(item.error)

    def to_dict(self) -> dict[str, Json]:
        """The whole report as JSON: totals and files."""
        return {"ok": self.ok, "totals": self.totals(), "files": [file.to_dict() for file in self.files]}

    def totals(self) -> dict[str, Json]:
        """Rows by outcome, repaired values and events over all files."""
        files = self.files
        return {
            "files": len(files),
            "unusable_files": sum(file.error is not None for file in files),
            "rows": sum(file.rows for file in files),
            "imported": sum(len(file.imported) for file in files),
            "skipped": sum(file.rows_skipped for file in files),
            "rejected": sum(file.rows_rejected for file in files),
            "repaired_values": sum(len(lines) for file in files for lines in file.repaired.values()),
            "events": sum(file.events.total() for file in files),
        }

    def _file(self, place: Place) -> FileReport:
        key = (place.file, place.sheet)
        if key not in self._files:
            self._files[key] = FileReport(str(Place(place.file, 0, place.sheet)))
        return self._files[key]

    def _reject(self, file: FileReport, item: Rejected) -> None:
        if item.place.line == 0:
            file.error = item.error
            return
        _lines(file.rejected, item.error.code).add(item.place.line)
        if len(file.examples) < EXAMPLES:
            file.examples.append(item.error)


def _bounded(file: FileReport, item: Repaired) -> Repair:
    repair = Repair(item.column, item.found, item.used, item.reason)
    if repair in file.repaired or len(file.repaired) < DISTINCT_REPAIRS:
        return repair
    return Repair(item.column, OTHER, OTHER, item.reason)


def _lines(groups: dict[_Key, LineSet], key: _Key) -> LineSet:
    if key not in groups:
        groups[key] = LineSet()
    return groups[key]


def _group(name: str, key: str, lines: LineSet) -> dict[str, Json]:
    return {name: key, "rows": len(lines), "lines": str(lines)}


def _repair(repair: Repair, lines: LineSet) -> dict[str, Json]:
    return {**repair._asdict(), "rows": len(lines), "lines": str(lines)}
