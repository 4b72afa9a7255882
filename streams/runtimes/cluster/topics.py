"""Makes the topics of the table, or verifies that those that exist are as the table says. Refuses the rest.

It never changes a topic that exists: more partitions would move keys away from their rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.errors import StreamError
from schemas.topics import Topic
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.marks import refuse_marked

LOOKS = 200
"""How often new topics are looked for, 50 ms apart."""

CHECKED = ("cleanup.policy", "message.timestamp.type")


async def ensure_topics(cluster: Cluster, *, filling: bool = False) -> str:
    """Make what is missing, verify what is there. Returns the id of the Kafka cluster.

    filling: somebody moves to here just now, and it is he who asks.

    Raises:
        StreamError: SW-STREAM-030 (partitions differ), -031 (set up otherwise), -032 (Kafka refuses), -070
            (moved elsewhere), -071 (not whole yet).
    """
    admin = AIOKafkaAdminClient(**cluster.options)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        if not filling:
            refuse_marked(cluster, there)
        table = {cluster.name(topic.name): topic for topic in cluster.topics()}
        await _create(admin, cluster, {name: topic for name, topic in table.items() if name not in there})
        await _verify(admin, cluster, {name: topic for name, topic in table.items() if name in there})
        await _wait_for(admin, set(table))
        described = await admin.describe_cluster()
        return str(described.get("cluster_id") or "kafka")
    except (KafkaError, OSError) as error:
        raise unreachable(error) from error
    finally:
        await admin.close()


async def _wait_for(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """A topic is known to the broker some moments after it was made."""
    for _ in range(LOOKS):
        found = await admin.describe_topics(list(names))
        if all(not one["error_code"] and _led(one) for one in found):
            return
        await asyncio.sleep(0.05)
    raise _refused(min(names), "LeaderNotAvailable", "made, but not led by any broker yet")


def _led(topic: Mapping[str, Any]) -> bool:
    return bool(topic["partitions"]) and all(one["leader"] >= 0 for one in topic["partitions"])


def unreachable(error: BaseException) -> StreamError:
    """The error of a Kafka that cannot be reached or refuses us."""
    return StreamError(
        "SW-STREAM-032",
        place="cluster.kafka",
        expected="brokers that answer and admit us",
        found=f"{type(error).__name__}: {error}",
        next_step="check brokers, login and certificates in [cluster.kafka], and the broker's access lists",
    )


async def _create(admin: AIOKafkaAdminClient, cluster: Cluster, wanted: Mapping[str, Topic]) -> None:
    if not wanted:
        return
    new = [
        NewTopic(name, cluster.partitions, cluster.replication, topic_configs=topic.config())
        for name, topic in wanted.items()
    ]
    answer = (await admin.create_topics(new)).to_object()
    for one in answer.get("topics") or answer.get("topic_errors") or ():
        if one["error_code"]:
            error = for_code(one["error_code"])
            if error is not TopicAlreadyExistsError:  # another worker was quicker
                raise _refused(one["topic"], error.__name__, one.get("error_message"))


async def _verify(admin: AIOKafkaAdminClient, cluster: Cluster, there: Mapping[str, Topic]) -> None:
    if not there:
        return
    for found in await admin.describe_topics(list(there)):
        count = len(found["partitions"])
        if count != cluster.partitions:
            raise StreamError(
                "SW-STREAM-030",
                place=found["topic"],
                expected=f"{cluster.partitions} partitions, as the settings say",
                found=f"{count}",
                next_step="set cluster.partitions back, or move to topics of another prefix with "
                "`stagewatch migrate`",
            )
    for name, config in (await _configs(admin, list(there))).items():
        topic = there[name]
        wanted = {"cleanup.policy": topic.policy, "message.timestamp.type": topic.stamp}
        for key in CHECKED:
            if config.get(key) != wanted[key]:
                raise StreamError(
                    "SW-STREAM-031",
                    place=name,
                    expected=f"{key}={wanted[key]}",
                    found=str(config.get(key)),
                    next_step=f"set it with Kafka's own tool, kafka-configs --alter --topic {name}",
                )


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Topic -> its configuration."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, Any]] = {}
    for response in await admin.describe_configs(asked):
        for error_code, message, _, name, entries in response.resources:
            if error_code:
                raise _refused(name, for_code(error_code).__name__, message)
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _refused(topic: str, error: str, message: str | None) -> StreamError:
    return StreamError(
        "SW-STREAM-032",
        place=topic,
        expected="that we may make and describe it",
        found=f"{error}: {message or ''}".rstrip(": "),
        next_step="let this login create and describe topics, or have somebody make them as docs say",
    )
