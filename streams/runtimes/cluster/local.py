"""The local file of a partition: its rows and waits as of a committed batch, and how far into the changelog.

It only saves reading the whole changelog again. It is written after the commit, never before, and is thrown
away when it may have missed deletions, or belongs to another changelog.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from schemas.errors import WorkspaceError
from schemas.topics import DELETES_KEPT
from streams.kernel.contract import WAITS, Step, StorageError
from streams.runtimes.cluster.codec import Line, pack, row_line, row_of, unpack
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database
from streams.stores.sqlite_journal import Rows

Address = tuple[str, str, str]
"""(key, bucket, name)."""

PART = 1
OLDEST_MS = DELETES_KEPT // 2
"""A file older than that may lack deletions that the changelog no longer tells."""

_SAVED = "SELECT value FROM meta WHERE name = 'changelog'"
_SAVE = "INSERT OR REPLACE INTO meta VALUES ('changelog', ?)"


class Saved(msgspec.Struct):
    """What is written with the rows. offset: of the changelog, behind the last row. at: wall clock, ms."""

    changelog: str
    offset: int
    at: int


class ChangelogStore(SqliteStore):
    """A store that also tells what was changed since it was last asked."""

    def __init__(self, database: Database, pool: Pool) -> None:
        super().__init__(database, PART, pool)
        self._changed: dict[Address, None] = {}

    def apply(self, step: Step, floor: int) -> None:
        super().apply(step, floor)
        self._changed.update(dict.fromkeys(step.rows))
        self._changed.update(dict.fromkeys((key, WAITS, name) for key, name in step.waits))

    def pop_wait(self, due: int, key: str, name: str) -> int:
        self._changed[(key, WAITS, name)] = None
        return super().pop_wait(due, key, name)

    def restore(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Put records of the changelog in, keys and values, in their order."""
        rows: dict[Address, bytes | None] = {}
        waits: dict[Address, bytes | None] = {}
        for record in records:
            address = row_of(record[0], None)[0]
            (waits if address[1] == WAITS else rows)[address] = record[1]
        self.put(rows, list(rows.values()))
        for (key, _, name), wait in waits.items():
            due, floor = (None, 0) if wait is None else unpack(wait)
            super().apply(Step(waits={(key, name): due}), floor)
        self.flush()
        self._pool.trim()

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return bool(self._changed)

    def take_changes(self) -> list[Line]:
        """The changed rows as records of the changelog; to be taken before they are flushed."""
        changed, self._changed = self._changed, {}
        fresh = self.pending.fresh.keys
        return [_line_of(address, fresh.get(address[0], {})) for address in changed]


def _line_of(address: Address, rows: Rows) -> Line:
    """The record of a row that the store has packed already; waits it has not."""
    _, bucket, name = address
    value = rows[bucket][name] if bucket in rows and name in rows[bucket] else None
    return row_line(address, pack(value) if bucket == WAITS and value is not None else value)


class LocalFile:
    """The file in `folder`. changelog: names the cluster, the topic and the partition that it copies."""

    def __init__(self, folder: Path, changelog: str, cache_rows: int) -> None:
        self._folder = folder
        self._changelog = changelog
        self._cache_rows = cache_rows
        self._database: Database | None = None
        self.store: ChangelogStore | None = None
        self._pool = Pool(cache_rows)

    def open(self, end: int) -> tuple[ChangelogStore, int]:
        """(store, offset from which the changelog must be read). end: of the changelog."""
        try:
            offset = self._open(end)
        except (StorageError, WorkspaceError, msgspec.DecodeError):
            offset = None
        if offset is None:
            self._discard()
            offset = self._open(end) or 0
        self._pool = Pool(self._cache_rows)
        self.store = ChangelogStore(self._opened, self._pool)
        return self.store, offset

    def save(self, offset: int) -> None:
        """Everything applied so far is committed in Kafka, up to `offset` of the changelog: write it down."""
        if self.store is None:
            return
        self.store.flush()
        saved = Saved(self._changelog, offset, time.time_ns() // 1_000_000)
        self._opened.write(_SAVE, [(msgspec.msgpack.encode(saved),)])
        self._opened.commit()
        self._pool.trim()

    def close(self) -> None:
        """Let go of the file; what was not saved is forgotten."""
        if self._database is not None:
            self._database.close()
        self._database, self.store = None, None

    # -- inside --------------------------------------------------------------------------------------------

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise StorageError("the local file is closed")
        return self._database

    def _open(self, end: int) -> int | None:
        """The offset up to which the file is good; None when it is of no use."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._database = database = Database(self._folder)
        database.rows("PRAGMA synchronous = NORMAL")  # a lost commit is read again from the changelog
        found = database.row(_SAVED)
        if found is None:
            empty = database.row("SELECT 1 FROM changes LIMIT 1") is None
            return 0 if empty else None
        saved = msgspec.msgpack.decode(found[0], type=Saved)
        young = abs(time.time_ns() // 1_000_000 - saved.at) < OLDEST_MS
        good = saved.changelog == self._changelog and saved.offset <= end and young
        return saved.offset if good else None

    def _discard(self) -> None:
        self.close()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder)
