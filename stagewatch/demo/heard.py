"""Reads what a cluster has written, from the beginning on: for the demo's screen, its sums and its proof.

It reads Kafka as anybody can who may, committed records only, and writes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics import DLQ, RECEIPTS
from stagewatch.demo.ground import Hear
from stagewatch.worker.stages import logged_of
from streams.kernel.contract import EVENT, SHARED_CHANGE, WATERMARK, Record
from streams.runtimes.cluster.codec import key_of, place_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.stores.log import Logged
from streams.topology import NOTICES, NOTIFICATIONS, SALES_EVENTS
from streams.views.port import OPEN_STATES, id_of, is_open

TOPICS: Final = (SALES_EVENTS, NOTICES, NOTIFICATIONS, RECEIPTS, *OPEN_STATES)


class Heard:
    """All that was read.

    events: (source, id) of each that went to its account. entries: partition -> records of sales.events in
    their order. transitions, notes: id -> how often it was read. marks: account partition -> to which logical
    time (us) it has worked everything off. sent: message -> what became of it. letters: dead ones.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.events: Counter[tuple[str, str]] = Counter()
        self.entries: dict[int, list[Record]] = {number: [] for number in range(cluster.partitions)}
        self.rules: set[str] = set()
        self.transitions: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.sent: dict[str, str] = {}
        self.marks = dict.fromkeys(range(cluster.partitions), -1)
        self._last: dict[tuple[str, str], Logged] = {}
        self.letters = 0
        self.records = 0
        dead = [topic.name for topic in cluster.topics() if topic.name.endswith(DLQ)]
        names = [cluster.name(topic) for topic in (*TOPICS, *dead)]
        tps = [TopicPartition(name, number) for name in names for number in range(cluster.partitions)]
        self._positions = dict.fromkeys(tps, 0)

    @contextlib.asynccontextmanager
    async def following(self, hear: Hear) -> AsyncIterator[None]:
        """Read on, and tell of state changes."""
        self._more = asyncio.Event()
        self._consumer = consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
            **self._cluster.options,
        )
        await consumer.start()
        consumer.assign(list(self._positions))
        for tp, offset in self._positions.items():
            consumer.seek(tp, offset)
        task = asyncio.create_task(self._follow(hear))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await consumer.stop()
        if not task.cancelled():
            task.result()

    async def until(self, come: Callable[[], bool]) -> None:
        """Wait for what `following` brings."""
        while not come():
            self._more.clear()
            await self._more.wait()

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing new has come for so long."""
        seen = -1
        while seen != self.records:
            seen = self.records
            await asyncio.sleep(seconds)

    def worked_off(self, at: int) -> bool:
        """Whether all accounts have come to that logical time, us."""
        return min(self.marks.values()) >= at

    @property
    def settled(self) -> bool:
        """Whether every message that was read has gone out."""
        return self.notes.keys() == self.sent.keys()

    def standing(self) -> dict[str, Counter[str]]:
        """Topic -> rule -> open items."""
        found: dict[str, Counter[str]] = {topic: Counter() for topic in OPEN_STATES}
        for (topic, _), one in self._last.items():
            if is_open(topic, one.value):
                found[topic][str(one.value["rule"])] += 1
        return found

    def states(self) -> dict[str, Counter[str]]:
        """Topic -> state -> items."""
        found: dict[str, Counter[str]] = {topic: Counter() for topic in OPEN_STATES}
        for (topic, _), one in self._last.items():
            found[topic][str(one.value["state"])] += 1
        return found

    # -- inside --------------------------------------------------------------------------------------------

    async def _follow(self, hear: Hear) -> None:
        while True:
            for tp, records in (await self._consumer.getmany(timeout_ms=200)).items():
                self._positions[tp] = records[-1].offset + 1
                self.records += len(records)
                found = [self._take(record) for record in records]
                hear([one for one in found if one is not None])
            self._more.set()

    def _take(self, record: ConsumerRecord) -> Logged | None:
        """Note a record; a state change is returned."""
        topic = record.topic.removeprefix(f"{self._cluster.prefix}.")
        if topic in OPEN_STATES:
            return self._transition(logged_of(self._cluster, record, record.headers))
        if topic.endswith(DLQ):
            self.letters += 1
            return None
        value = value_of(record.value)
        if topic == RECEIPTS:
            self.sent[key_of(record.key)] = str(value["state"])
        elif topic == NOTIFICATIONS:
            self.notes[str(value["id"])] += 1
        elif (place := place_of(record.headers)) is not None:
            stamp = (place.at, place.feed, place.n, place.late)
            one = Record(topic, key_of(record.key), place.kind, value, *stamp)
            if topic == SALES_EVENTS:
                self._entry(record.partition, one)
            elif one.kind == WATERMARK:
                self.marks[one.feed] = max(self.marks[one.feed], one.at)
        return None

    def _transition(self, one: Logged | None) -> Logged | None:
        if one is None:
            return None
        self.transitions[str(one.value["id"])] += 1
        item = (one.topic, id_of(one))
        if item not in self._last or self._last[item].value["n"] <= one.value["n"]:
            self._last[item] = one
        return one

    def _entry(self, number: int, one: Record) -> None:
        self.entries[number].append(one)
        if one.kind == EVENT:
            self.events[(str(one.value["src"]), str(one.value["id"]))] += 1
        elif one.kind == SHARED_CHANGE:
            self._shared(one.value)

    def _shared(self, value: dict[str, Any]) -> None:
        if value["what"] == "rule":
            self.rules.add(str(value["rule"]))
        elif isinstance(event := value.get("event"), dict):
            self.events[(str(event["src"]), str(event["id"]))] += 1
