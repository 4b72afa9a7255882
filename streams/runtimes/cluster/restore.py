"""Brings a partition's rows up to date from its changelog, after the former owner was fenced.

Read committed, up to the high watermark seen after the fence: the last stable offset may still lag behind,
and reading only to it would lose rows. It must not decide what a row means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import StreamError
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.local import ChangelogStore

STALLED_SECONDS = 60.0
FETCH_BYTES = 4 << 20


async def high_watermark(cluster: Cluster, tp: TopicPartition) -> int:
    """The end of the changelog, whatever transaction is still open there."""
    consumer = AIOKafkaConsumer(isolation_level="read_uncommitted", **cluster.options)
    try:
        await consumer.start()
        return (await consumer.end_offsets([tp]))[tp]
    finally:
        await consumer.stop()


async def restore(
    cluster: Cluster,
    tp: TopicPartition,
    store: ChangelogStore,
    span: tuple[int, int],
    progress: Callable[[int], None],
) -> None:
    """Apply the changelog's rows over `span` (first offset, end). progress: told the offset reached.

    Raises:
        StreamError: SW-STREAM-034, nothing came for a minute.
    """
    position, end = span
    if position >= end:
        return
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=FETCH_BYTES,
        **cluster.options,
    )
    try:
        await consumer.start()
        consumer.assign([tp])
        consumer.seek(tp, position)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STALLED_SECONDS) as patience:
            while position < end:
                page = (await consumer.getmany(tp, timeout_ms=200)).get(tp, ())
                store.restore((record.key, record.value) for record in page)
                reached = await consumer.position(tp)
                if reached != position:
                    position = reached
                    progress(position)
                    patience.reschedule(loop.time() + STALLED_SECONDS)
    except TimeoutError as error:
        raise _stalled(tp, position, end) from error
    finally:
        await consumer.stop()


def _stalled(tp: TopicPartition, position: int, end: int) -> StreamError:
    return StreamError(
        "SW-STREAM-034",
        place=f"{tp.topic}/{tp.partition}",
        expected=f"records up to {end}",
        found=f"nothing behind {position} for {STALLED_SECONDS:g} s",
        next_step="look whether all brokers are up; the worker tries again",
    )
