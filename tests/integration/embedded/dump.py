"""Everything that a workspace holds, read from its file, for comparing two of them byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.kernel.contract import SHARED
from streams.stores.log import Log
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database

TABLES = {
    "dlq": "SELECT at, machine, topic, key, code, position, error, what FROM dlq ORDER BY id",
    "views": "SELECT * FROM views ORDER BY topic, item",
    "view_history": "SELECT * FROM view_history ORDER BY topic, item, n",
    "view_receivers": "SELECT * FROM view_receivers ORDER BY topic, receiver, item",
}


def dump(directory: Path) -> dict[str, list[Any]]:
    """Table or topic -> its rows or records in order."""
    database = Database(directory, read_only=True)
    try:
        found: dict[str, list[Any]] = {name: database.rows(sql) for name, sql in TABLES.items()}
        pool = Pool()
        for machine, number, part in database.rows("SELECT machine, number, id FROM parts ORDER BY 1, 2"):
            store = SqliteStore(database, part, pool)
            found[f"rows:{machine}/{number}"] = list(_rows(store))
            found[f"waits:{machine}/{number}"] = list(_waits(store))
        log = Log(database)
        for topic, partition in database.rows("SELECT DISTINCT topic, partition FROM segments ORDER BY 1, 2"):
            found[f"log:{topic}/{partition}"] = list(log.read(topic, partition))
    finally:
        database.close()
    return found


def _rows(store: SqliteStore) -> Iterator[tuple[str, str, str, Any]]:
    """All rows, whether they stand in packs, one by one or among the last changes."""
    key: str | None = SHARED
    while key is not None:
        for bucket, name, value in store.scan_key(key, None, 1 << 62):
            yield key, bucket, name, value
        key = store.next_key(key)


def _waits(store: SqliteStore) -> Iterator[tuple[int, str, str, int]]:
    """All armed waits with their floors, by due; nothing is written, so they stay armed."""
    while (first := store.next_due()) is not None:
        yield (*first, store.pop_wait(*first))


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> dict[str, Any]:
    """Where two dumps differ: name -> (rows of one, of the other, first place, what stands there)."""
    found: dict[str, Any] = {}
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name, []), other.get(name, [])
        if left != right:
            pairs = enumerate(zip(left, right, strict=False))
            first = next(((at, *pair) for at, pair in pairs if pair[0] != pair[1]), None)
            found[name] = (len(left), len(right), first)
    return found
