"""What workers that deliver share by Redis: who sends a message just now, and how many a channel may send.

Both only save and smooth work: without Redis each worker sends what its partitions bring, and receipts keep
messages from going out twice. It sends nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from connectors.channels.notification import Notification
from stagewatch.worker.incarnation import Incarnation
from streams.kernel.contract import StorageError
from streams.views.redis.link import Link
from streams.views.redis.sharing import Bucket, Claims

HELD: Final = 5_000_000
"""How long (us) a message rests that another worker has in its hands."""

log = structlog.get_logger("stagewatch.delivery")


def bucket_of(link: Link, channel: str, per_minute: int) -> Bucket:
    """A bucket that lets at most `per_minute` through in any 60 seconds, a fifth of them at once."""
    burst = max(1, per_minute // 5)
    rate = (per_minute - burst) / 60 if per_minute > burst else per_minute / 60
    return Bucket(link, f"channel:{channel}", rate, burst)


class Gate:
    """Asked before each attempt. limits: channel -> messages in any 60 seconds, over all workers."""

    def __init__(self, link: Link, limits: Mapping[str, int]) -> None:
        self._claims = Claims(link, "delivery")
        self._buckets = {channel: bucket_of(link, channel, limit) for channel, limit in limits.items()}
        self._away = False
        self._freeing: Incarnation | None = None

    async def free(self, incarnation: Incarnation) -> None:
        """What dead workers of this folder had in hand is anybody's; tried again while Redis is away."""
        self._freeing = incarnation
        try:
            for former in incarnation.formers:
                await asyncio.to_thread(self._claims.end, former)
        except StorageError as error:
            log.warning("what a dead worker had claimed rests", error=str(error))
            return
        incarnation.told()
        self._freeing = None

    async def wait(self, note: Notification, owner: str, until: int, now: int) -> tuple[int, bool]:
        """(us to rest, whether another worker has the message); (0, False): send it now."""
        if self._freeing is not None:
            await self.free(self._freeing)
        try:
            found = await asyncio.to_thread(self._ask, note, owner, until, now)
            self._away = False
            return found
        except StorageError as error:
            if not self._away:
                log.warning("claims and limits are not shared: Redis is away", error=str(error))
            self._away = True
            return 0, False

    async def prolong(self, notification: str, owner: str, until: int, now: int) -> None:
        """The attempt goes on."""
        try:
            await asyncio.to_thread(self._claims.claim, notification, owner, until, now)
        except StorageError:
            self._away = True

    async def release(self, notification: str, owner: str) -> None:
        """The attempt is over."""
        try:
            await asyncio.to_thread(self._claims.release, notification, owner)
        except StorageError:
            self._away = True  # the claim ends by itself

    def _ask(self, note: Notification, owner: str, until: int, now: int) -> tuple[int, bool]:
        if not self._claims.claim(note.id, owner, until, now):
            return HELD, True
        bucket = self._buckets.get(note.channel)
        rest = 0 if bucket is None else bucket.take(now)
        if rest:
            self._claims.release(note.id, owner)
        return rest, False
