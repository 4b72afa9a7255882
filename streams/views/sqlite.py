"""The embedded view: alerts, tasks and approvals as they stand, and how it came so, from their sink topics.

`SqliteView` projects in the transaction of the batch that wrote the transitions, and can be rebuilt from the
log; `ViewReader` answers questions, also from other processes. Neither decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from rules.lifecycle import OPEN, OPEN_TASK
from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database, Row

OPEN_STATES: dict[str, frozenset[str]] = {
    "alerts": OPEN,
    "tasks": OPEN_TASK,
    "approvals": frozenset({"requested", "timed_out"}),
}
"""Topic -> states in which somebody still has to do something."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

_PUT = (
    "INSERT OR REPLACE INTO views (topic, item, n, state, is_open, severity, rule, account, kind, key, alert,"
    " at, due, opened, position, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIND = "SELECT value, opened, position, n FROM views WHERE topic = ? AND item = ?"
_HISTORY = "SELECT value FROM view_history WHERE topic = ? AND item = ? ORDER BY n"
_OF_ALERT = "SELECT value, opened, position, n FROM views WHERE topic = ? AND alert = ? ORDER BY opened, item"
_PREFIX = (
    "SELECT value, opened, position, n, item FROM views WHERE topic = ? AND item >= ? AND item < ? LIMIT 20"
)
_EQUAL = {
    "state": "state = ?",
    "severity": "severity = ?",
    "rule": "rule = ?",
    "account": "account = ?",
    "entity": "kind = ?",
    "key": "key = ?",
    "receiver": "item IN (SELECT item FROM view_receivers r WHERE r.topic = views.topic AND r.receiver = ?)",
}


@dataclass(frozen=True, slots=True)
class Item:
    """An alert, task or approval as it stands. value: its last transition. opened: `at` (us) of the first."""

    topic: str
    id: str
    value: dict[str, Any]
    opened: int
    position: int
    n: int


class SqliteView:
    """Writes the view's tables in the open transaction. `log` is where a rebuild reads from."""

    topics = tuple(OPEN_STATES)

    def __init__(self, database: Database, log: Log) -> None:
        self._db = database
        self._log = log

    def project(self, transitions: Iterable[Logged]) -> None:
        """Take transitions in the order of their positions; one seen before changes nothing."""
        for transition in transitions:
            if transition.topic in OPEN_STATES and isinstance(transition.value, dict):
                self._take(transition)

    def rebuild(self) -> None:
        """Throw the view away and fill it from the log."""
        self._db.begin()
        for statement in ("DELETE FROM views", "DELETE FROM view_receivers", "DELETE FROM view_history"):
            self._db.rows(statement)
        for topic in OPEN_STATES:
            self.project(self._log.read(topic))

    def _take(self, transition: Logged) -> None:
        topic, value = transition.topic, transition.value
        item = str(value["alert"] if topic == "alerts" else value["item"])
        found = self._db.row(_FIND, (topic, item))
        n = int(value["n"])
        if found is not None and found[3] >= n:
            return
        history = (topic, item, n, str(value["id"]), transition.position, _encode(value))
        self._db.write("INSERT OR IGNORE INTO view_history VALUES (?, ?, ?, ?, ?, ?)", [history])
        opened = transition.at if found is None else found[1]
        merged = value if found is None else _with_facts(value, _decode(found[0]))
        self._db.write(_PUT, [_columns(transition, item, merged, opened)])
        receivers = [(topic, str(receiver), item) for receiver in value.get("receivers", ())]
        self._db.write("DELETE FROM view_receivers WHERE topic = ? AND item = ?", [(topic, item)])
        self._db.write("INSERT OR IGNORE INTO view_receivers VALUES (?, ?, ?)", receivers)


class ViewReader:
    """Questions to the view; `database` may be read-only. Each answer is as of one committed batch."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def items(
        self,
        topic: str,
        *,
        open_only: bool = False,
        newest_first: bool = True,
        limit: int = 100,
        **equal: str,
    ) -> list[Item]:
        """Items of `alerts`, `tasks` or `approvals`.

        equal: any of state, severity, rule, account, entity (kind), key (native id), receiver ("person:<id>").

        Raises:
            KeyError: an unknown filter.
        """
        conditions = ["topic = ?", *(_EQUAL[name] for name in equal)]
        if open_only:
            conditions.append("is_open = 1")
        order = "opened DESC, item DESC" if newest_first else "opened, item"
        sql = ["SELECT value, opened, position, n, item FROM views WHERE", " AND ".join(conditions)]
        rows = self._db.rows(" ".join([*sql, "ORDER BY", order, "LIMIT ?"]), (topic, *equal.values(), limit))
        return [_item(topic, row[4], row) for row in rows]

    def get(self, topic: str, item: str) -> Item | None:
        """One item."""
        row = self._db.row(_FIND, (topic, item))
        return None if row is None else _item(topic, item, row)

    def history(self, topic: str, item: str) -> list[dict[str, Any]]:
        """All transitions of an item, oldest first."""
        return [_decode(row[0]) for row in self._db.rows(_HISTORY, (topic, item))]

    def of_alert(self, topic: str, alert: str) -> list[Item]:
        """Tasks or approvals that an alert opened."""
        rows = self._db.rows(_OF_ALERT, (topic, alert))
        return [_item(topic, str(_decode(row[0]).get("item", alert)), row) for row in rows]

    def find(self, topic: str, prefix: str) -> list[Item]:
        """Items whose id begins with `prefix` (people type the first few digits); at most 20."""
        rows = self._db.rows(_PREFIX, (topic, prefix, prefix + "\U0010ffff"))
        return [_item(topic, row[4], row) for row in rows]

    def count_open(self, topic: str) -> int:
        """Number of open items."""
        row = self._db.row("SELECT count(*) FROM views WHERE topic = ? AND is_open = 1", (topic,))
        return 0 if row is None else int(row[0])


def _item(topic: str, item: str, row: Row) -> Item:
    return Item(topic, item, _decode(row[0]), row[1], row[2], row[3])


def _with_facts(value: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A transition that brings no facts for people keeps the last ones."""
    return {**value, "data": before["data"]} if "data" in before and "data" not in value else value


def _columns(transition: Logged, item: str, value: dict[str, Any], opened: int) -> tuple[object, ...]:
    state = str(value["state"])
    return (
        transition.topic, item, int(value["n"]), state, state in OPEN_STATES[transition.topic],
        str(value.get("severity", "")), str(value.get("rule", "")), str(value.get("account") or ""),
        str(value.get("entity", "")), str(value.get("key", "")), str(value["alert"]), transition.at,
        value.get("due"), opened, transition.position, _encode(value),
    )  # fmt: skip
