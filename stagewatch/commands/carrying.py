"""What a move to or from a cluster takes along beside rows and logs: receipts of messages, and used links.

Receipts go between a workspace's outbox and the topic `receipts`, used links between its table and Redis. It
moves nothing else, and decides nothing about messages.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stagewatch.commands.calling import link_of, lists_away
from stagewatch.service.carried import Carried, keep_links, keep_settled, settled, untold, used_links
from stagewatch.service.messages import Message
from stagewatch.service.receipts import receipt_entry
from stagewatch.settings import Settings
from stagewatch.worker.web import LINKS
from streams.kernel.contract import StorageError
from streams.runtimes.migration.cluster_source import ClusterSource
from streams.runtimes.migration.cluster_target import ClusterTarget
from streams.runtimes.migration.embedded import EmbeddedSource, EmbeddedTarget
from streams.runtimes.migration.ports import Source, Target
from streams.views.redis.sharing import Claims

MOVE = "move"
"""Who claims used links in Redis for good: nobody who could release them."""

Links = Sequence[tuple[str, int]]
"""(digest, until us) of used links."""


async def carry(source: Source, target: Target, old: Settings, new: Settings) -> Carried:
    """Take receipts and used links along; source, target or both are a cluster.

    old, new: settings of source and target.

    Raises:
        StreamError: SW-STREAM-023, the target's Redis cannot take used links.
    """
    receipts = 0
    async for page in _receipts(source):
        receipts += len(page)
        if isinstance(target, ClusterTarget):
            await target.receipts(page)
        elif isinstance(target, EmbeddedTarget):
            keep_settled(target.database, (Message(**one) for one in page))
    if isinstance(source, EmbeddedSource) and isinstance(target, ClusterTarget):
        await target.entries([receipt_entry(message, new) for message in untold(source.database)])
    links = _links(source, old)
    if links and isinstance(target, ClusterTarget):
        _use(links, new)
    elif links and isinstance(target, EmbeddedTarget):
        keep_links(target.database, links)
    return Carried(receipts, None if links is None else len(links))


async def _receipts(source: Source) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    if isinstance(source, EmbeddedSource):
        for page in settled(source.database):
            yield [asdict(message) for message in page]
    elif isinstance(source, ClusterSource):
        async for receipts in source.receipts():
            yield receipts


def _links(source: Source, settings: Settings) -> Links | None:
    now = time.time_ns() // 1000
    if isinstance(source, EmbeddedSource):
        return used_links(source.database, now)
    with link_of(settings.need_cluster()) as link:
        try:
            return [(name, until) for name, until in Claims(link, LINKS).standing() if until > now]
        except StorageError:
            return None


def _use(links: Links, settings: Settings) -> None:
    now = time.time_ns() // 1000
    with link_of(settings.need_cluster()) as link:
        claims = Claims(link, LINKS)
        try:
            for name, until in links:
                claims.claim(name, MOVE, until, now)
        except StorageError as error:
            raise lists_away(error) from error
