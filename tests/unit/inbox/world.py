"""The inbox of one or several people on a memory partition: notices in, notifications out, time by hand."""

from __future__ import annotations

from typing import Any

from connectors.channels.notification import Notification, decode_notification
from schemas.time import DAY
from streams.kernel.contract import Record
from streams.kernel.driver import Partition
from streams.machines.inbox.machine import InboxMachine
from streams.machines.inbox.notice import KIND, Notice, inbox_key
from streams.stores.memory import MemoryStore

MARCH = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
HOUR = DAY // 24


def notice(name: str = "n1", kind: str = "fired", **more: Any) -> Notice:
    """A notice about alert a1 for li, with an address; `more` replaces fields."""
    fields: dict[str, Any] = {
        "notice": name, "alert": "a1", "rule": "stale", "transition": "t1", "kind": kind, "receiver": "li",
        "title": "Stale deal", "at": MARCH, "seen": 1, "lines": ["No call.", "7 d"],
        "address": "li@example.com",
        "facts": {"Amount": "CNY 500"}, "home": "account:7", "admin": "ops@example.com",
    }  # fmt: skip
    return Notice.from_dict(fields | more)


class Inbox:
    """One partition of the inbox machine over a memory store."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.partition = Partition(InboxMachine(), self.store, 0, [0])
        self.at = MARCH
        self._n = 0

    def take(self, *notices: Notice) -> list[dict[str, Any]]:
        """Hand in notices at the current time; what went out."""
        return self.take_raw(*((n.receiver, n.to_dict()) for n in notices))

    def take_raw(self, *values: tuple[str, dict[str, Any]], kind: str = KIND) -> list[dict[str, Any]]:
        """Hand in record values, as (receiver, value), at the current time; what went out."""
        for receiver, value in values:
            self._n += 1
            self.partition.receive(Record("notices", inbox_key(receiver), kind, value, self.at, 0, self._n))
        return self._out()

    def advance(self, us: int) -> list[dict[str, Any]]:
        """Let `us` pass; what went out."""
        self.at += us
        assert self.partition.watermark(0, self.at)
        return self._out()

    def rows(self, person: str = "li") -> int:
        """Number of rows of a person's inbox."""
        return len(self.store.scan_key(inbox_key(person), None, 1_000_000))

    def errors(self) -> list[str]:
        """Codes of what was refused."""
        return [dead.error.code for dead in self.partition.dead]

    def _out(self) -> list[dict[str, Any]]:
        out = [o.emit.value for o in self.partition.outs]
        assert all(o.emit.topic == "notifications" for o in self.partition.outs)
        self.partition.outs.clear()
        return out


def read(record: dict[str, Any]) -> Notification:
    """The record as delivery reads it."""
    return decode_notification(record)
