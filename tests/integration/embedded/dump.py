"""Everything that a workspace holds, read from its file, for comparing two of them byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.stores.log import Log
from streams.stores.sqlite_db import Database

TABLES = {
    "rows": "SELECT p.machine, p.number, r.key, r.bucket, r.name, r.value FROM rows r JOIN parts p"
    " ON p.id = r.part ORDER BY 1, 2, 3, 4, 5",
    "dues": "SELECT p.machine, p.number, d.due, d.key, d.name FROM dues d JOIN parts p ON p.id = d.part"
    " ORDER BY 1, 2, 3, 4, 5",
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
        log = Log(database)
        for topic, partition in database.rows("SELECT DISTINCT topic, partition FROM segments ORDER BY 1, 2"):
            found[f"log:{topic}/{partition}"] = list(log.read(topic, partition))
    finally:
        database.close()
    return found


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
