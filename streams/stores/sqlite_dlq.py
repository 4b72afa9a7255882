"""Dead letters in the workspace's database: what a machine refused, why, and whether it was replayed since.

Nothing of a dead letter took effect. It must not begin or commit a transaction, nor decide what is worth a
replay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import asdict

from streams.kernel.contract import Record, Sweep, Wait
from streams.kernel.driver import Dead
from streams.stores.sqlite_db import Database, Row

IMPORT = "import"
"""What stands for the machine in dead letters of rows that never became entries."""

_head = attrgetter("at", "machine", "topic", "key", "code", "position")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

_KINDS: dict[str, type[Record] | type[Wait] | type[Sweep]] = {"record": Record, "wait": Wait, "sweep": Sweep}
_INSERT = (
    "INSERT INTO dlq (at, machine, topic, key, code, position, replayed, error, what)"
    " VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)"
)
_LIST = (
    "SELECT id, at, machine, topic, key, code, position, replayed, error, what FROM dlq"
    " WHERE id > ? AND (replayed = 0 OR ?) ORDER BY id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. machine: "" when the entry itself could not be worked off. position: in the raw log.

    what: the fields of a Record, Wait or Sweep, and `is` ("record", "wait", "sweep"). at: logical time in us.
    """

    id: int
    at: int
    machine: str
    topic: str
    key: str
    code: str
    position: int
    replayed: bool
    error: dict[str, str]
    what: dict[str, Any]


Letters = list[DeadLetter]


class DeadLetters:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, letters: Iterable[tuple[str, int, Dead]]) -> None:
        """Add (machine, position in the raw log, what it refused) to the open transaction."""
        rows = [_row(machine, position, dead) for machine, position, dead in letters]
        if rows:
            self._db.write(_INSERT, rows)

    def copy(self, letters: Iterable[DeadLetter]) -> None:
        """Add letters of another workspace, under new numbers, to the open transaction."""
        rows = [(*_head(one), _encode(one.error), _encode(one.what)) for one in letters]
        if rows:
            self._db.write(_INSERT, rows)

    def list(self, *, after: int = 0, replayed: bool = False, limit: int = 1000) -> list[DeadLetter]:
        """Letters with an id above `after`, oldest first; `replayed` ones too if asked. limit: -1 for all."""
        return [_letter(row) for row in self._db.rows(_LIST, (after, replayed, limit))]

    def get(self, number: int) -> DeadLetter | None:
        """The letter of that id."""
        found = [
            letter for letter in self.list(after=number - 1, replayed=True, limit=1) if letter.id == number
        ]
        return found[0] if found else None

    def mark_replayed(self, number: int) -> None:
        """Say so, in the open transaction."""
        self._db.write("UPDATE dlq SET replayed = 1 WHERE id = ?", [(number,)])

    def count(self, *, replayed: bool = False) -> int:
        """Number of letters that `list` would give without a limit."""
        found = self._db.row("SELECT count(*) FROM dlq WHERE replayed = 0 OR ?", (replayed,))
        return 0 if found is None else int(found[0])

    def last(self) -> int:
        """The newest letter's id; 0 when there is none."""
        found = self._db.row("SELECT max(id) FROM dlq")
        return 0 if found is None else int(found[0] or 0)

    def mark(self) -> object:
        """For `since`, also of another connection."""
        return self.last()

    def since(self, mark: object) -> Letters:
        """Letters that were not there when `mark` was taken, and were not replayed."""
        return self.list(after=mark if isinstance(mark, int) else 0, limit=-1)

    def waiting(self) -> int:
        """Number of letters not replayed."""
        return self.count()


def as_plain(what: Record | Wait | Sweep) -> dict[str, Any]:
    """A refused record, wait or sweep as plain data; `from_plain` reads it back."""
    return {"is": type(what).__name__.lower(), **asdict(what)}


def from_plain(what: dict[str, Any]) -> Record | Wait | Sweep:
    """The inverse of `as_plain`."""
    fields = {name: value for name, value in what.items() if name != "is"}
    return _KINDS[what["is"]](**fields)


def _row(machine: str, position: int, dead: Dead) -> tuple[object, ...]:
    what = dead.what
    topic = what.topic if isinstance(what, Record) else ""
    head = (what.at, machine, topic, what.key, dead.error.code, position)
    return (*head, _encode(dead.error.to_dict()), _encode(as_plain(what)))


def _letter(row: Row) -> DeadLetter:
    number, at, machine, topic, key, code, position, replayed = row[:8]
    error, what = _decode(row[8]), _decode(row[9])
    return DeadLetter(number, at, machine, topic, key, code, position, bool(replayed), error, what)
