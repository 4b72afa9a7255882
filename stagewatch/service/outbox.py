"""Durable rows of messages and of used links, in the workspace's database beside the log.

Messages enter from the log of `notifications` in its order, together with the place up to which they have
been
taken, so none is lost or entered twice. Another connection than the engine's; each method is one transaction.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connectors.channels.notification import Notification, decode_notification
from connectors.channels.outbox import OutboxRow
from stagewatch.service.messages import COLUMNS, Message, message_of
from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database, Row
from streams.topology import NOTIFICATIONS

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

TABLE = "outbox"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, state TEXT NOT NULL, channel TEXT NOT NULL,"
    " receiver TEXT NOT NULL, alert TEXT NOT NULL, entered INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, reason TEXT, owner TEXT, lease INTEGER, settled INTEGER,"
    " at INTEGER NOT NULL, record BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS outbox_due ON outbox (state, next_at, id)",
    "CREATE INDEX IF NOT EXISTS outbox_alert ON outbox (alert)",
    "CREATE TABLE IF NOT EXISTS outbox_place (one INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox_settled (id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS outbox_settles AFTER UPDATE OF state ON outbox WHEN NEW.state <> 'waiting'"
    " BEGIN INSERT OR IGNORE INTO outbox_settled VALUES (NEW.id); END",
    "CREATE TABLE IF NOT EXISTS used_links (link TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
)
PLACE = "SELECT position FROM outbox_place"
_SET_PLACE = "INSERT OR REPLACE INTO outbox_place VALUES (1, ?)"
_ENTER = (
    "INSERT OR IGNORE INTO outbox (id, state, channel, receiver, alert, entered, next_at, attempts, at,"
    " record) VALUES (?, 'waiting', ?, ?, ?, ?, ?, 0, ?, ?)"
)
_DUE = (
    "SELECT record, entered, next_at, attempts, reason, owner, lease FROM outbox WHERE state = 'waiting'"
    " AND max(next_at, CASE WHEN lease IS NULL OR owner = ? THEN next_at ELSE lease END) <= ?"
    " AND channel NOT IN (SELECT value FROM json_each(?)) ORDER BY next_at, id LIMIT ?"
)
_NEXT_DUE = (
    "SELECT min(max(next_at, CASE WHEN lease IS NULL OR owner = ? THEN next_at ELSE lease END)) FROM outbox"
    " WHERE state = 'waiting' AND channel NOT IN (SELECT value FROM json_each(?))"
)
_CLAIM = (
    "UPDATE outbox SET owner = ?, lease = ? WHERE id = ? AND state = 'waiting'"
    " AND max(next_at, CASE WHEN lease IS NULL OR owner = ? THEN next_at ELSE lease END) <= ?"
)
_MARK_RETRY = (
    "UPDATE outbox SET attempts = attempts + 1, next_at = ?, reason = ?, owner = NULL, lease = NULL"
    " WHERE id = ? AND state = 'waiting' AND owner = ?"
)
_RETRY_NOW = "UPDATE outbox SET next_at = ? WHERE state = 'waiting' AND next_at > ?"
_MARK_FAILED = (
    "UPDATE outbox SET state = 'failed', attempts = attempts + 1, reason = ?, settled = ?, owner = NULL,"
    " lease = NULL WHERE id = ? AND state = 'waiting' AND owner = ?"
)
_SETTLED = " ".join(
    [
        "SELECT",
        COLUMNS,
        "FROM outbox WHERE id IN (SELECT id FROM outbox_settled) ORDER BY settled, id LIMIT ?",
    ]
)
_MARK_SENT = (
    "UPDATE outbox SET state = 'sent', attempts = attempts + 1, reason = ?, settled = ?, owner = NULL,"
    " lease = NULL WHERE id = ? AND state = 'waiting'"
)

PAGE = 500
"""Messages entered in one transaction at most."""

Sign = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes the wanted links of a message's record into signed ones."""


class SqliteOutbox:
    """Implements `connectors.channels.outbox.OutboxStore` and the console's `UsedLinks`.

    sign: makes signed links at the moment of sending; what is stored holds none.
    """

    def __init__(self, directory: Path, sign: Sign) -> None:
        self._db = Database(directory)
        self._log = Log(self._db)
        self._sign = sign
        self._lock = threading.Lock()
        for statement in SCHEMA:
            self._db.rows(statement)
        self._position = self._saved()

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._db.close()

    # -- entering ----------------------------------------------------------------------------------------

    async def enter(self, now: int) -> int:
        """Take the messages that the log has got since; how many. now: wall clock us."""
        return await self._do(lambda: self._enter(now))

    def _enter(self, now: int) -> int:
        entered = 0
        while page := self._page():
            values = [
                (
                    v["id"],
                    v["channel"],
                    v["receiver"],
                    str(v.get("alert") or ""),
                    now,
                    now,
                    v["at"],
                    _encode(v),
                )
                for v in (record.value for record in page)
            ]
            self._db.write(_ENTER, values)
            self._db.write(_SET_PLACE, [(page[-1].position + 1,)])
            self._db.commit()
            self._position = page[-1].position + 1
            entered += len(page)
        return entered

    def _page(self) -> list[Logged]:
        return list(islice(self._log.read(NOTIFICATIONS, first=self._position), PAGE))

    def _saved(self) -> int:
        found = self._db.row(PLACE)
        return 0 if found is None else int(found[0])

    # -- OutboxStore -------------------------------------------------------------------------------------

    async def due(
        self, now: int, limit: int, owner: str, excluding: Collection[str] = ()
    ) -> Sequence[OutboxRow]:
        """See `OutboxStore.due`."""
        values = (owner, now, _names(excluding), limit)
        rows = await self._do(lambda: self._db.rows(_DUE, values))
        return [self._row(row) for row in rows]

    async def next_due(self, owner: str, excluding: Collection[str] = ()) -> int | None:
        """See `OutboxStore.next_due`."""
        found = await self._do(lambda: self._db.row(_NEXT_DUE, (owner, _names(excluding))))
        return None if found is None or found[0] is None else int(found[0])

    async def claim(self, notification: str, owner: str, until: int, now: int) -> bool:
        """See `OutboxStore.claim`."""
        return await self._change(_CLAIM, (owner, until, notification, owner, now))

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """See `OutboxStore.mark_sent`."""
        await self._change(_MARK_SENT, (receipt, at, notification))

    async def mark_retry(self, notification: str, owner: str, next_at: int, reason: str) -> None:
        """See `OutboxStore.mark_retry`."""
        await self._change(_MARK_RETRY, (next_at, reason, notification, owner))

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """See `OutboxStore.mark_failed`."""
        await self._change(_MARK_FAILED, (reason, at, notification, owner))

    async def retry_now(self, now: int) -> None:
        """Messages that wait for another attempt are due at once: the process, and perhaps its cause, is
        new.
        """
        await self._change(_RETRY_NOW, (now, now))

    # -- receipts ----------------------------------------------------------------------------------------

    async def settled(self, limit: int) -> list[Message]:
        """Messages that were sent or have failed, and of which nobody was told yet, in that order."""
        rows = await self._do(lambda: self._db.rows(_SETTLED, (limit,)))
        return [message_of(row) for row in rows]

    async def told(self, messages: Sequence[str]) -> None:
        """What became of these messages is in the log."""
        names = msgspec.json.encode(messages).decode()
        await self._change(
            "DELETE FROM outbox_settled WHERE id IN (SELECT value FROM json_each(?))", (names,)
        )

    # -- UsedLinks ---------------------------------------------------------------------------------------

    async def claim_link(self, link: str, until: int) -> bool:
        """See `console.ports.UsedLinks.claim`."""
        return await self._change("INSERT OR IGNORE INTO used_links VALUES (?, ?)", (link, until))

    async def release_link(self, link: str) -> None:
        """See `console.ports.UsedLinks.release`."""
        await self._change("DELETE FROM used_links WHERE link = ?", (link,))

    # -- inside ------------------------------------------------------------------------------------------

    async def counts(self) -> tuple[int, int]:
        """(waiting, failed) messages."""
        rows = await self._do(lambda: self._db.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
        found = {str(state): int(count) for state, count in rows}
        return int(found.get("waiting", 0)), int(found.get("failed", 0))

    async def _change(self, sql: str, values: Sequence[object]) -> bool:
        def change() -> bool:
            self._db.begin()
            before = self._db.connection.total_changes
            self._db.rows(sql, values)
            changed = self._db.connection.total_changes > before
            self._db.commit()
            return changed

        return await self._do(change)

    async def _do(self, action: Callable[[], T]) -> T:
        return await asyncio.to_thread(self._locked, action)

    def _locked(self, action: Callable[[], T]) -> T:
        with self._lock:
            try:
                return action()
            except BaseException:
                self._db.reopen()
                raise

    def _row(self, row: Row) -> OutboxRow:
        record, entered, next_at, attempts, reason, owner, lease = row
        return OutboxRow(
            self._notification(_decode(record)), entered, next_at, attempts, reason, owner, lease
        )

    def _notification(self, record: Mapping[str, Any]) -> Notification:
        return decode_notification(dict(self._sign(record)))


class UsedLinks:
    """The console's port over a `SqliteOutbox`."""

    def __init__(self, outbox: SqliteOutbox) -> None:
        self._outbox = outbox

    async def claim(self, link: str, until: int) -> bool:
        """Mark the link as used; False when it was already."""
        return await self._outbox.claim_link(link, until)

    async def release(self, link: str) -> None:
        """Take a claim back."""
        await self._outbox.release_link(link)


def _names(excluding: Collection[str]) -> str:
    return msgspec.json.encode(sorted(excluding)).decode()
