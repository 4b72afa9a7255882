"""The embedded view: alerts, tasks and approvals as they stand, and how it came so, from their sink topics.

`SqliteView` projects in the transaction of the batch that wrote the transitions, and can be rebuilt from the
log; `SqliteViewReader` answers questions, also from other processes. Neither decides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec

from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database, Row
from streams.views.port import (
    FOUND,
    KEPT,
    OPEN_STATES,
    Item,
    columns_of,
    id_of,
    is_open,
    is_transition,
    receivers_of,
    with_facts,
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_json = msgspec.json.Encoder().encode

_PUT = (
    "INSERT OR REPLACE INTO views (topic, item, n, state, is_open, severity, rule, account, kind, key, alert,"
    " at, due, opened, position, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIND = "SELECT value, opened, at, position, n FROM views WHERE topic = ? AND item = ?"
_HISTORY = "SELECT value FROM view_history WHERE topic = ? AND item = ? ORDER BY n"
_LATER = "SELECT value FROM view_history WHERE topic = ? AND item = ? AND n > ?"
_FIRST = "SELECT min(n), max(n = ?) FROM view_history WHERE topic = ? AND item = ?"
_OF_ALERT = (
    "SELECT value, opened, at, position, n FROM views WHERE topic = ? AND alert = ? ORDER BY opened, item"
)
_PREFIX = (
    "SELECT value, opened, at, position, n, item FROM views"
    " WHERE topic = ? AND item >= ? AND item < ? ORDER BY item LIMIT ?"
)
_IN = "{column} IN (SELECT value FROM json_each(?))"
_FILTERS = {
    **{name: _IN.format(column=name) for name in ("state", "severity", "rule", "account", "key", "alert")},
    "entity": _IN.format(column="kind"),
    "receiver": "item IN (SELECT item FROM view_receivers r WHERE r.topic = views.topic AND r.receiver IN"
    " (SELECT value FROM json_each(?)))",
}
_CLOSED_INDEX = "CREATE INDEX IF NOT EXISTS views_closed ON views (topic, at, item) WHERE is_open = 0"
_COUNT_CLOSED = "SELECT count(*) FROM views WHERE topic = ? AND is_open = 0"
_CLOSED_FIRST = "SELECT item, value FROM views WHERE topic = ? AND is_open = 0 ORDER BY at, item LIMIT ?"
_DELETE_RECEIVER = "DELETE FROM view_receivers WHERE topic = ? AND receiver = ? AND item = ?"
_AFTER = {True: "(opened, item) < (?, ?)", False: "(opened, item) > (?, ?)"}
_ORDER = {True: "opened DESC, item DESC", False: "opened, item"}


MOST = 1_000
"""Items that one batch takes away at most."""


class SqliteView:
    """Writes the view's tables in the open transaction. `log` is where a rebuild reads from.

    keep: closed items of each topic, those that closed last.
    """

    def __init__(self, database: Database, log: Log, keep: int = KEPT) -> None:
        self._db = database
        self._log = log
        self._keep = keep
        self._closed: dict[str, int] = {}
        database.rows(_CLOSED_INDEX)

    def project(self, transitions: Iterable[Logged]) -> None:
        """Take transitions in the order of their positions; one seen before changes nothing."""
        changes = _Changes(self._db)
        for transition in transitions:
            if is_transition(transition):
                changes.take(transition)
        for topic in changes.closed:
            self._count(topic)
        changes.write()
        for topic, more in changes.closed.items():
            self._closed[topic] += more
            self._forget(topic)

    def _count(self, topic: str) -> None:
        """Count the closed items once; from then on changes are added."""
        if topic not in self._closed:
            row = self._db.row(_COUNT_CLOSED, (topic,))
            self._closed[topic] = 0 if row is None else int(row[0])

    def _forget(self, topic: str) -> None:
        """Take those that closed first away while there are too many."""
        excess = min(MOST, self._closed[topic] - self._keep)
        if excess <= 0:
            return
        found = self._db.rows(_CLOSED_FIRST, (topic, excess))
        items = [(topic, row[0]) for row in found]
        told = [(topic, who, row[0]) for row in found for who in receivers_of(_decode(row[1]))]
        self._db.write("DELETE FROM views WHERE topic = ? AND item = ?", items)
        self._db.write("DELETE FROM view_history WHERE topic = ? AND item = ?", items)
        self._db.write(_DELETE_RECEIVER, told)
        self._closed[topic] -= len(items)

    def rebuild(self) -> None:
        """Throw the view away and fill it from the log."""
        self._db.begin()
        self._closed = {}
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
        self._wrote = False
        self.closed: Counter[str] = Counter()
        """Topic -> how many more items are closed than before."""

    def take(self, transition: Logged) -> None:
        topic, value, item = transition.topic, transition.value, id_of(transition)
        before = self._find(topic, item)
        n = int(value["n"])
        if before is not None and before.n >= n:
            self._take_older(transition, before, n)
            return
        self._history.append((topic, item, n, str(value["id"]), transition.position, _encode(value)))
        opened = transition.at
        if before is not None:
            opened = before.opened
            value = with_facts(value, before.value)
        was = before is not None and not is_open(topic, before.value)
        self.closed[topic] += (not is_open(topic, value)) - was
        self._items[(topic, item)] = Item(topic, item, value, opened, transition.at, transition.position, n)

    def _take_older(self, transition: Logged, before: Item, n: int) -> None:
        """A repeat changes nothing; one that comes after its followers counts as if it had come in order."""
        topic, value, item = transition.topic, transition.value, before.id
        self._write_history()
        least, known = self._db.rows(_FIRST, (n, topic, item))[0]
        if known:
            return
        self._history.append((topic, item, n, str(value["id"]), transition.position, _encode(value)))
        later = (_decode(row[0]) for row in self._db.rows(_LATER, (topic, item, n)))
        if "data" in value and not any("data" in row for row in later):
            before = replace(before, value={**before.value, "data": value["data"]})
        self._items[(topic, item)] = replace(before, opened=transition.at) if n < least else before

    def _write_history(self) -> None:
        self._db.write("INSERT OR IGNORE INTO view_history VALUES (?, ?, ?, ?, ?, ?)", self._history)
        self._wrote = self._wrote or bool(self._history)
        self._history = []

    def write(self) -> None:
        if self._history:
            self._write_history()
        if not self._wrote:
            return
        gone: list[tuple[str, str, str]] = []
        new: list[tuple[str, str, str]] = []
        changed = [item for item in self._items.values() if item is not None]
        for item in changed:
            before, after = self._before[(item.topic, item.id)], receivers_of(item.value)
            gone += [(item.topic, receiver, item.id) for receiver in before - after]
            new += [(item.topic, receiver, item.id) for receiver in after - before]
        self._db.write(_PUT, [_columns(item) for item in changed])
        self._db.write(_DELETE_RECEIVER, gone)
        self._db.write("INSERT OR IGNORE INTO view_receivers VALUES (?, ?, ?)", new)

    def _find(self, topic: str, item: str) -> Item | None:
        place = (topic, item)
        if place not in self._items:
            row = self._db.row(_FIND, place)
            found = None if row is None else _item(topic, item, row)
            self._items[place] = found
            self._before[place] = set() if found is None else receivers_of(found.value)
        return self._items[place]


class SqliteViewReader:
    """`streams.views.port.ViewReader`; `database` may be read-only."""

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
        """Items in the order in which they were opened, as the port says."""
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
        rows = self._db.rows(_PREFIX, (topic, prefix, prefix + "\U0010ffff", FOUND))
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


def _columns(item: Item) -> tuple[object, ...]:
    value, asked = item.value, columns_of(item.topic, item.value)
    return (
        item.topic, item.id, item.n, asked["state"], is_open(item.topic, value), asked["severity"],
        asked["rule"], asked["account"], asked["entity"], asked["key"], asked["alert"], item.at,
        value.get("due"), item.opened, item.position, _encode(value),
    )  # fmt: skip
