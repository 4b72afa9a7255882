"""Dead letters as records of `<topic>.dlq`, and the records by which they are tried again.

A letter is JSON: what was refused (as plain data, or raw when it could not be read), why, and where it stood.
It must not do I/O.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import StagewatchError
from schemas.topics import EVENTS, dlq_of
from streams.kernel.contract import SHARED, Record
from streams.kernel.driver import Dead
from streams.runtimes.cluster.codec import PLACE, Headers, Line, Lines, encode, line
from streams.runtimes.cluster.inputs import Input
from streams.runtimes.cluster.reading import LETTER, RETRY
from streams.stores.sqlite_dlq import IMPORT, as_plain

REASON = "sw-reason"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a task stands: machine, partition, its first input, and the record in hand (None: none)."""

    machine: str
    number: int
    home: str
    item: Input | None


def of_dead(spot: Spot, dead: Dead) -> tuple[tuple[str, int], Line]:
    """What the machine refused: ((topic, partition) of the letter, the letter)."""
    what = dead.what
    topic = what.topic if isinstance(what, Record) and what.topic else spot.home
    fields = {"what": as_plain(what), "raw": None, "at": what.at}
    return _letter(spot, topic, what.key.encode(), dead.error, fields)


def of_raw(spot: Spot, item: Input, error: StagewatchError) -> tuple[tuple[str, int], Line]:
    """A record that could not be read."""
    record = item.record
    raw = raw_of(record.key, record.value, record.headers)
    return _letter(spot, item.topic, record.key or b"", error, {"what": None, "raw": raw, "at": item.at})


def of_outside(
    place: tuple[str, int, int], record: tuple[bytes | None, bytes | None, Headers], error: StagewatchError
) -> Line:
    """A record of anybody that a stage without rows could not read; place: topic, partition, offset."""
    topic, number, offset = place
    key, body, headers = record
    value = {
        "machine": "",
        "topic": topic,
        "home": topic,
        "partition": number,
        "position": {"topic": topic, "partition": number, "offset": offset},
        "error": error.to_dict(),
        "what": None,
        "raw": raw_of(key, body, headers),
        "at": 0,
    }
    return key, encode(value), [(REASON, error.code.encode()), *headers]


def of_row(row: Mapping[str, Any], number: int, at: int) -> Line:
    """A row of an import that could not be read: its key, value and error. at: us."""
    value = {
        "machine": IMPORT,
        "topic": IMPORT,
        "home": EVENTS,
        "partition": number,
        "position": None,
        "error": row["error"],
        "what": as_plain(Record(IMPORT, row["key"], "row", row["value"], at)),
        "raw": None,
        "at": at,
    }
    return str(row["key"]).encode(), encode(value), [(REASON, row["error"]["code"].encode())]


def again(letter: Mapping[str, Any], name: str) -> Lines:
    """The records by which a letter is tried again; the task takes each name once only.

    name: of the letter, e.g. its topic, partition and offset.
    """
    home = (letter["home"], int(letter["partition"]))
    mark = (LETTER, name.encode())
    if letter["raw"] is not None:
        raw = letter["raw"]
        headers = [(h, _bytes(value) or b"") for h, value in raw["headers"] if h != LETTER]
        return {(letter["topic"], home[1]): [(_bytes(raw["key"]), _bytes(raw["value"]), [*headers, mark])]}
    key, value, place = line(Record(home[0], SHARED, RETRY, letter["what"], 0))
    return {home: [(key, value, [*place, mark])]}


def _letter(
    spot: Spot, topic: str, key: bytes, error: StagewatchError, fields: Mapping[str, Any]
) -> tuple[tuple[str, int], Line]:
    place = None
    headers: list[tuple[str, bytes]] = []
    if spot.item is not None:
        place = {"topic": spot.item.topic, "partition": spot.item.partition, "offset": spot.item.offset}
        headers = [pair for pair in spot.item.record.headers if pair[0] != PLACE]
    value = {
        "machine": spot.machine,
        "topic": topic,
        "home": spot.home,
        "partition": spot.number,
        "position": place,
        "error": error.to_dict(),
        **fields,
    }
    return (dlq_of(topic), spot.number), (key, encode(value), [(REASON, error.code.encode()), *headers])


def raw_of(key: bytes | None, value: bytes | None, headers: Headers) -> dict[str, Any]:
    """The bytes of a record in a form that JSON holds."""
    return {
        "key": _text(key),
        "value": _text(value),
        "headers": [[name, _text(value)] for name, value in headers],
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)
