"""The read-only side of a workspace: logs, dead letters, views and state, also while another process writes.

Every answer is as of a committed batch. It must never write, nor take the workspace's lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from schemas.errors import WorkspaceError
from streams.kernel.contract import SHARED, StorageError
from streams.runtimes.embedded.intake import State
from streams.runtimes.embedded.session import load_state
from streams.stores.log import Log
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import FILE_NAME, Database
from streams.stores.sqlite_dlq import DeadLetters
from streams.views.sqlite import SqliteViewReader

_PARTS = "SELECT id FROM parts WHERE machine = ? ORDER BY number"
ALL = 1 << 62


class WorkspaceReader:
    """Opens a workspace for reading.

    views, log, letters: as their classes say.

    Raises:
        WorkspaceError: SW-WS-022, there is no workspace that can be read.
    """

    def __init__(self, directory: Path) -> None:
        try:
            self._database = Database(directory, read_only=True)
        except StorageError as error:
            raise WorkspaceError(
                "SW-WS-022",
                place=str(directory / FILE_NAME),
                found=str(error),
                next_step="name the workspace's directory, or make one with `stagewatch init`",
            ) from error
        self.log = Log(self._database)
        self.letters = DeadLetters(self._database)
        self.views = SqliteViewReader(self._database)

    def state(self) -> State:
        """Position, newest logical time, phase, armed waits."""
        return load_state(self._database, 0)

    def bucket(self, machine: str, bucket: str) -> Iterator[tuple[str, str, Any]]:
        """(key, name, value) of all rows of a bucket, over all keys: walks all rows of the machine."""
        with self._snapshot():
            for store in self._stores(machine):
                key: str | None = SHARED
                while key is not None:
                    for name, value in store.scan(key, bucket):
                        yield key, name, value
                    key = store.next_key(key)

    def rows(self, machine: str, key: str) -> list[tuple[str, str, Any]]:
        """(bucket, name, value) of all rows of one key, in order."""
        with self._snapshot():
            return [row for store in self._stores(machine) for row in store.scan_key(key, None, ALL)]

    def _stores(self, machine: str) -> list[SqliteStore]:
        pool = Pool()
        return [
            SqliteStore(self._database, part, pool) for (part,) in self._database.rows(_PARTS, (machine,))
        ]

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """All reads in it see one committed batch."""
        if self._database.connection.in_transaction:
            yield
            return
        self._database.rows("BEGIN")
        try:
            yield
        finally:
            self._database.rows("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
