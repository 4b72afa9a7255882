"""Dead letters of a cluster as people ask for them: read over all topics, and brought back once.

A letter is named by its topic, partition and offset. That it was brought back is a record of a compacted
topic, written behind the letter's own records: should it get lost, the task takes them once all the same.
It must not decide what is worth a replay.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.canonical import partition_of
from schemas.errors import StreamError
from schemas.topics import DLQ, EVENTS, LETTER_BYTES, REPLAYS, dlq_of
from streams.runtimes.cluster.codec import Line, encode, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.letters import again, of_row


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. name: `topic/partition/offset`, as of its `.dlq` topic without the prefix.

    number: a short name of the same, counted over all partitions; it stays as it is.
    """

    name: str
    value: Mapping[str, Any]
    number: int
    replayed: bool = False

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.value["error"]["code"])


class LetterBox:
    """All letters that are kept, read on and on. An asynchronous context manager.

    values: whether the letters themselves are wanted, not only how many there are.
    """

    def __init__(self, cluster: Cluster, *, values: bool = True) -> None:
        self._values = values
        names = [topic.name for topic in cluster.topics() if topic.name.endswith(DLQ)]
        numbers = range(cluster.partitions)
        self._topics = {TopicPartition(cluster.name(name), n): name for name in names for n in numbers}
        self._slots = {tp: index for index, tp in enumerate(self._topics)}
        self._marks = [TopicPartition(cluster.name(REPLAYS), n) for n in numbers]
        self._found: dict[TopicPartition, dict[int, Mapping[str, Any]]] = {tp: {} for tp in self._topics}
        self._replayed: set[str] = set()
        self._consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            **cluster.options,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        tps = [*self._topics, *self._marks]
        self._consumer.assign(tps)
        for tp, offset in (await self._consumer.beginning_offsets(tps)).items():
            self._consumer.seek(tp, offset)
        await self.catch_up()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._consumer.stop()

    async def catch_up(self) -> None:
        """Read what came since, to the end as of now; forget what is kept no longer."""
        consumer = self._consumer
        for tp, begin in (await consumer.beginning_offsets(list(self._topics))).items():
            self._found[tp] = {at: letter for at, letter in self._found[tp].items() if at >= begin}
        ends = await consumer.end_offsets([*self._topics, *self._marks])
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                if tp not in self._found:
                    self._replayed |= {(record.key or b"").decode() for record in records}
                    continue
                for record in records:
                    self._found[tp][record.offset] = value_of(record.value) if self._values else {}

    @property
    def letters(self) -> list[Letter]:
        """All of them, those of each partition oldest first."""
        return [
            Letter(name, value, at * len(self._slots) + self._slots[tp] + 1, name in self._replayed)
            for tp, found in self._found.items()
            for at, value in found.items()
            for name in [self._name(tp, at)]
        ]

    @property
    def waiting(self) -> int:
        """How many were not brought back."""
        return sum(
            self._name(tp, at) not in self._replayed for tp, found in self._found.items() for at in found
        )

    def _name(self, tp: TopicPartition, offset: int) -> str:
        return f"{self._topics[tp]}/{tp.partition}/{offset}"


async def letters_of(cluster: Cluster) -> list[Letter]:
    """All letters that are kept."""
    async with LetterBox(cluster) as box:
        return box.letters


async def replay(cluster: Cluster, names: Sequence[str]) -> int:
    """Have letters tried again; the newest instant (ms) at which one of them was appended.

    Raises:
        StreamError: SW-STREAM-026, there is no such letter or it was brought back before; nothing happened.
    """
    letters = await _waiting(cluster, names)
    newest = 0
    async with _producer(cluster) as producer:
        for name in names:
            for (topic, number), lines in again(letters[name].value, name).items():
                for one in lines:
                    newest = max(newest, await _send(producer, cluster.name(topic), number, one))
            await _mark(producer, cluster, name)
    return newest


async def settle(cluster: Cluster, names: Sequence[str]) -> None:
    """These letters were brought back by other means: they wait no longer."""
    async with _producer(cluster) as producer:
        for name in names:
            await _mark(producer, cluster, name)


async def bury(cluster: Cluster, rows: Sequence[Mapping[str, Any]], at: int) -> None:
    """Keep rows of an import that could not be read as letters: each a key, a value, an error. at: us."""
    async with _producer(cluster) as producer:
        for row in rows:
            number = partition_of(str(row["key"]), cluster.partitions)
            await _send(producer, cluster.name(dlq_of(EVENTS)), number, of_row(row, number, at))


async def _waiting(cluster: Cluster, names: Sequence[str]) -> dict[str, Letter]:
    letters = {letter.name: letter for letter in await letters_of(cluster)}
    for name in names:
        if name not in letters or letters[name].replayed:
            raise StreamError(
                "SW-STREAM-026",
                place=name,
                expected="a dead letter that was not replayed yet",
                found="replayed already" if name in letters else "nothing",
                next_step="list them with `stagewatch dlq list`",
            )
    return letters


def _producer(cluster: Cluster) -> AIOKafkaProducer:
    return AIOKafkaProducer(enable_idempotence=True, max_request_size=LETTER_BYTES, **cluster.options)


async def _mark(producer: AIOKafkaProducer, cluster: Cluster, name: str) -> None:
    value = encode({"at": time.time_ns() // 1000})
    number = partition_of(name, cluster.partitions)
    await _send(producer, cluster.name(REPLAYS), number, (name.encode(), value, []))


async def _send(producer: AIOKafkaProducer, topic: str, number: int, record: Line) -> int:
    key, value, headers = record
    sent = await producer.send_and_wait(topic, key=key, value=value, headers=headers, partition=number)
    return int(sent.timestamp or 0)
