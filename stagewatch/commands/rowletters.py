"""Rows that an import rejected, as dead letters: kept as they stood, listed with the others, and read again
by the mapping as it is now.

A letter is settled only when the row's events are on the disk. What fails again stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from connectors.sources.files import (
    Imported,
    KeptRow,
    MappingDocument,
    Place,
    Rejected,
    load_mapping,
    put_right,
    read_again,
    shown,
)
from schemas.errors import CommandError, StagewatchError, show
from stagewatch.commands.writer import Writer
from stagewatch.settings import Settings
from streams.runtimes.memory import entry_of
from streams.stores.sqlite_dlq import IMPORT, DeadLetter

CHUNK: Final = 200
"""Letters that are handed over at once."""

Letter = dict[str, Any]
Failure = tuple[DeadLetter, StagewatchError]


@dataclass(slots=True)
class RowLetters:
    """Hands rejected rows to the writer, each once: what waits already is not put beside itself."""

    writer: Writer
    mapping: Path | None
    known: set[bytes]
    seen: set[bytes] = field(default_factory=set)
    _chunk: list[Letter] = field(default_factory=list)

    def put(self, item: Rejected) -> None:
        """One rejected row; a file as a whole is none."""
        if item.row is None:
            return
        value = {
            "row": msgspec.to_builtins(item.row),
            "place": msgspec.to_builtins(item.place),
            "mapping": None if self.mapping is None else str(self.mapping.absolute()),
        }
        name = identity(value)
        if name not in self.known and name not in self.seen:
            self._chunk.append({"key": str(item.place), "value": value, "error": item.error.to_dict()})
        self.seen.add(name)
        if len(self._chunk) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hand over what is there."""
        if self._chunk:
            self.writer.bury(self._chunk)
            self._chunk = []


def identity(value: Mapping[str, Any]) -> bytes:
    """The same for the same row of the same file."""
    told = msgspec.json.encode([value["row"], value["place"]], order="deterministic")
    return hashlib.blake2b(told, digest_size=16).digest()


def row_letters(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """Those of them that are rows."""
    return [letter for letter in letters if letter.machine == IMPORT]


def replay_rows(
    writer: Writer, letters: Sequence[DeadLetter], settings: Settings, given: Path | None = None
) -> list[Failure]:
    """Read rows again and bring their events in; those that failed, with the reason. given: the file with
    the one row as it was put right.
    """
    now = writer.now() if letters else 0
    failed: list[Failure] = []
    mapping_of = cache(load_mapping)
    for letter in letters:
        try:
            events = _read(letter, settings, now, given, mapping_of)
        except StagewatchError as error:
            failed.append((letter, error))
            continue
        names = settings.namespaces
        writer.history([entry_of(i.event, min(i.arrival, now), hist=now, namespaces=names) for i in events])
        writer.ask("settle", {"number": letter.id})
    return failed


def _read(
    letter: DeadLetter,
    settings: Settings,
    now: int,
    given: Path | None,
    mapping_of: Callable[[Path], MappingDocument],
) -> list[Imported]:
    value = letter.what["value"]
    row, place = msgspec.convert(value["row"], KeptRow), msgspec.convert(value["place"], Place)
    mapping = None if value["mapping"] is None else mapping_of(Path(value["mapping"]))
    if given is not None:
        row = put_right(row, _corrected(given, table=row.header is not None))
    items = read_again(row, place, mapping, zone=settings.tz, now=now)
    for item in items:
        if isinstance(item, Rejected):
            raise item.error
    return [item for item in items if isinstance(item, Imported)]


def _corrected(path: Path, *, table: bool) -> Mapping[str, object] | str:
    """The content of the file: an object of texts by title, or one event."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if not table:
            return text.strip()
        found = msgspec.json.decode(text)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(found, dict):
        raise _unreadable(path, show(found))
    return found


def _unreadable(path: Path, found: str) -> CommandError:
    return CommandError(
        "SW-CMD-009",
        place=f"--row {path}",
        expected="a JSON object of texts by column title, or one event",
        found=found,
        next_step="begin with what `stagewatch dlq show NUMBER --row` prints",
    )


def content_of(letter: DeadLetter) -> object:
    """The row as people correct it: texts by title, else its text."""
    row = msgspec.convert(letter.what["value"]["row"], KeptRow)
    if row.header is None or row.cells is None:
        return shown(row.line)
    return dict(zip(row.header, row.cells, strict=False))
