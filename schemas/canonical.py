"""Canonical bytes, digests and the partition hash: the same for the same content, on every machine, for good.

Ids of alerts and the partition of a key rest on these, so no result of this module may ever change.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from schemas.envelope import ASSUMED_TIME, Event

_ENCODER: Final = msgspec.json.Encoder(order="sorted")

TRANSIT: Final = frozenset(
    (
        "traceparent",
        "tracestate",
        "baggage",
        "partitionkey",
        "sequence",
        "sequencetype",
        "sampledrate",
        "expirytime",
    )
)
"""Extensions that a transport adds or changes on the way; they are no part of an event's content."""


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8 unescaped. Takes what JSON can hold; numbers must be finite.

    >>> canonical_json({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'
    """
    return _ENCODER.encode(value)


def digest(*parts: str) -> str:
    """32 hex digits (BLAKE2b, 16 bytes) of the parts. Each is written with its length, so ("ab", "c") and
    ("a", "bc") differ.
    """
    hasher = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        hasher.update(b"%d:" % len(raw))
        hasher.update(raw)
    return hasher.hexdigest()


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, 0 .. partitions-1: the first 8 bytes of BLAKE2b (digest size 8) of the key's
    UTF-8, read as a big-endian number, modulo ``partitions``.

    Raises:
        ValueError: ``partitions`` is less than 1.
    """
    if partitions < 1:
        raise ValueError(f"at least one partition is needed, not {partitions}")
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % partitions


def content_digest(event: Event) -> str:
    """32 hex digits of what the event says: two deliveries of one event agree, another content differs.

    Left out: ``recorded``, the extensions in ``TRANSIT``, and ``time`` when the source gave none and the
    arrival was taken for it.
    """
    assumed = ASSUMED_TIME in event.ext
    ext = {name: value for name, value in event.ext.items() if name not in TRANSIT}
    time = None if assumed else event.time
    content = [event.source, event.id, event.type, event.subject, time, event.precision, event.data, ext]
    return blake2b(canonical_json(content), digest_size=16).hexdigest()
