"""Messages about alerts in Redis: that they wait, then what became of them. Found by the alert.

Filled from the topics of messages and receipts, in any order and as often as one likes. An alert's messages
are kept for some time after the last of them. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec

from streams.views.redis.link import Link

MESSAGES: Final = "messages1:"
"""Begins the keys; another layout gets another number."""

KEPT_MS: Final = 30 * 86_400_000
PAGE: Final = 500

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Told:
    """A message, or what became of it. settled: it was sent or has failed. at_ms: wall clock of the record.

    row: as `of` gives it; at least its `id`.
    """

    alert: str
    row: dict[str, Any]
    settled: bool
    at_ms: int


class RedisMessages:
    """Takes messages and gives them back; may be shared by threads.

    Example:
        messages = RedisMessages(link)
        messages.project([Told("a1", {"id": "m1", "state": "waiting"}, False, now_ms)])
        messages.of("a1")
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def project(self, told: Iterable[Told]) -> None:
        """Take messages, up to PAGE all or none. Raises StorageError."""
        rest = iter(told)
        while page := list(islice(rest, PAGE)):
            heads = [[one.alert, one.row["id"], int(one.settled), str(one.at_ms + KEPT_MS)] for one in page]
            values = [_encode(one.row) for one in page]
            self._link.run("messages", MESSAGES, ["project", _encode(heads), *values])

    def of(self, alert: str) -> list[dict[str, Any]]:
        """The messages about an alert, in no order."""
        return [_decode(value) for value in self._link.run("messages", MESSAGES, ["of", alert])]
