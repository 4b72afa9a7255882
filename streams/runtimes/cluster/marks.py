"""Marks of a whole cluster: that it was moved elsewhere, or is not whole yet.

Each is a topic that is there or not, so nobody who starts has to read anything: the names of topics are asked
for anyway. It moves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from schemas.errors import StreamError
from streams.runtimes.cluster.config import Cluster

MOVED, FILLING = "moved", "filling"

LOOKS, PAUSE = 600, 0.05
"""How often, and how many seconds apart, it is looked whether topics are gone."""


def refuse_marked(cluster: Cluster, there: Collection[str]) -> None:
    """Raise when the topics that are there say that the cluster is not to be used.

    Raises:
        StreamError: SW-STREAM-070 it was moved elsewhere; SW-STREAM-071 a move to here has not ended.
    """
    if cluster.name(MOVED) in there:
        raise StreamError(
            "SW-STREAM-070",
            place=cluster.prefix,
            expected="a cluster that is still in use",
            found=f"the topic {cluster.name(MOVED)}",
            next_step="use it where it was moved to; to go on here all the same:"
            " `stagewatch migrate --take-back`",
        )
    if cluster.name(FILLING) in there:
        raise StreamError(
            "SW-STREAM-071",
            place=cluster.prefix,
            expected="a cluster that is whole",
            found=f"the topic {cluster.name(FILLING)}",
            next_step="run the same `stagewatch migrate` again: it starts cleanly",
        )


async def refuse_early(cluster: Cluster) -> None:
    """As `refuse_marked`, before anything is taken; says nothing while Kafka does not answer."""
    admin = AIOKafkaAdminClient(**cluster.options)
    try:
        await admin.start()
        there = await admin.list_topics()
    except (KafkaError, OSError):
        return
    finally:
        await admin.close()
    refuse_marked(cluster, there)


async def put_mark(admin: AIOKafkaAdminClient, cluster: Cluster, mark: str) -> None:
    """Make a mark; one that is there already stays."""
    await admin.create_topics([NewTopic(cluster.name(mark), 1, cluster.replication)])
    await _until(admin, lambda there: cluster.name(mark) in there)


async def take_mark(admin: AIOKafkaAdminClient, cluster: Cluster, mark: str) -> None:
    """Take a mark away."""
    await delete(admin, [cluster.name(mark)])


async def delete(admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """Delete topics, and wait until they are gone."""
    wanted = set(names)
    if wanted:
        await admin.delete_topics(sorted(wanted))
        await _until(admin, lambda there: not wanted & set(there))


async def _until(admin: AIOKafkaAdminClient, done: Callable[[Collection[str]], bool]) -> None:
    for _ in range(LOOKS):
        if done(await admin.list_topics()):
            return
        await asyncio.sleep(PAUSE)
    raise StreamError(
        "SW-STREAM-032",
        place="topics",
        expected="topics made or deleted within half a minute",
        found="no change",
        next_step="look whether all brokers are up, and whether this login may create and delete topics",
    )
