"""The file in which a worker keeps entries for Kafka: those that wait for it, and those that it refuses.

What waits goes out in its order. What Kafka refuses for itself (too large for its topic, a topic that this
login may not write) is set aside with the reason, holds nothing up, and is tried again now and then. Nothing
is thrown away. It must not talk to Kafka.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from schemas.errors import StreamError
from streams.runtimes.cluster.codec import Line

MOST = 2_000_000
"""Entries that the file takes."""

Placed = tuple[str, int, Line]
"""(topic without prefix, partition, record)."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS spilled (id INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY, record BLOB NOT NULL, reason TEXT NOT NULL)",
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[str, int, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]
).decode


class Outbox:
    """One process uses it, one call at a time. waiting, refused: how many; reason: of the latest refusal."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            folder / "outbox.db", isolation_level=None, check_same_thread=False, timeout=5
        )
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *_SCHEMA):
            self._database.execute(statement)
        self.waiting, self.refused = self._counts()
        latest = self._database.execute("SELECT reason FROM refused ORDER BY id DESC LIMIT 1").fetchone()
        self.reason: str = "" if latest is None else latest[0]

    def close(self) -> None:
        """What is in the file stays for the next start."""
        self._database.close()

    @property
    def full(self) -> bool:
        """Whether it takes nothing more."""
        return self.waiting + self.refused >= MOST

    def add(self, placed: Sequence[Placed]) -> list[str]:
        """Keep records; how each is named: `outbox/number`.

        Raises:
            StreamError: SW-STREAM-021, the file is full. OSError: the disk failed.
        """
        if self.waiting + self.refused + len(placed) > MOST:
            raise StreamError(
                "SW-STREAM-021",
                place="outbox.db",
                expected=f"at most {MOST} entries until Kafka takes them",
                found=f"{self.waiting + self.refused}",
                next_step="bring Kafka back; senders try again",
            )
        numbers: list[int | None] = []
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for one in placed:
                    row = (_encode(one),)
                    numbers.append(
                        self._database.execute("INSERT INTO spilled (record) VALUES (?)", row).lastrowid
                    )
        except sqlite3.Error as error:
            raise OSError(f"the outbox cannot be written: {error}") from error
        self.waiting += len(placed)
        return [f"outbox/{number}" for number in numbers]

    def page(self, limit: int) -> list[tuple[int, Placed]]:
        """(number, record) of the first that wait."""
        return self._page("SELECT id, record FROM spilled ORDER BY id LIMIT ?", (limit,))

    def refused_page(self, after: int, limit: int) -> list[tuple[int, Placed]]:
        """(number, record) of the first behind `after` that were refused."""
        return self._page("SELECT id, record FROM refused WHERE id > ? ORDER BY id LIMIT ?", (after, limit))

    def settle(self, sent: Sequence[int], refused: Sequence[tuple[int, str]]) -> None:
        """These are in Kafka; those, each with the reason, are set aside. All or none."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for number, reason in refused:
                self._database.execute(
                    "INSERT INTO refused SELECT id, record, ? FROM spilled WHERE id = ? "
                    "ON CONFLICT DO NOTHING",
                    (reason, number),
                )
            gone = [(number,) for number in (*sent, *(number for number, _ in refused))]
            self._database.executemany("DELETE FROM spilled WHERE id = ?", gone)
            self._database.executemany("DELETE FROM refused WHERE id = ?", [(number,) for number in sent])
        self.waiting, self.refused = self._counts()
        self.reason = refused[-1][1] if refused else self.reason

    def _page(self, query: str, given: tuple[int, ...]) -> list[tuple[int, Placed]]:
        return [(row[0], _decode(row[1])) for row in self._database.execute(query, given).fetchall()]

    def _counts(self) -> tuple[int, int]:
        query = "SELECT (SELECT count(*) FROM spilled), (SELECT count(*) FROM refused)"
        waiting, refused = self._database.execute(query).fetchone()
        return int(waiting), int(refused)
