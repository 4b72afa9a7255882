"""Who writes for a command in a cluster: its workers by HTTP; dead letters through Kafka.

What was handed in is worked off on other machines: `finish` waits until the clocks of all partitions have
passed it and the lists show what came of it. It must not know what a command means.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.errors import CommandError, StagewatchError, StreamError
from stagewatch.commands.calling import Workers
from stagewatch.commands.clusterletters import ClusterLetters
from stagewatch.commands.progress import Told, bar
from stagewatch.commands.writer import command_body
from stagewatch.service.local import entry_fields
from stagewatch.settings import Settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster import dlq
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.kept import last_of
from streams.runtimes.pipeline import Entry
from streams.views.port import OPEN_STATES
from streams.views.redis import RedisViewReader

PAUSE: Final = 0.1
STUCK: Final = 120.0
"""Seconds without any progress after which nobody waits longer."""

SHOWN: Final = 30.0
"""Seconds after which the lists show what was worked off."""


class ClusterWriter:
    """`stagewatch.commands.writer.Writer` of a cluster; a context manager."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._cluster = cluster_of(workspace, settings, Run(environment=os.environ))
        self._workers = Workers(workspace, settings)
        self._letters = ClusterLetters(self._cluster)
        self._stamp = 0

    def __enter__(self) -> ClusterWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.__exit__()

    def now(self) -> int:
        return int(self._workers.one("/local/now", {})["now"])

    def command(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._workers.one("/v1/commands", command_body(command))

    def history(self, entries: Sequence[Entry]) -> None:
        answer = self._workers.one("/local/history", {"entries": [entry_fields(entry) for entry in entries]})
        self._stamp = max(self._stamp, int(answer["stamp"]))

    def finish(self, until: int | None) -> int:
        with bar("working off", True) as told:
            at = self._settled(told)
        self._shown()
        return at

    def bury(self, letters: Sequence[Mapping[str, Any]]) -> None:
        asyncio.run(dlq.bury(self._cluster, letters, self.now()))

    def replay(self, numbers: Sequence[int]) -> StagewatchError | None:
        if numbers:
            stamp = asyncio.run(dlq.replay(self._cluster, [self._letter(number) for number in numbers]))
            self._stamp = max(self._stamp, stamp * 1000)
            try:
                self.finish(None)
            except StagewatchError as error:  # they are brought back all the same: Kafka has them
                return error
        return None

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "settle":
            asyncio.run(dlq.settle(self._cluster, [self._letter(int(body["number"]))]))
            return {"settled": body["number"]}
        return self._workers.one(f"/local/{name}", body)

    def _letter(self, number: int) -> str:
        """The letter's name, as of when the writer first looked."""
        name = self._letters.name(number)
        if name is None:
            raise StreamError(
                "SW-STREAM-026",
                expected="the number of a dead letter that was not replayed yet",
                found=str(number),
                next_step="list them with `stagewatch dlq list`",
            )
        return name

    # -- waiting ---------------------------------------------------------------------------------------------

    def _settled(self, told: Told) -> int:
        """Wait until all clocks have passed what was handed in: it is worked off. Their newest time, us."""
        most, last, since = 0, (-1, -1), time.monotonic()
        while True:
            waiting, left, clocks = self._look()
            if not waiting and min(clocks) > self._stamp:
                return max(clocks)
            most = max(most, left)
            told(most - left, most)
            if (left, sum(clocks)) != last:
                last, since = (left, sum(clocks)), time.monotonic()
            elif time.monotonic() - since > STUCK:
                raise self._stuck(left)
            time.sleep(PAUSE)

    def _look(self) -> tuple[int, int, list[int]]:
        """(entries in outboxes, records not worked off, clocks us of all partitions: -1 without owner)."""
        answers = self._workers.all("/local/stands", {})
        self._stamp = max([self._stamp, *(int(answer["stamp"]) for answer in answers if self._stamp)])
        stands = {(s["machine"], s["partition"]): s for answer in answers for s in answer["stands"]}
        numbers = range(self._cluster.partitions)
        wanted = [
            stands.get((machine.name, number)) for machine in self._cluster.machines for number in numbers
        ]
        left = sum(int(stand["lag"]) for stand in wanted if stand is not None)
        clocks = [-1 if stand is None else int(stand["clock"]) for stand in wanted]
        return sum(int(answer["waiting"]) for answer in answers), left, clocks

    def _shown(self) -> None:
        """Wait until the lists have the last transition of each partition."""
        view = RedisViewReader(self._workers.link)
        wanted = []
        for record in asyncio.run(last_of(self._cluster, list(OPEN_STATES))):
            topic, value = record.topic.removeprefix(f"{self._cluster.prefix}."), value_of(record.value)
            name = str(value["alert"] if topic == "alerts" else value["item"])
            wanted.append((topic, name, int(value["n"])))
        end = time.monotonic() + SHOWN
        while wanted and time.monotonic() < end:
            wanted = [one for one in wanted if not _has(view, *one)]
            time.sleep(PAUSE if wanted else 0)

    def _stuck(self, left: int) -> CommandError:
        return CommandError(
            "SW-CMD-010",
            place=f"cluster {self._cluster.prefix}",
            expected="partitions that work off what was handed in",
            found=f"{left} records or partitions, and no progress for {STUCK:g} s",
            next_step="look at `stagewatch status`; nothing is lost, it goes on when workers are up",
        )


def _has(view: RedisViewReader, topic: str, name: str, n: int) -> bool:
    item = view.get(topic, name)
    return item is not None and item.n >= n
