"""Reads a workspace's database without writing it: views, shared rows, logs, dead letters, the outbox.

Also while a server writes: each answer is as of one committed batch. It must not take the workspace's lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from schemas.canonical import partition_of
from schemas.errors import WorkspaceError
from stagewatch.workspace.paths import Workspace
from streams.kernel.contract import SHARED, Rows, StorageError
from streams.machines.identity.listing import Waiting, all_waiting
from streams.runtimes.embedded.intake import State
from streams.runtimes.embedded.session import load_state
from streams.stores.log import Log
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database
from streams.stores.sqlite_dlq import DeadLetters
from streams.views.sqlite import ViewReader

_PARTS = "SELECT machine, number, id FROM parts"


class WorkspaceReader:
    """A read-only connection and what can be asked of it. Use as a context manager.

    Raises:
        WorkspaceError: SW-WS-022, there is no database yet or it cannot be read.
    """

    def __init__(self, workspace: Workspace) -> None:
        if not workspace.database.is_file():
            raise WorkspaceError(
                "SW-WS-022",
                "The workspace has no data yet",
                place=str(workspace.database),
                expected="a workspace that has run",
                next_step="bring events in by `stagewatch import`, or start it by `stagewatch run`",
            )
        try:
            self.database = Database(workspace.data, read_only=True)
        except StorageError as error:
            raise WorkspaceError(
                "SW-WS-022", place=str(workspace.database), found=str(error), next_step="check the disk"
            ) from error
        self.state: State = load_state(self.database, 0)
        self.view = ViewReader(self.database)
        self.log = Log(self.database, self.state.epoch)
        self.letters = DeadLetters(self.database)
        self._parts = {(row[0], row[1]): int(row[2]) for row in self.database.rows(_PARTS)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self.database.close()

    def rows(self, machine: str, number: int) -> Rows | None:
        """The rows of a partition as they are now; None while the machine has none."""
        part = self._parts.get((machine, number))
        return None if part is None else SqliteStore(self.database, part, Pool())

    def rows_of(self, machine: str, key: str) -> Rows | None:
        """The rows of the partition that owns a key."""
        return self.rows(machine, partition_of(key, max(1, self.state.partitions)))

    def shared(self, bucket: str) -> dict[str, Any]:
        """The shared rows of a bucket: `rule`, `person`, `team`, `settings`, ... by name."""
        rows = self.rows("account", 0)
        return {} if rows is None else dict(rows.scan(SHARED, bucket))

    def parked(self) -> list[Waiting]:
        """Events that wait for a parent that nobody knows, the longest waiting first."""
        return all_waiting(self._identity())

    def _identity(self) -> Iterator[Rows]:
        for number in range(self.state.partitions):
            rows = self.rows("identity", number)
            if rows is not None:
                yield rows

    def has(self, table: str) -> bool:
        """Whether a table is there."""
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self.database.row(sql, (table,)) is not None
