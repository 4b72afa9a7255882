"""What commands ask of a workspace: its own database, or the cluster that its settings name.

Both give the same answers. Which one it is, nobody else needs to know. It must not write.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from stagewatch.commands.calling import lists_away
from stagewatch.service.messages import Message
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.reader import WorkspaceReader
from streams.kernel.contract import Rows, StorageError
from streams.machines.identity.listing import Waiting
from streams.runtimes.pipeline import Entry
from streams.stores.sqlite_dlq import DeadLetter
from streams.views.port import ViewReader

Place = tuple[int, int, int]
"""(at, n, feed) of a record."""


Found = list[DeadLetter]


class Letters(Protocol):
    """Dead letters."""

    def list(self, *, replayed: bool = False, limit: int = 1000) -> list[DeadLetter]:
        """Letters by their number; `replayed` ones too if asked. limit: -1 for all."""
        ...

    def get(self, number: int) -> DeadLetter | None:
        """The letter of that number."""
        ...

    def count(self, *, replayed: bool = False) -> int:
        """How many `list` would give without a limit."""
        ...

    def mark(self) -> object:
        """For `since`, also of another reader."""
        ...

    def since(self, mark: object) -> Found:
        """Those that were not there when `mark` was taken, and wait."""
        ...


class Reader(Protocol):
    """What commands ask. at: the newest logical time, us."""

    @property
    def views(self) -> ViewReader: ...

    @property
    def letters(self) -> Letters: ...

    @property
    def at(self) -> int: ...

    def shared(self, bucket: str) -> Mapping[str, Any]:
        """The shared rows of a bucket: `rule`, `person`, `team`, `settings`, ... by name."""
        ...

    def partition_of(self, machine: str, key: str) -> Rows | None:
        """The rows of the partition that owns a key; None while the machine has none."""
        ...

    def parked(self) -> Sequence[Waiting]:
        """Events that wait for a parent that nobody knows, the longest waiting first."""
        ...

    def known(self, hist: int) -> int:
        """How many events of the import that began at `hist` us were known already."""
        ...

    def places(self, home: str, wanted: Iterable[Place]) -> dict[Place, str]:
        """Where records of a key stand: `sales.events/partition@position`; those that are not found lack."""
        ...

    def messages(self, alert: str) -> Sequence[Message]:
        """What was sent, or shall be, about an alert, oldest first."""
        ...

    def history(self) -> tuple[int, Iterator[Entry]]:
        """All events and changes of people that are kept, in the order of their logical time; and how many at
        most.
        """
        ...


@contextlib.contextmanager
def open_reader(workspace: Workspace, settings: Settings) -> Iterator[Reader]:
    """The reader of a workspace.

    Raises:
        WorkspaceError: SW-WS-022, it has no data yet. StreamError: Redis or Kafka cannot be asked.
    """
    if settings.cluster is None:
        with WorkspaceReader(workspace) as own:
            yield own
        return
    from stagewatch.commands.clusterreader import ClusterReader

    try:
        with ClusterReader(workspace, settings) as reader:
            yield reader
    except StorageError as error:
        raise lists_away(error) from error
