"""The embedded view: alerts, tasks and approvals as they stand, and how it came so, from their sink topics.

`SqliteView` projects in the transaction of the batch that wrote the transitions, and can be rebuilt from the
log; `ViewReader` answers questions, also from other processes. Neither decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
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
_json = msgspec.json.Encoder().encode

_PUT = (
    "INSERT OR REPLACE INTO views (topic, item, n, state, is_open, severity, rule, account, kind, key, alert,"
    " at, due, opened, position, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIND = "SELECT value, opened, at, position, n FROM views WHERE topic = ? AND item = ?"
_HISTORY = "SELECT value FROM view_history WHERE topic = ? AND item = ? ORDER BY n"
_OF_ALERT = (
    "SELECT value, opened, at, position, n FROM views WHERE topic = ? AND alert = ? ORDER BY opened, item"
)
_PREFIX = (
    "SELECT value, opened, at, position, n, item FROM views"
    " WHERE topic = ? AND item >= ? AND item < ? LIMIT 20"
)
_IN = "{column} IN (SELECT value FROM json_each(?))"
_FILTERS = {
    **{name: _IN.format(column=name) for name in ("state", "severity", "rule", "account", "key", "alert")},
    "entity": _IN.format(column="kind"),
    "receiver": "item IN (SELECT item FROM view_receivers r WHERE r.topic = views.topic AND r.receiver IN"
    " (SELECT value FROM json_each(?)))",
}
_AFTER = {True: "(opened, item) < (?, ?)", False: "(opened, item) > (?, ?)"}
_ORDER = {True: "opened DESC, item DESC", False: "opened, item"}


@dataclass(frozen=True, slots=True)
class Item:
    """An alert, task or approval as it stands.

    value: its last transition. opened, at: logical time (us) of its first and last. position: of the last.
    """

    topic: str
    id: str
    value: dict[str, Any]
    opened: int
    at: int
    position: int
    n: int


class SqliteView:
    """Writes the view's tables in the open transaction. `log` is where a rebuild reads from."""

    def __init__(self, database: Database, log: Log) -> None:
        self._db = database
        self._log = log

    def project(self, transitions: Iterable[Logged]) -> None:
        """Take transitions in the order of their positions; one seen before changes nothing."""
        changes = _Changes(self._db)
        for transition in transitions:
            if transition.topic in OPEN_STATES and isinstance(transition.value, dict):
                changes.take(transition)
        changes.write()

    def rebuild(self) -> None:
        """Throw the view away and fill it from the log."""
        self._db.begin()
        for statement in ("DELETE FROM views", "DELETE FROM view_receivers", "DELETE FROM view_history"):
            self._db.rows(statement)
        for topic in OPEN_STATES:
            records = self._log.read(topic)
            while page := list(islice(records, 1000)):
                self.project(page)


class _Changes:
    """What a batch of transitions changes: only the last state of an item is written."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._items: dict[tuple[str, str], Item | None] = {}
        self._before: dict[tuple[str, str], set[str]] = {}
        self._history: list[tuple[object, ...]] = []

    def take(self, transition: Logged) -> None:
        topic, value = transition.topic, transition.value
        item = str(value["alert"] if topic == "alerts" else value["item"])
        before = self._find(topic, item)
        n = int(value["n"])
        if before is not None and before.n >= n:
            return
        self._history.append((topic, item, n, str(value["id"]), transition.position, _encode(value)))
        opened = transition.at
        if before is not None:
            opened = before.opened
            value = _with_facts(value, before.value)
        self._items[(topic, item)] = Item(topic, item, value, opened, transition.at, transition.position, n)

    def write(self) -> None:
        if not self._history:
            return
        self._db.write("INSERT OR IGNORE INTO view_history VALUES (?, ?, ?, ?, ?, ?)", self._history)
        gone: list[tuple[str, str, str]] = []
        new: list[tuple[str, str, str]] = []
        changed = [item for item in self._items.values() if item is not None]
        for item in changed:
            before, after = self._before[(item.topic, item.id)], _receivers(item)
            gone += [(item.topic, receiver, item.id) for receiver in before - after]
            new += [(item.topic, receiver, item.id) for receiver in after - before]
        self._db.write(_PUT, [_columns(item) for item in changed])
        self._db.write("DELETE FROM view_receivers WHERE topic = ? AND receiver = ? AND item = ?", gone)
        self._db.write("INSERT OR IGNORE INTO view_receivers VALUES (?, ?, ?)", new)

    def _find(self, topic: str, item: str) -> Item | None:
        place = (topic, item)
        if place not in self._items:
            row = self._db.row(_FIND, place)
            found = None if row is None else _item(topic, item, row)
            self._items[place] = found
            self._before[place] = set() if found is None else _receivers(found)
        return self._items[place]


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
        after: tuple[int, str] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        **equal: str,
    ) -> list[Item]:
        """Items of `alerts`, `tasks` or `approvals`, in the order in which they were opened.

        limit: -1 for all. equal: any of state, severity, rule, account, entity (kind), key (native id),
        alert, receiver.
        filters: the same, with values of which one must fit. after: (opened, id) of the last item before.

        Raises:
            KeyError: an unknown filter.
        """
        wanted = {**(filters or {}), **{name: [value] for name, value in equal.items()}}
        conditions, values = _where(topic, open_only, wanted)
        if after is not None:
            conditions.append(_AFTER[newest_first])
            values += after
        sql = ["SELECT value, opened, at, position, n, item FROM views WHERE", " AND ".join(conditions)]
        rows = self._db.rows(" ".join([*sql, "ORDER BY", _ORDER[newest_first], "LIMIT ?"]), (*values, limit))
        return [_item(topic, row[5], row) for row in rows]

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
        return [_item(topic, row[5], row) for row in rows]

    def count(
        self, topic: str, *, open_only: bool = False, filters: Mapping[str, Sequence[str]] | None = None
    ) -> int:
        """How many items `items` would give without a limit."""
        conditions, values = _where(topic, open_only, filters or {})
        row = self._db.row(
            " ".join(["SELECT count(*) FROM views WHERE", " AND ".join(conditions)]), tuple(values)
        )
        return 0 if row is None else int(row[0])

    def count_open(self, topic: str) -> int:
        """Number of open items."""
        return self.count(topic, open_only=True)


def _where(
    topic: str, open_only: bool, wanted: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[object]]:
    """Conditions of the SQL and their values."""
    conditions = ["topic = ?", *(_FILTERS[name] for name in wanted)]
    if open_only:
        conditions.append("is_open = 1")
    return conditions, [topic, *(_json(list(value)).decode() for value in wanted.values())]


def _item(topic: str, item: str, row: Row) -> Item:
    value, opened, at, position, n = row[:5]
    return Item(topic, item, _decode(value), opened, at, position, n)


def _with_facts(value: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A transition that brings no facts for people keeps the last ones."""
    return {**value, "data": before["data"]} if "data" in before and "data" not in value else value


def _receivers(item: Item) -> set[str]:
    return {str(receiver) for receiver in item.value.get("receivers") or ()}


def _columns(item: Item) -> tuple[object, ...]:
    value = item.value
    state = str(value["state"])
    return (
        item.topic, item.id, item.n, state, state in OPEN_STATES[item.topic],
        str(value.get("severity", "")), str(value.get("rule", "")), str(value.get("account") or ""),
        str(value.get("entity", "")), str(value.get("key", "")), str(value["alert"]), item.at,
        value.get("due"), item.opened, item.position, _encode(value),
    )  # fmt: skip
