"""An embedded workspace as source and as target of a move. Its lock is held from opening to closing.

A target is written into a database beside, which is put in place when all is whole. Nothing here decides what
is copied.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from schemas.canonical import partition_of
from schemas.errors import StreamError, WorkspaceError
from streams.kernel.contract import SHARED, WAITS, Store
from streams.kernel.repartition import Marks, Row, put_rows
from streams.runtimes.embedded.intake import RAW, State
from streams.runtimes.embedded.moved import MOVING
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import VIEWS, load_state, parts_of, write_state
from streams.runtimes.lock import WorkspaceLock
from streams.runtimes.migration.letters import distinct
from streams.runtimes.migration.ports import PAGE, Source, Standing
from streams.stores.log import Line, Log, Logged
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import FILE_NAME, Database
from streams.stores.sqlite_dlq import DeadLetter, DeadLetters
from streams.topology import MACHINES, SALES_EVENTS, MachineSpec
from streams.views.sqlite import SqliteView

CACHED = 10_000
"""Rows of each end that stand in memory: each is read or written once."""

CACHE_KIB = 32 * 1024
"""Of SQLite's pages of each end."""

_KEYS = "SELECT count(*) FROM packs"
_RECORDS = "SELECT coalesce(sum(last - first + 1), 0) FROM segments"


class EmbeddedSource:
    """The workspace with its database in `directory`; a context manager.

    What is left in its log is worked off first, as the next start would do.

    Raises:
        WorkspaceError: SW-WS-021 another process writes it, SW-WS-022 there is nothing.
        StreamError: SW-STREAM-073, an import was cut off.
    """

    def __init__(self, directory: Path, machines: Sequence[MachineSpec] = MACHINES) -> None:
        if not (directory / FILE_NAME).is_file():
            raise _nothing(directory)
        _work_off(directory)
        self.name = str(directory)
        with ExitStack() as undo:
            undo.callback(WorkspaceLock(directory).release)
            self.database = Database(directory)
            undo.callback(self.database.close)
            self.database.rows(f"PRAGMA cache_size = -{CACHE_KIB}")
            self.state = load_state(self.database, 1)
            self._refuse_history()
            self._undo = undo.pop_all()
        self.moved = self.state.moved is not None
        self.partitions = self.state.partitions
        self.log = Log(self.database)
        parts = parts_of(self.database, machines, self.partitions)
        pool = Pool(CACHED, huge=PAGE)
        self._stores = {place: SqliteStore(self.database, part, pool) for place, part in parts.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._undo.close()

    @property
    def standing(self) -> Standing:
        """How it stands."""
        state = self.state
        return Standing(state.at, state.epoch, state.received, state.phase == "live", state.scaled)

    def size(self) -> int:
        """Keys and records that there are."""
        counts = [self.database.row(sql) or (0,) for sql in (_KEYS, _RECORDS)]
        return sum(int(count[0]) for count in counts)

    def stores(self, machine: str) -> Sequence[Store]:
        """The rows of each partition."""
        return [self._stores[(machine, number)] for number in range(self.partitions)]

    def rows(self, machine: str, number: int) -> Iterator[Row]:
        """The rows and waits of a partition."""
        return self._stores[(machine, number)].walk()

    async def records(self, topic: str) -> AsyncIterator[Logged]:
        """The records of a topic in the order of `at`."""
        count = self.partitions if topic == SALES_EVENTS else 1
        logs = [self.log.read(topic, number) for number in range(count)]
        for record in heapq.merge(*logs, key=lambda record: record.at):
            if record.key != SHARED or record.partition == 0 or count == 1:
                yield record

    async def raw(self) -> AsyncIterator[Logged]:
        """The raw log."""
        for record in self.log.read(RAW):
            yield record

    async def letters(self) -> Sequence[DeadLetter]:
        """Dead letters that were not replayed."""
        return distinct(DeadLetters(self.database).list(limit=-1))

    async def verify(self) -> None:
        """Nobody else can write: the lock is held."""

    async def retire(self, to: str) -> None:
        """Mark it as moved."""
        self._mark(to)

    def take_back(self) -> None:
        """It is in use here again.

        Raises:
            StreamError: SW-STREAM-075, it was not moved.
        """
        if not self.moved:
            raise StreamError("SW-STREAM-075", "It was not moved", place=self.name)
        self._mark(None)

    def _mark(self, to: str | None) -> None:
        self.state.moved = to
        write_state(self.database, self.state)
        self.database.commit()

    def _refuse_history(self) -> None:
        if self.state.phase == "history":
            raise StreamError(
                "SW-STREAM-073",
                place=self.name,
                expected="an import that has ended",
                found="an import that is under way or was cut off",
                next_step="import the same files again, or start the workspace once, then stop it",
            )


class EmbeddedTarget:
    """A new workspace's database in `directory`; a context manager. partitions: of all machines."""

    keeps_raw = True

    def __init__(self, directory: Path, partitions: int, machines: Sequence[MachineSpec] = MACHINES) -> None:
        self.name = str(directory)
        self.partitions = partitions
        self._directory, self._machines = directory, machines
        self._undo = ExitStack()
        self._armed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._undo.close()

    async def begin(self, source: Source) -> None:
        """Begin a new database beside the folder's own.

        Raises:
            StreamError: SW-STREAM-072 there is a database; -070 the source was moved elsewhere.
        """
        if (self._directory / FILE_NAME).exists():
            raise StreamError(
                "SW-STREAM-072",
                place=self.name,
                expected="a workspace that has never run",
                found=FILE_NAME,
                next_step="name another workspace by --into, or put that file away",
            )
        folder = self._directory / MOVING
        if source.moved and not folder.exists():
            raise moved_before(source)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._undo.callback(WorkspaceLock(self._directory).release)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.database = Database(folder)
        self._undo.callback(self.database.close)
        self.database.rows(f"PRAGMA cache_size = -{CACHE_KIB}")
        self.database.rows("PRAGMA synchronous = NORMAL")  # broken off, it is written anew
        self._log = Log(self.database, source.standing.epoch + 1)
        parts = parts_of(self.database, self._machines, self.partitions)
        self._pool = Pool(CACHED, huge=PAGE)
        self._stores = {place: SqliteStore(self.database, part, self._pool) for place, part in parts.items()}

    async def rows(self, machine: str, number: int, rows: Sequence[Row]) -> None:
        """Take rows and waits of a partition."""
        put_rows(self._stores[(machine, number)], rows)
        self._armed += sum(row[1] == WAITS for row in rows)
        self._pool.flush()
        self.database.commit()
        self._pool.trim()

    async def records(self, topic: str, records: Sequence[Logged], *, shared: bool) -> None:
        """Take records of the log; between machines by partition, all others in one."""
        lines: dict[int, list[Line]] = {}
        for record in records:
            line = (record.key, record.kind, record.value, record.at, record.feed, record.n)
            for number in self._numbers(record.key) if shared else (0,):
                lines.setdefault(number, []).append(line)
        for number, found in lines.items():
            self._log.append(topic, number, found)
        self.database.commit()

    async def letters(self, letters: Iterable[DeadLetter]) -> None:
        """Take all dead letters."""
        DeadLetters(self.database).copy(letters)
        self.database.commit()

    async def finish(self, standing: Standing, marks: Marks) -> None:
        """Fill the lists and write the state."""
        state = State(
            self.partitions,
            position=self._log.end(RAW),
            at=marks.at,
            armed=self._armed,
            received=standing.received,
            phase="live" if standing.live else "new",
            epoch=standing.epoch + 1,
            scaled=standing.scaled,
            views=VIEWS,
        )
        SqliteView(self.database, self._log).rebuild()
        write_state(self.database, state)
        self.database.commit()

    async def release(self) -> None:
        """Put the database in place."""
        self.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self.database.close()
        folder = self._directory / MOVING
        _synced(folder / FILE_NAME)
        os.rename(folder / FILE_NAME, self._directory / FILE_NAME)
        _synced(self._directory)
        shutil.rmtree(folder)

    def _numbers(self, key: str) -> Iterable[int]:
        return range(self.partitions) if key == SHARED else (partition_of(key, self.partitions),)


def _work_off(directory: Path) -> None:
    """Let the runtime do what is left, unless it may not run here any more."""
    with contextlib.closing(Database(directory, read_only=True)) as database:
        moved = load_state(database, 1).moved
    if moved is None:
        with contextlib.closing(EmbeddedRuntime(directory)) as runtime:
            while not runtime.process().idle:
                pass


def moved_before(source: Source) -> StreamError:
    """The error of a source that another move has taken elsewhere already."""
    return StreamError(
        "SW-STREAM-070",
        place=source.name,
        expected="a source that is still in use",
        found="a source that was moved elsewhere",
        next_step="move it from there; to go on here all the same: `stagewatch migrate --take-back`",
    )


def _nothing(directory: Path) -> WorkspaceError:
    return WorkspaceError(
        "SW-WS-022",
        place=str(directory / FILE_NAME),
        expected="a workspace that has run",
        found="no such file",
        next_step="name the workspace that is to be moved by --workspace",
    )


def _synced(path: Path) -> None:
    """Have a file or the names in a folder on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
