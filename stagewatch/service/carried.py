"""Messages and used links of a workspace that is moved, out of its tables and into another's.

Between two workspaces all that is known goes at once (`carry_over`). It decides nothing about messages. The
tables are `outbox`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from stagewatch.service.messages import COLUMNS, Message, message_of, row_of, shown
from stagewatch.service.outbox import PLACE, SCHEMA, TABLE
from streams.machines.inbox.machine import NOTIFICATION
from streams.machines.inbox.notice import inbox_key
from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database
from streams.topology import NOTIFICATIONS

_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_THERE_BEFORE = "SELECT 1 FROM old.sqlite_master WHERE type = 'table' AND name = ?"
_WAITING = "SELECT record FROM outbox WHERE state = 'waiting' ORDER BY next_at, id"
_SETTLED = " ".join(
    ["SELECT", COLUMNS, "FROM outbox WHERE state <> 'waiting' AND id > ? ORDER BY id LIMIT ?"]
)
_UNTOLD = " ".join(
    ["SELECT", COLUMNS, "FROM outbox WHERE id IN (SELECT id FROM outbox_settled) ORDER BY settled, id"]
)
_LINKS = "SELECT link, until FROM used_links WHERE until > ?"
_KEEP = " ".join(
    ["INSERT OR REPLACE INTO outbox (", COLUMNS, ", next_at) VALUES (", ", ".join("?" * 12), ")"]
)
_COPIES = (
    "INSERT INTO outbox SELECT * FROM old.outbox",
    "INSERT INTO outbox_place SELECT * FROM old.outbox_place",
    "INSERT INTO outbox_settled SELECT * FROM old.outbox_settled",
    "INSERT INTO used_links SELECT * FROM old.used_links",
)
_COUNTS = ("SELECT count(*) FROM outbox WHERE state <> 'waiting'", "SELECT count(*) FROM used_links")

PAGE = 1000
"""Messages that are read at once."""

_decode = msgspec.msgpack.Decoder().decode


@dataclass(frozen=True, slots=True)
class Carried:
    """How many receipts of messages and used links went along. links None: nobody knows which were used."""

    receipts: int
    links: int | None


async def unsent(database: Database) -> AsyncIterator[Logged]:
    """Notifications of a workspace that wait to be sent, in the order in which they are due."""
    first = 0
    if database.row(_THERE, (TABLE,)) is not None:
        found = database.row(PLACE)
        first = 0 if found is None else int(found[0])
        for (record,) in database.rows(_WAITING):
            value = _decode(record)
            yield Logged(
                NOTIFICATIONS, 0, -1, inbox_key(value["receiver"]), NOTIFICATION, value, value["at"], 0, 0
            )
    for logged in Log(database).read(NOTIFICATIONS, first=first):
        yield logged


async def every(database: Database) -> AsyncIterator[Logged]:
    """All notifications of a workspace, sent or not."""
    for logged in Log(database).read(NOTIFICATIONS):
        yield logged


def settled(database: Database) -> Iterator[list[Message]]:
    """Messages that were sent or have failed, in pages; without their texts."""
    last = ""
    while page := _messages(database, _SETTLED, (last, PAGE)):
        yield page
        last = page[-1].id


def untold(database: Database) -> list[Message]:
    """Those of them that the log does not know of yet."""
    return _messages(database, _UNTOLD)


def used_links(database: Database, now: int) -> list[tuple[str, int]]:
    """(digest, until us) of used links that have not expired at `now` us."""
    if database.row(_THERE, (TABLE,)) is None:
        return []
    return [(str(link), int(until)) for link, until in database.rows(_LINKS, (now,))]


def keep_settled(database: Database, messages: Iterable[Message]) -> None:
    """Take messages that are settled; of one message the last counts."""
    for statement in SCHEMA:
        database.rows(statement)
    database.write(_KEEP, ((*row_of(message), message.settled) for message in messages))
    database.commit()


def keep_links(database: Database, links: Iterable[tuple[str, int]]) -> None:
    """Take used links."""
    for statement in SCHEMA:
        database.rows(statement)
    database.write("INSERT OR REPLACE INTO used_links VALUES (?, ?)", links)
    database.commit()


def _messages(database: Database, sql: str, values: Sequence[object] = ()) -> list[Message]:
    if database.row(_THERE, (TABLE,)) is None:
        return []
    found = (message_of(row) for row in database.rows(sql, values))
    return [replace(message, record=shown(message.record)) for message in found]


def carry_over(old: Path, new: Database) -> Carried:
    """Take what became of messages and which links were used from the database file `old`.

    Its notifications have the same places in both.
    """
    new.rows("ATTACH DATABASE ? AS old", (str(old),))
    found = Carried(0, 0)
    if new.row(_THERE_BEFORE, (TABLE,)) is not None:
        new.begin()
        for statement in (*SCHEMA, *_COPIES):
            new.rows(statement)
        new.commit()
        found = Carried(*(int((new.row(sql) or (0,))[0]) for sql in _COUNTS))
    new.rows("DETACH DATABASE old")
    return found
