"""Messages of the outbox as people ask for them: what was sent about an alert, what waits, what has failed.

Reads only; also from another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import msgspec

from streams.stores.sqlite_db import Database, Row

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

COLUMNS: Final = "id, state, channel, receiver, alert, entered, settled, attempts, reason, at, record"


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one message. state: waiting, sent, failed. note: the receipt, or why it failed last.

    entered, settled: wall clock us. at: logical time us.
    """

    id: str
    state: str
    channel: str
    receiver: str
    alert: str
    entered: int
    settled: int | None
    attempts: int
    note: str | None
    at: int
    record: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """Why it was sent: fired, reminder, resolved, ..."""
        return str(self.record.get("reason", ""))


SHOWN: Final = ("address", "subject", "reason", "of")
"""Fields of a message's record that are kept when it is shown elsewhere."""


def waiting_message(record: Mapping[str, Any], entered: int) -> Message:
    """A message that waits to be sent. entered: wall clock us."""
    return Message(
        str(record["id"]),
        "waiting",
        str(record["channel"]),
        str(record["receiver"]),
        str(record.get("alert") or ""),
        entered,
        None,
        0,
        None,
        int(record["at"]),
        shown(record),
    )


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a message's record when it is shown elsewhere."""
    return {name: record[name] for name in SHOWN if name in record}


_OF_ALERT = " ".join(["SELECT", COLUMNS, "FROM outbox WHERE alert = ? ORDER BY entered, at, id"])


def messages_of(database: Database, alert: str) -> list[Message]:
    """What was sent, or shall be, about an alert, oldest first."""
    return [message_of(row) for row in database.rows(_OF_ALERT, (alert,))]


def message_of(row: Row) -> Message:
    """A row of `COLUMNS`."""
    name, state, channel, receiver, alert, entered, settled, attempts, note, at, record = row
    decoded = _decode(record)
    return Message(name, state, channel, receiver, alert, entered, settled, attempts, note, at, decoded)


def row_of(message: Message) -> Row:
    """The inverse of `message_of`."""
    *values, record = (getattr(message, one.name) for one in fields(message))
    return (*values, _encode(record))
