"""Workers' partitions in one process: what breaks a batch is isolated; accounts merge as partitions move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.local.kafka import Kafka
from streams.kernel.contract import Context, Record, Step, Sweep, Wait
from streams.runtimes.cluster.config import Cluster, Pace
from streams.runtimes.cluster.dlq import letters_of
from streams.runtimes.cluster.owner import Slot, Slots
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.memory import rule_entry, settings_entry
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS, RESOLVE, MachineSpec
from tests.integration.cluster.load import RULE, Load, append, person, settled
from tests.integration.cluster.trial import cluster_of, drop_topics, read_all

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(90)]

PACE = Pace(tick_ms=100, fetch_ms=50, poll_ms=20, session_ms=3000, save_ms=100)


class Breaking:
    """Passes events on; `out` breaks the commit of its batch, `row` the step itself."""

    name = "breaking"

    def on_event(self, ctx: Context, record: Record) -> Step:
        value: Any = record.value
        ctx.put("seen", record.value["id"], object() if value["id"] == "row" else 1)
        ctx.emit(ALERTS, ctx.key, "seen", {"id": value["id"], "x": object() if value["id"] == "out" else 1})
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


BREAKING = (MachineSpec("breaking", lambda _: Breaking(), ("crm.activity", RESOLVE)),)


class Hosts:
    """Some workers' slots, each with local files of its own."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self._folder = cluster, folder
        self.troubles: list[tuple[Slot, BaseException]] = []
        self.slots: dict[str, Slots] = {}

    async def start(self, name: str) -> None:
        """One more worker."""
        cluster_id = await ensure_topics(self.cluster)
        own = Cluster(
            self.cluster.options, self._folder / name, self.cluster.prefix, self.cluster.partitions,
            machines=self.cluster.machines, pace=PACE,
        )  # fmt: skip
        found = Slots(own, cluster_id, lambda done: None, self._note)
        self.slots[name] = found
        await found.start()

    async def stop(self, name: str) -> None:
        """One fewer."""
        await self.slots.pop(name).stop()

    async def shared_out(self) -> None:
        """Wait until every partition is somebody's, and only his, and open."""
        every = len(self.cluster.machines) * self.cluster.partitions
        for _ in range(400):
            owned = [slot for slots in self.slots.values() for slot in slots.tasks]
            if len(owned) == len(set(owned)) == every:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{sorted(owned)}; {[f'{slot}: {error!r}' for slot, error in self.troubles[-9:]]}")

    def _note(self, slot: Slot, error: BaseException) -> None:
        self.troubles.append((slot, error))


@contextlib.asynccontextmanager
async def hosts(cluster: Cluster, folder: Path, names: Sequence[str]) -> AsyncIterator[Hosts]:
    found = Hosts(cluster, folder)
    try:
        for name in names:
            await found.start(name)
        if names:
            await found.shared_out()
        yield found
    finally:
        for name in list(found.slots):
            await found.stop(name)
        await drop_topics(cluster)


async def test_what_breaks_a_batch_is_buried_alone(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "breaking", 1, machines=BREAKING, trial=False)
    wanted = [f"e{n}" for n in range(20)]
    names = [*wanted[:7], "out", *wanted[7:13], "row", *wanted[13:]]
    async with hosts(cluster, tmp_path, ["a"]) as found:
        await append(
            cluster, [Entry("crm.activity", f"k:{name}", "event", {"id": name}, 0) for name in names]
        )
        seen: list[str] = []
        for _ in range(200):
            seen = [record.value["id"] async for record in read_all(cluster, [ALERTS])]
            if set(wanted) <= set(seen):
                break
            await asyncio.sleep(0.1)
        letters = await letters_of(cluster)
    assert seen == wanted
    assert [letter.code for letter in letters] == ["SW-STREAM-024", "SW-STREAM-099"]
    assert found.troubles


async def test_workers_that_start_together_agree_at_once(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "together", 4, machines=BREAKING, trial=False)
    async with hosts(cluster, tmp_path, []) as found:
        for _ in range(6):
            await asyncio.gather(found.start("a"), found.start("b"))
            await found.shared_out()
            await asyncio.sleep(
                0.3
            )  # a client of Kafka that is closed while it connects leaves the socket open
            assert all(slots.rebalances <= 2 for slots in found.slots.values())
            await asyncio.gather(found.stop("a"), found.stop("b"))


async def test_accounts_merge_while_partitions_move(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "merging", 4, trial=False)
    load, deals = Load(), 100
    async with hosts(cluster, tmp_path, ["a", "b"]) as found:
        shared = [settings_entry({}, 0), rule_entry("no-reply", RULE, 0), person("li")]
        await append(cluster, shared)
        await append(cluster, load.deals(range(deals)))
        await settled(cluster, load, 30)
        sending = asyncio.create_task(append(cluster, load.calls(range(deals)), 400))
        await found.start("c")
        await append(cluster, load.merges(range(0, deals // 10, 2)))
        await found.stop("a")
        await sending
        await append(cluster, load.replies(range(deals)))
        await found.start("a")
        await found.shared_out()
        books, _ = await settled(cluster, load, 40)
        problems = books.problems(load)
        homes = {a["key"]: a["account"] for a in books.alerts}
    assert problems == {}
    assert {int(account[1:]) % 2 for account in homes.values()} == {1}
