"""Messages of a workspace that is moved: those that were not sent yet, or all that is known of them.

It decides nothing about messages. The tables are `outbox`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from stagewatch.service.outbox import PLACE, SCHEMA, TABLE
from streams.machines.inbox.machine import NOTIFICATION
from streams.machines.inbox.notice import inbox_key
from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database
from streams.topology import NOTIFICATIONS

_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_THERE_BEFORE = "SELECT 1 FROM old.sqlite_master WHERE type = 'table' AND name = ?"
_WAITING = "SELECT record FROM outbox WHERE state = 'waiting' ORDER BY next_at, id"
_COPIES = (
    "INSERT INTO outbox SELECT * FROM old.outbox",
    "INSERT INTO outbox_place SELECT * FROM old.outbox_place",
    "INSERT INTO outbox_settled SELECT * FROM old.outbox_settled",
    "INSERT INTO used_links SELECT * FROM old.used_links",
)

_decode = msgspec.msgpack.Decoder().decode


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


def carry_over(old: Path, new: Database) -> None:
    """Take what became of messages and which links were used from the database file `old`.

    Its notifications have the same places in both.
    """
    new.rows("ATTACH DATABASE ? AS old", (str(old),))
    if new.row(_THERE_BEFORE, (TABLE,)) is not None:
        new.begin()
        for statement in (*SCHEMA, *_COPIES):
            new.rows(statement)
        new.commit()
    new.rows("DETACH DATABASE old")
