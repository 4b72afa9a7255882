"""The import report as tables for a terminal. Shows; counts nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from connectors.sources.files.line_set import LineSet
from connectors.sources.files.report import FileReport, ImportReport

RANGES_SHOWN = 6


def report_table(report: ImportReport) -> RenderableType:
    """A table of the files, and one of every repair, skip and rejection with its lines."""
    parts: list[RenderableType] = [_files(report)]
    details = _details(report)
    if details.row_count:
        parts.append(details)
    parts += [Text(str(error), "red") for file in report.files for error in _errors(file)]
    parts += [Text(str(note), "yellow") for file in report.files for note in file.notes]
    return Group(*parts)


def _files(report: ImportReport) -> Table:
    table = Table(title="Rows by file")
    table.add_column("file", overflow="fold")
    for name in ("rows", "imported", "skipped", "rejected", "repaired values", "events"):
        table.add_column(name, justify="right")
    for file in report.files:
        repaired = sum(map(len, file.repaired.values()))
        counts = (file.rows, len(file.imported), file.rows_skipped, file.rows_rejected, repaired)
        table.add_row(Text(file.name), *(f"{count:,}" for count in (*counts, file.events.total())))
    return table


def _details(report: ImportReport) -> Table:
    table = Table(title="What was done to rows")
    for name in ("file", "what", "rows", "lines"):
        table.add_column(name, overflow="fold", justify="right" if name == "rows" else "left")
    for file in report.files:
        for what, lines in _groups(file):
            table.add_row(Text(file.name), Text(what), f"{len(lines):,}", _shown(lines))
    return table


def _groups(file: FileReport) -> Iterator[tuple[str, LineSet]]:
    for repair, lines in file.repaired.items():
        yield f"repaired {repair.column}: {repair.found!r} -> {repair.used!r} ({repair.reason})", lines
    for reason, lines in file.remarked.items():
        yield f"remarked: {reason}", lines
    for reason, lines in file.skipped.items():
        yield f"skipped: {reason}", lines
    for code, lines in file.rejected.items():
        yield f"rejected: {code}", lines
    if len(file.future):
        yield "dated in the future, passed on", file.future


def _errors(file: FileReport) -> list[Exception]:
    whole = [file.error] if file.error is not None else []
    return [*whole, *file.examples[:5]]


def _shown(lines: LineSet) -> str:
    ranges = lines.ranges()
    shown = ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in ranges[:RANGES_SHOWN]
    )
    return shown if len(ranges) <= RANGES_SHOWN else f"{shown}, … ({len(ranges) - RANGES_SHOWN} more ranges)"
