"""What commands ask of a cluster: lists and messages from Redis, rows from the workers that have them, events
and dead letters from Kafka. The same answers as a workspace of one process gives. It must not write.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from schemas.canonical import partition_of
from stagewatch.commands.calling import Workers
from stagewatch.commands.clusterletters import ClusterLetters
from stagewatch.commands.reading import Place
from stagewatch.service.messages import Message
from stagewatch.settings import Settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from streams.kernel.contract import SHARED, Rows, Step
from streams.machines.account.repeats import REPEATS
from streams.machines.identity.listing import Waiting
from streams.runtimes.cluster.kept import history_of, places_of
from streams.runtimes.pipeline import Entry
from streams.stores.memory import MemoryStore
from streams.views.redis import RedisViewReader
from streams.views.redis.messages import RedisMessages

FIRST: Final = ("account", 0)
"""Whose shared rows are asked for: those of all partitions are the same."""


class ClusterReader:
    """`stagewatch.commands.reading.Reader` of a cluster; a context manager."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._cluster = cluster_of(workspace, settings, Run(environment=os.environ))
        self._workers = Workers(workspace, settings)
        self.views = RedisViewReader(self._workers.link)
        self.letters = ClusterLetters(self._cluster)
        self._messages = RedisMessages(self._workers.link)
        self._rows: dict[tuple[str, int], RemoteRows] = {}

    def __enter__(self) -> ClusterReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.__exit__()

    @property
    def at(self) -> int:
        """The newest logical time of an account partition, us."""
        answers = self._workers.all("/local/stands", {})
        stands = (stand for answer in answers for stand in answer["stands"])
        return max((int(s["clock"]) for s in stands if s["machine"] == FIRST[0]), default=0)

    def shared(self, bucket: str) -> Mapping[str, Any]:
        """The shared rows of a bucket by name."""
        return dict(self._partition(*FIRST).scan(SHARED, bucket))

    def partition_of(self, machine: str, key: str) -> Rows | None:
        """The rows of the partition that owns a key."""
        return self._partition(machine, partition_of(key, self._cluster.partitions))

    def parked(self) -> list[Waiting]:
        """Events that wait for a parent that nobody knows, the longest waiting first."""
        found: list[Waiting] = []
        for number in range(self._cluster.partitions):
            answer = self._workers.owner("/local/parked", {"machine": "identity", "partition": number})
            found += [Waiting(**fields) for fields in answer["parked"]]
        return sorted(found, key=lambda item: (item.since, item.key))

    def known(self, hist: int) -> int:
        """How many events of the import that began at `hist` us were known already."""
        numbers = range(self._cluster.partitions)
        rows = (RemoteRows(self._workers, "account", number) for number in numbers)
        return sum(one.get(SHARED, REPEATS, str(hist)) or 0 for one in rows)

    def places(self, home: str, wanted: Iterable[Place]) -> dict[Place, str]:
        """Where records of a key stand in `sales.events`."""
        return asyncio.run(places_of(self._cluster, home, wanted))

    def messages(self, alert: str) -> list[Message]:
        """What was sent, or shall be, about an alert, oldest first."""
        found = [Message(**row) for row in self._messages.of(alert)]
        return sorted(found, key=lambda one: (one.entered, one.at, one.id))

    def history(self) -> tuple[int, Iterator[Entry]]:
        """All events and changes of people that `sales.events` keeps; and how many."""
        entries = asyncio.run(history_of(self._cluster))
        return len(entries), iter(entries)

    def _partition(self, machine: str, number: int) -> RemoteRows:
        if (machine, number) not in self._rows:
            self._rows[machine, number] = RemoteRows(self._workers, machine, number)
        return self._rows[machine, number]


class RemoteRows:
    """`streams.kernel.contract.Rows` of a partition somewhere: a key is fetched whole when it is asked for,
    and what all keys share bucket by bucket.
    """

    def __init__(self, workers: Workers, machine: str, number: int) -> None:
        self._workers, self._machine, self._number = workers, machine, number
        self._store = MemoryStore()
        self._there: set[tuple[str, str]] = set()

    def get(self, key: str, bucket: str, name: str) -> Any | None:
        return self._fetched(key, bucket).get(key, bucket, name)

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        return self._fetched(key, bucket).scan(key, bucket)

    def scan_key(self, key: str, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        return self._fetched(key, "").scan_key(key, after, limit)

    def waits_of(self, key: str) -> list[tuple[str, int]]:
        return self._fetched(key, "").waits_of(key)

    def _fetched(self, key: str, bucket: str) -> MemoryStore:
        part = bucket if key == SHARED else ""
        if (key, part) not in self._there:
            self._there.add((key, part))
            asked = {"machine": self._machine, "partition": self._number, "key": key, "bucket": part or None}
            answer = self._workers.owner("/local/rows", asked)
            rows = {(key, bucket, name): value for bucket, name, value in answer["rows"]}
            waits = {(key, name): due for name, due in answer["waits"]}
            self._store.apply(Step(rows=rows, waits=waits), 0)
        return self._store
