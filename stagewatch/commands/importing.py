"""`stagewatch import`: files of the past into a workspace. Every row is accounted for, nobody is told.

Order is (arrival, file, line); `at` is the arrival, capped at the end: `--until`, else now. What fell due
before
the import began tells nobody, because every event carries the import's start.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from connectors.sources.files import (
    Imported,
    ImportItem,
    ImportReport,
    KeptLine,
    KeptRow,
    Rejected,
    load_mapping,
    read_events,
    report_table,
    sort_history,
)
from schemas.errors import EventError
from schemas.time import format_instant
from stagewatch.commands.arguments import opened, read_until
from stagewatch.commands.output import Language, console, put_json, say
from stagewatch.commands.progress import bar
from stagewatch.commands.reading import open_reader
from stagewatch.commands.rowletters import RowLetters, identity, replay_rows, row_letters
from stagewatch.commands.standing import standing, standing_rows, tell_standing
from stagewatch.commands.writer import Writer, open_writer
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.collector import spare_old_objects
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.stores.sqlite_dlq import IMPORT, DeadLetter

CHUNK = 2_000


@dataclass(slots=True)
class Rejects:
    """Writes each rejected row to a file, which is there only if there is one, and hands it to `letters`."""

    path: Path
    letters: RowLetters
    count: int = 0
    _file: IO[bytes] | None = None

    def watch(self, items: Iterable[ImportItem]) -> Iterator[ImportItem]:
        """Pass items on; keep the rejected ones."""
        for item in items:
            if isinstance(item, Rejected):
                self.put(str(item.place), item.error.to_dict(), item.row)
                self.letters.put(item)
            yield item
        self.letters.flush()

    def put(self, place: str, error: dict[str, str], row: KeptRow | None = None) -> None:
        """One line of the file. A row that is not UTF-8 stands in it in base64 (`raw`); of one that is too
        long it has the place (`bytes`).
        """
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        line = KeptLine() if row is None else row.line
        more = {"raw": line.raw, "bytes": line.span}
        told = {"row": place, **error, **{name: value for name, value in more.items() if value is not None}}
        self._file.write(msgspec.json.encode(told) + b"\n")
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


@dataclass(slots=True)
class Entered:
    """What went in. known: it was there already. left_out: later than --until. at_end: from the future,
    entered last.
    """

    events: int = 0
    known: int = 0
    left_out: int = 0
    at_end: int = 0
    refused: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def run(
    root: Path,
    files: Sequence[Path],
    mapping: Path | None,
    until: str | None,
    rejects: Path | None,
    as_json: bool,
    language: Language,
) -> int:
    """Import the files; the exit code."""
    workspace, settings = opened(root)
    wanted = read_until(until, settings.tz)
    document = None if mapping is None else load_mapping(mapping)
    report = ImportReport()
    with open_writer(workspace, settings) as writer:
        spare_old_objects()
        now = writer.now()
        waiting, before = _letters_now(workspace, settings)
        letters = RowLetters(writer, mapping, {identity(letter.what["value"]) for letter in waiting})
        name = f"{format_instant(now).replace(':', '')}.jsonl"
        kept = Rejects(rejects or workspace.data / "rejects" / name, letters)
        with bar("reading", not as_json) as told:
            items = read_events(files, document, zone=settings.tz, now=now, progress=told)
            events = sort_history(report.watch(kept.watch(items)))
            entered = _enter(writer, events, settings, now, wanted)
        at = writer.finish(wanted)
        refused = _letters_since(workspace, settings, before, kept)
        _settle(writer, waiting, letters, files, settings)
        entered.known = _known(workspace, settings, now)
    kept.close()
    answer = _Answer(report, entered, kept, refused, at)
    (_put_json if as_json else _put_text)(workspace, settings, answer, language)
    return 0 if report.ok and not refused else 1


@dataclass(frozen=True, slots=True)
class _Answer:
    report: ImportReport
    entered: Entered
    rejects: Rejects
    refused: list[dict[str, Any]]
    at: int


def _enter(
    writer: Writer, events: Iterable[Imported], settings: Settings, now: int, until: int | None
) -> Entered:
    end = now if until is None else min(until, now)
    entered = Entered()
    chunk: list[Entry] = []
    for item in events:
        if until is not None and item.arrival > until:
            entered.left_out += 1
            continue
        entered.at_end += item.arrival > end
        chunk.append(entry_of(item.event, min(item.arrival, end), hist=now, namespaces=settings.namespaces))
        entered.events += 1
        if len(chunk) >= CHUNK:
            writer.history(chunk)
            chunk = []
    if chunk:
        writer.history(chunk)
    return entered


def _known(workspace: Workspace, settings: Settings, since: int) -> int:
    with open_reader(workspace, settings) as reader:
        return reader.known(since)


# -- what the machines refused ------------------------------------------------------------------------------


def _letters_now(workspace: Workspace, settings: Settings) -> tuple[list[DeadLetter], object]:
    """Rows of earlier imports that could not be read; and what all letters are now."""
    with open_reader(workspace, settings) as reader:
        return row_letters(reader.letters.list(limit=-1)), reader.letters.mark()


def _settle(
    writer: Writer, waiting: Sequence[DeadLetter], now: RowLetters, files: Sequence[Path], settings: Settings
) -> None:
    """Rows of these files that waited, and can be read by now, wait no more."""
    names = {str(file.absolute()) for file in files}
    values = ((letter, letter.what["value"]) for letter in waiting)
    mine = [x for x, value in values if value["row"]["file"] in names and identity(value) not in now.seen]
    replay_rows(writer, mine, settings)


def _letters_since(
    workspace: Workspace, settings: Settings, before: object, kept: Rejects
) -> list[dict[str, Any]]:
    """Events that could be read, but were refused behind the intake."""
    with open_reader(workspace, settings) as reader:
        letters = reader.letters.since(before)
    found = []
    for letter in letters:
        if letter.machine == IMPORT:
            continue
        value = letter.what.get("value")
        name = f"{value.get('src')} {value.get('id')}" if isinstance(value, dict) else letter.key
        kept.put(name, letter.error)
        found.append({"dlq": letter.id, "event": name, **letter.error})
    return found


# -- telling ------------------------------------------------------------------------------------------------


def _put_json(workspace: Workspace, settings: Settings, answer: _Answer, language: Language) -> None:
    with open_reader(workspace, settings) as reader:
        stands = standing(reader.views)
        put_json(
            {
                "events": answer.entered.events,
                "known": answer.entered.known,
                "left_out": answer.entered.left_out,
                "from_the_future": answer.entered.at_end,
                "logical_time": format_instant(answer.at),
                "files": [file.to_dict() for file in answer.report.files],
                "rejected": answer.rejects.count,
                "rejects_file": str(answer.rejects.path) if answer.rejects.count else None,
                "refused": answer.refused,
                "parked": sum(item.count for item in reader.parked()),
                "standing": standing_rows(stands),
                "told": 0,
            }
        )


def _put_text(workspace: Workspace, settings: Settings, answer: _Answer, language: Language) -> None:
    console().print(report_table(answer.report))
    zh = language == "zh"
    entered = answer.entered
    say(
        f"事件：已导入 {entered.events:,}，其中已有 {entered.known:,}"
        if zh
        else f"Events: {entered.events:,} sent, {entered.known:,} known already"
    )
    if entered.left_out:
        say(f"{'晚于 --until，未导入' if zh else 'Later than --until, left out'}: {entered.left_out:,}")
    if entered.at_end:
        say(f"{'日期在未来，排在最后' if zh else 'Dated in the future, entered last'}: {entered.at_end:,}")
    for refused in answer.refused[:10]:
        sys.stdout.write(f"{EventError(**_fields(refused))}\n")
    if answer.rejects.count:
        words = "被拒绝的行写入" if zh else "Rejected rows are in"
        say(f"{words} {answer.rejects.path} ({answer.rejects.count:,})")
        say(f"{'更正后重试' if zh else 'When the cause is gone'}: stagewatch dlq list | show | replay")
    with open_reader(workspace, settings) as reader:
        parked = sum(item.count for item in reader.parked())
        if parked:
            say(f"{'等待上级对象的事件' if zh else 'Events parked for an unknown parent'}: {parked:,}")
        tell_standing(reader.views, settings.tz, language)
    say("没有通知任何人。" if zh else "Nobody was told about any of this.")


def _fields(refused: dict[str, Any]) -> dict[str, Any]:
    names = ("code", "message", "place", "expected", "found", "next_step")
    return {name: refused[name] for name in names if name in refused}
