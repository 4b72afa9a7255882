"""What workers share in Redis: claims that expire, rate limits, and who is alive. Time comes from the caller.

All of it only saves work or smooths it: when Redis is lost, claims and limits begin anew, and whoever relies
on them must be right without. Owners' clocks may differ: a claim then ends sooner or later by the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.views.redis.link import Link

PAGE = 500
"""Keys that Redis looks at in one go."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Claims:
    """Claims on things by id. kind: begins their keys, so that ids of different kinds do not meet.

    Example:
        claims = Claims(link, "delivery")
        claims.claim("m1", "worker-1", until=now + 60_000_000, now=now)
    """

    def __init__(self, link: Link, kind: str) -> None:
        self._link = link
        self._kind = kind
        self._ended = f"ended:{kind}:"

    def claim(self, ident: str, owner: str, until: int, now: int) -> bool:
        """Claim it until `until` (us), or prolong one's own claim; False while another owner has it.

        Raises:
            StorageError: Redis cannot be reached.
        """
        return bool(self._link.run("claim", self._key(ident), ["claim", owner, until, now, self._ended]))

    def release(self, ident: str, owner: str) -> bool:
        """End one's own claim; False when it was not (or no longer) the owner's."""
        return bool(self._link.run("claim", self._key(ident), ["release", owner]))

    def end(self, owner: str) -> None:
        """`owner` does not live any more and never will again: all its claims are free."""
        self._link.run("claim", f"{self._ended}{owner}", ["end"])

    def standing(self) -> Iterator[tuple[str, int]]:
        """(id, until us) of each claim that Redis still knows; of those made meanwhile perhaps not.

        Raises:
            StorageError: Redis cannot be reached.
        """
        cursor = b"0"
        while True:
            cursor, *found = self._link.run("claims", self._key(""), [cursor, PAGE])
            for ident, until in zip(found[::2], found[1::2], strict=True):
                yield ident.decode(), int(until)
            if cursor == b"0":
                return

    def _key(self, ident: str) -> str:
        return f"claim:{self._kind}:{ident}"


class Bucket:
    """A rate limit that all workers keep together: `per_second` on average, `burst` at once.

    The clock that is ahead decides; a worker that is behind gets nothing by going back.
    """

    def __init__(self, link: Link, name: str, per_second: float, burst: float) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a bucket needs a rate above 0 and room for 1")
        self._link = link
        self._key = f"bucket:{name}"
        self._rate, self._burst = per_second, burst

    def take(self, now: int, count: int = 1) -> int:
        """Take tokens: 0 when they were there, else the us after which to ask again (nothing was taken).

        Raises:
            StorageError: Redis cannot be reached. ValueError: more than the bucket ever holds.
        """
        if count > self._burst:
            raise ValueError(f"{count} of at most {self._burst:g}")
        return int(self._link.run("bucket", self._key, [f"{self._rate!r}", f"{self._burst!r}", count, now]))


class Members:
    """Who is alive: each worker announces itself again and again, and is forgotten when it does not."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def announce(self, name: str, about: Mapping[str, Any], until: int) -> None:
        """`name` lives at least until `until` (us). about: where its metrics are (`url`), its roles, ..."""
        self._link.run("members", "members:", ["announce", name, _encode(dict(about)), until])

    def leave(self, name: str) -> None:
        """`name` ends in good order."""
        self._link.run("members", "members:", ["leave", name])

    def alive(self, now: int) -> dict[str, dict[str, Any]]:
        """Name -> what it said about itself, of all that live at `now` (us)."""
        found = self._link.run("members", "members:", ["alive", now])
        pairs = zip(found[::2], found[1::2], strict=True)
        return {name.decode(): _decode(about) for name, about in sorted(pairs)}
