"""Reads a workspace without writing it: what the embedded runtime's reader tells, and the rows of its
machines.

Also while a server writes: each answer is as of one committed batch. It must not take the workspace's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from schemas.canonical import partition_of
from schemas.errors import WorkspaceError
from stagewatch.service.messages import Message, messages_of
from stagewatch.service.outbox import TABLE
from stagewatch.workspace.paths import Workspace
from streams.kernel.contract import EVENT, SHARED, Rows
from streams.machines.account.repeats import counted
from streams.machines.identity.listing import Waiting, all_waiting
from streams.runtimes.embedded import reader
from streams.runtimes.embedded.intake import RAW, entries_of
from streams.runtimes.pipeline import Entry
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database
from streams.topology import SALES_EVENTS

_PARTS = "SELECT machine, number, id FROM parts"
_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"


class WorkspaceReader(reader.WorkspaceReader):
    """Opens a workspace for reading; a context manager.

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
        super().__init__(workspace.data)
        self._database.rows("BEGIN")  # one snapshot for all answers
        self._parts = {(row[0], row[1]): int(row[2]) for row in self._database.rows(_PARTS)}
        self._pool = Pool()
        self._rows: dict[int, SqliteStore] = {}
        self._partitions = max(1, self.state().partitions)

    @property
    def database(self) -> Database:
        """The connection, for tables of our own."""
        return self._database

    def has(self, table: str) -> bool:
        """Whether a table is there."""
        return self._database.row(_TABLE, (table,)) is not None

    def partition(self, machine: str, number: int) -> Rows | None:
        """The rows of a partition as of the snapshot; None while the machine has none."""
        part = self._parts.get((machine, number))
        if part is None:
            return None
        if part not in self._rows:
            self._rows[part] = SqliteStore(self._database, part, self._pool)
        return self._rows[part]

    def partitions(self, machine: str) -> Iterator[Rows]:
        """The rows of all partitions of a machine, as `partition` gives them."""
        for number in range(self._partitions):
            rows = self.partition(machine, number)
            if rows is not None:
                yield rows

    def partition_of(self, machine: str, key: str) -> Rows | None:
        """The rows of the partition that owns a key."""
        return self.partition(machine, partition_of(key, self._partitions))

    def shared(self, bucket: str) -> dict[str, Any]:
        """The shared rows of a bucket: `rule`, `person`, `team`, `settings`, ... by name."""
        rows = self.partition("account", 0)
        return {} if rows is None else dict(rows.scan(SHARED, bucket))

    def parked(self) -> list[Waiting]:
        """Events that wait for a parent that nobody knows, the longest waiting first."""
        return all_waiting(self.partitions("identity"))

    @property
    def at(self) -> int:
        """The newest logical time, us."""
        return self.state().at

    def places(self, home: str, wanted: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int, int], str]:
        """Where records (at, n, feed) of a key stand: `sales.events/partition@position`."""
        missing, number = set(wanted), partition_of(home, self._partitions)
        found: dict[tuple[int, int, int], str] = {}
        for at in sorted({place[0] for place in missing}):
            first = self.log.seek(SALES_EVENTS, number, at)
            for record in self.log.read(SALES_EVENTS, number, first=first, before_at=at + 1):
                place = (record.at, record.n, record.feed)
                if place in missing:
                    found[place] = f"{SALES_EVENTS}/{number}@{record.position}"
        return found

    def messages(self, alert: str) -> list[Message]:
        """What was sent, or shall be, about an alert, oldest first."""
        return messages_of(self._database, alert) if self.has(TABLE) else []

    def history(self) -> tuple[int, Iterator[Entry]]:
        """The events of the raw log, and its changes of people, in their order; and how many at most."""
        lines = ((r.key, r.kind, r.value, r.at, r.feed, r.n) for r in self.log.read(RAW))
        entries = (entry for line in lines for entry in entries_of([line]) if _is_history(entry))
        return self.log.end(RAW), entries

    def known(self, hist: int) -> int:
        """How many events of the import that began at `hist` us were known already."""
        return counted(self.partitions("account"), hist)


def _is_history(entry: Entry) -> bool:
    """Rules and settings are no history: whoever plays it again brings their own."""
    directory = entry.key == SHARED and isinstance(entry.value, dict) and "event" in entry.value
    return entry.kind == EVENT or directory
