"""The read-only side of a workspace: logs, dead letters, views and state, also while another process writes.

Every answer is as of a committed batch. It must never write, nor take the workspace's lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from schemas.errors import WorkspaceError
from streams.kernel.contract import StorageError
from streams.runtimes.embedded.intake import State
from streams.runtimes.embedded.session import load_state
from streams.stores.log import Log
from streams.stores.sqlite_db import FILE_NAME, Database
from streams.stores.sqlite_dlq import DeadLetters
from streams.views.sqlite import SqliteViewReader

_ROWS = (
    "SELECT r.key, r.name, r.value FROM rows r JOIN parts p ON p.id = r.part"
    " WHERE p.machine = ? AND r.bucket = ? ORDER BY r.part, r.key, r.name"
)
_ROWS_OF = (
    "SELECT r.bucket, r.name, r.value FROM rows r JOIN parts p ON p.id = r.part"
    " WHERE p.machine = ? AND r.key = ? AND r.bucket > '' ORDER BY r.bucket, r.name"
)


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
        for key, name, value in self._database.rows(_ROWS, (machine, bucket)):
            yield key, name, msgspec.msgpack.decode(value)

    def rows(self, machine: str, key: str) -> list[tuple[str, str, Any]]:
        """(bucket, name, value) of all rows of one key, in order."""
        found = self._database.rows(_ROWS_OF, (machine, key))
        return [(bucket, name, msgspec.msgpack.decode(value)) for bucket, name, value in found]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
