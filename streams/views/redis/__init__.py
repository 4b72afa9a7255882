"""The view of the cluster in Redis, and what workers share there: claims, rate limits, who is alive.

Nothing here is a source of truth: Redis may be lost at any moment and is filled again from the topics.
"""

from streams.views.redis.link import Link
from streams.views.redis.reader import RedisViewReader
from streams.views.redis.view import RedisView

__all__ = ["Link", "RedisView", "RedisViewReader"]
