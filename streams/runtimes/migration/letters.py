"""Dead letters on their way: those of partitions that share a change are one. Does no I/O."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from streams.kernel.contract import SHARED
from streams.stores.sqlite_dlq import DeadLetter

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def distinct(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """Each letter; of a change that several partitions have refused, the first."""
    found: list[DeadLetter] = []
    seen: set[tuple[str, bytes]] = set()
    for letter in letters:
        place = (letter.machine, _encode(letter.what))
        if letter.key != SHARED or place not in seen:
            seen.add(place)
            found.append(letter)
    return found
