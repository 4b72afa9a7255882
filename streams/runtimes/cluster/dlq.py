"""Dead letters of a cluster as people ask for them: listed over all topics, shown, tried again once.

A letter is named by its topic, partition and offset. It must not decide what is worth a replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.errors import StreamError
from schemas.topics import DLQ
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.letters import again


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. name: `topic/partition/offset`, as of its `.dlq` topic without the prefix.

    number: a short name of the same, counted over all partitions; it stays as it is.
    """

    name: str
    value: Mapping[str, Any]
    number: int

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.value["error"]["code"])


async def letters_of(cluster: Cluster) -> list[Letter]:
    """All letters that are kept, oldest first within each partition."""
    names = [topic.name for topic in cluster.topics() if topic.name.endswith(DLQ)]
    numbers = range(cluster.partitions)
    topics = {TopicPartition(cluster.name(name), number): name for name in names for number in numbers}
    slots = {tp: index for index, tp in enumerate(topics)}
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50, **cluster.options
    )
    await consumer.start()
    found: dict[TopicPartition, list[Letter]] = {tp: [] for tp in topics}
    try:
        consumer.assign(list(topics))
        ends = await consumer.end_offsets(list(topics))
        begins = await consumer.beginning_offsets(list(topics))
        for tp, offset in begins.items():
            consumer.seek(tp, offset)
        while any([await consumer.position(tp) < ends[tp] for tp in topics]):
            for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                place, index = f"{topics[tp]}/{tp.partition}", slots[tp]
                found[tp] += [
                    Letter(f"{place}/{one.offset}", value_of(one.value), one.offset * len(slots) + index + 1)
                    for one in records
                ]
    finally:
        await consumer.stop()
    return [letter for its in found.values() for letter in its]


async def replay(cluster: Cluster, names: list[str] | None = None) -> list[str]:
    """Have letters tried again, all or those of these names; a name that was replayed before changes nothing.

    Raises:
        StreamError: SW-STREAM-026, there is no such letter.
    """
    letters = {letter.name: letter for letter in await letters_of(cluster)}
    chosen = list(letters) if names is None else names
    for name in chosen:
        if name not in letters:
            raise StreamError(
                "SW-STREAM-026",
                place=name,
                expected="the name of a dead letter, topic/partition/offset",
                next_step="list them with `stagewatch dlq list`",
            )
    async with AIOKafkaProducer(enable_idempotence=True, **cluster.options) as producer:
        for name in chosen:
            for (topic, number), records in again(letters[name].value, name).items():
                for key, value, headers in records:
                    await producer.send_and_wait(
                        cluster.name(topic), key=key, value=value, headers=headers, partition=number
                    )
    return chosen
