"""Records as Kafka holds them, both ways: key, JSON value, one header with the record's place.

    header `sw` = kind, at, feed, n and the machine that wrote it, separated by blanks
    header `sw-late`: the record is late (`streams.kernel.contract.Record`)

What has no such header came from outside. It must not do I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.errors import StreamError, show
from streams.kernel.contract import Record

PLACE, LATE = "sw", "sw-late"

Headers = Sequence[tuple[str, bytes]]
Line = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""(key, value, headers) of a record to be written."""

Lines = dict[tuple[str, int], list[Line]]
"""(topic, partition) -> records to be appended there."""

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder().decode
_unpack_address = msgspec.msgpack.Decoder(tuple[str, str, str]).decode


class Place(msgspec.Struct, frozen=True, gc=False):
    """What the headers say. writer: the machine, "" for an intake entry."""

    kind: str
    at: int
    feed: int
    n: int
    writer: str
    late: bool = False


def line(record: Record, writer: str = "") -> Line:
    """A record to be written."""
    place = f"{record.kind} {record.at} {record.feed} {record.n} {writer}"
    headers = [(PLACE, place.encode())]
    if record.late:
        headers.append((LATE, b""))
    return record.key.encode(), encode(record.value), headers


def place_of(headers: Headers) -> Place | None:
    """The place in the headers; None for a record from outside.

    Raises:
        StreamError: SW-STREAM-041, it cannot be read.
    """
    for name, raw in headers:
        if name == PLACE:
            try:
                kind, at, feed, n, writer = raw.decode().split(" ")
                late = len(headers) > 1 and any(other == LATE for other, _ in headers)
                return Place(kind, int(at), int(feed), int(n), writer, late)
            except ValueError as error:
                raise unreadable("header sw", show(raw.decode("utf-8", "replace")), str(error)) from error
    return None


def value_of(value: bytes | None) -> Any:
    """The JSON value of a record of ours.

    Raises:
        StreamError: SW-STREAM-041, it is no JSON.
    """
    try:
        return _decode(value or b"null")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(
            "value", show((value or b"")[:200].decode("utf-8", "replace")), str(error)
        ) from error


def key_of(key: bytes | None) -> str:
    """The key of a record.

    Raises:
        StreamError: SW-STREAM-041, it is no UTF-8.
    """
    try:
        return (key or b"").decode()
    except UnicodeDecodeError as error:
        raise unreadable("key", show(repr(key)), str(error)) from error


def row_line(address: tuple[str, str, str], packed: bytes | None) -> Line:
    """A changed row, its value packed, as a record of the changelog; None deletes it."""
    return pack(address), packed, []


def row_of(key: bytes | None, value: bytes | None) -> tuple[tuple[str, str, str], Any]:
    """The inverse of `row_line`."""
    return _unpack_address(key or b""), None if value is None else unpack(value)


def unreadable(place: str, found: str, why: str) -> StreamError:
    """The error of a record that nobody can read."""
    return StreamError(
        "SW-STREAM-041",
        place=place,
        expected="what Stagewatch or a CloudEvents producer writes",
        found=f"{found} ({why})",
        next_step="correct the producer; replay the dead letter if a newer version can read it",
    )
