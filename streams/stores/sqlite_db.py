"""The one SQLite file of a workspace: schema, pragmas, connection, transaction.

Nothing here knows what a row means. The writer holds one connection; readers in other threads or processes
open the file read-only and see whole batches only. The rows of a partition's key stand in `packs`, in layers
of which the later one wins, or, when they are many, one by one in `rows`; what the last batches changed
stands in `changes` until it is merged into both. Waits are rows of bucket "" plus an entry in `dues`, the
index by due.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import WorkspaceError
from streams.kernel.contract import StorageError

FILE_NAME = "stagewatch.db"
FORMAT = 2
"""Kept in `PRAGMA user_version`; another number means another Stagewatch wrote the file."""

Row = tuple[Any, ...]

BUSY_SECONDS = 2.0
CACHE_KIB = 128 * 1024
PAGE_BYTES = 8_192
"""Of a new database. In pages of 4,096 bytes a pack of more than 1,000 has a second page of its own."""

CHECKPOINT_PAGES = 2_048
"""Of the write-ahead log, after which a commit carries them over: with more, such a commit takes too long."""

SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE parts (id INTEGER PRIMARY KEY, machine TEXT NOT NULL, number INTEGER NOT NULL,"
    " UNIQUE (machine, number))",
    "CREATE TABLE packs (part INTEGER NOT NULL, key TEXT NOT NULL, layer INTEGER NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY (part, key, layer)) WITHOUT ROWID",
    "CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL)",
    "CREATE TABLE rows (part INTEGER NOT NULL, key TEXT NOT NULL, bucket TEXT NOT NULL, name TEXT NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY (part, key, bucket, name)) WITHOUT ROWID",
    "CREATE TABLE dues (part INTEGER NOT NULL, due INTEGER NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY (part, due, key, name)) WITHOUT ROWID",
    "CREATE TABLE segments (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, at_first INTEGER NOT NULL,"
    " at_last INTEGER NOT NULL, codec INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE UNIQUE INDEX segments_by_place ON segments (topic, partition, first)",
    "CREATE TABLE dlq (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, machine TEXT NOT NULL,"
    " topic TEXT NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, position INTEGER NOT NULL,"
    " replayed INTEGER NOT NULL, error BLOB NOT NULL, what BLOB NOT NULL)",
    "CREATE TABLE views (topic TEXT NOT NULL, item TEXT NOT NULL, n INTEGER NOT NULL,"
    " state TEXT NOT NULL, is_open INTEGER NOT NULL, severity TEXT NOT NULL, rule TEXT NOT NULL,"
    " account TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, alert TEXT NOT NULL, at INTEGER NOT NULL,"
    " due INTEGER, opened INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (topic, item))",
    "CREATE INDEX views_by_state ON views (topic, is_open, opened)",
    "CREATE INDEX views_by_rule ON views (topic, rule, opened)",
    "CREATE INDEX views_by_account ON views (topic, account, opened)",
    "CREATE INDEX views_by_alert ON views (alert)",
    "CREATE TABLE view_receivers (topic TEXT NOT NULL, receiver TEXT NOT NULL, item TEXT NOT NULL,"
    " PRIMARY KEY (topic, receiver, item)) WITHOUT ROWID",
    "CREATE TABLE view_history (topic TEXT NOT NULL, item TEXT NOT NULL, n INTEGER NOT NULL,"
    " transition_id TEXT NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (topic, item, n)) WITHOUT ROWID",
)


class Database:
    """The connection. Failures come as StorageError, its cause the `sqlite3.Error`; the runtime decides.

    busy_seconds: how long a statement waits for another process's lock. connection: its class.
    """

    def __init__(
        self,
        directory: Path,
        *,
        read_only: bool = False,
        busy_seconds: float = BUSY_SECONDS,
        connection: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self.path = directory / FILE_NAME
        self.read_only = read_only
        self._busy_seconds = busy_seconds
        self._class = connection
        self.connection = self._connect()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and fetch what it finds."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Run one statement and fetch the first row it finds."""
        try:
            found: Row | None = self.connection.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        return found

    def write(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run one statement per row of values, in the open transaction (begun if need be)."""
        self.begin()
        try:
            self.connection.executemany(sql, values)
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def insert(self, sql: str, values: Sequence[object]) -> int:
        """Insert one row in the open transaction (begun if need be); returns its id."""
        self.begin()
        try:
            return self.connection.execute(sql, values).lastrowid or 0
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def begin(self) -> None:
        """Take the write lock unless a transaction is open already."""
        if not self.connection.in_transaction:
            self.rows("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything since `begin` durable."""
        if self.connection.in_transaction:
            self.rows("COMMIT")

    def reopen(self) -> None:
        """Drop the connection with whatever it had not committed, and open a new one."""
        self.close()
        self.connection = self._connect()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self.connection.close()

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rwc"
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=self._busy_seconds,
                check_same_thread=False,
                cached_statements=256,
                factory=self._class,
            )
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise StorageError(str(error)) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if not self.read_only:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._check_format(connection)

    def _check_format(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0 and not self.read_only:
            connection.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("COMMIT")
        elif found != FORMAT:
            raise WorkspaceError(
                "SW-WS-020",
                place=str(self.path),
                expected=f"format {FORMAT}",
                found=f"format {found}",
                next_step="open the workspace with the Stagewatch that wrote it, or name another directory",
            )
