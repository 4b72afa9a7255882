"""Dead letters on their way: those of partitions that share a change are one. Does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from streams.kernel.contract import SHARED
from streams.stores.sqlite_dlq import DeadLetter

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def distinct(letters: Iterable[DeadLetter]) -> Iterator[DeadLetter]:
    """Each letter; of a change that several partitions have refused, the first."""
    seen: set[tuple[str, bytes]] = set()
    for letter in letters:
        place = (letter.machine, _encode(letter.what))
        if letter.key != SHARED or place not in seen:
            seen.add(place)
            yield letter
