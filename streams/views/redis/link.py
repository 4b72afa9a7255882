"""One Redis and the names in it: scripts by file name, run atomically; faults come as StorageError.

It knows no script's meaning. All keys of one system carry one hash tag, so that they share a slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Self

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from streams.kernel.contract import StorageError

Argument = str | bytes | int

TIMEOUT = 5.0
"""Seconds until Redis must have answered."""

BEFORE: Mapping[str, Sequence[str]] = {"items": ("groups",), "count": ("groups",)}
"""Scripts that begin with functions kept in other files, and which those are."""


class Link:
    """A connection pool; may be shared by threads.

    prefix: begins all keys, so that several systems can share a Redis. options: what `redis.Redis.from_url`
    takes beside the URL (login, certificates).

    Example:
        link = Link("redis://127.0.0.1:6379/0", "stagewatch", {"password": "..."})
        link.run("claim", "claim:m1", [...])
    """

    def __init__(self, url: str, prefix: str, options: Mapping[str, Any] | None = None) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.01), 3),
            **(options or {}),
        )
        self._base = f"{{{prefix}}}:"
        self._scripts: dict[str, Any] = {}

    def run(self, script: str, key: str, arguments: Sequence[Argument] = ()) -> Any:
        """Run `script`.lua on one key (a name, or a beginning of names) and return its answer.

        Every script may run again: a lost answer is asked for anew.

        Raises:
            StorageError: Redis cannot be reached, or refuses.
        """
        prepared = self._scripts.get(script)
        if prepared is None:
            parts = [files(__package__).joinpath(f"{part}.lua") for part in (*BEFORE.get(script, ()), script)]
            text = "".join(part.read_text(encoding="utf-8") for part in parts)
            prepared = self._scripts[script] = self._client.register_script(text)
        try:
            return prepared(keys=[self._base + key], args=arguments)
        except redis.RedisError as error:
            raise StorageError(f"Redis: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
