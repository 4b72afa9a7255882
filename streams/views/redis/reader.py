"""Questions to the Redis view: the same answers, in the same order, as the SQLite view gives.

It must not write. Also while the view is being filled it answers with what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.views.port import FOUND, Item, Row, with_facts
from streams.views.redis.link import Argument, Link

LAYOUT = 2
VIEW = f"view{LAYOUT}:"
"""Begins the keys of the view; another layout gets another number and is filled anew."""

FORMER = tuple(f"view{number}:" for number in range(1, LAYOUT))
"""Begins the keys of former layouts."""

FILTERS = frozenset({"state", "severity", "rule", "account", "entity", "key", "alert", "receiver"})
ALL = 1 << 62
PAGE = 2_000
"""Items of one answer of Redis."""

LOOKED = 5_000
"""Candidates looked at in one go, so that no question holds Redis up for long."""

_decode = msgspec.msgpack.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode


def index_of(name: str, value: str) -> str:
    """The index of the items whose `name` is `value`."""
    return f"{name}={value}"


class RedisViewReader:
    """`streams.views.port.ViewReader` over Redis."""

    def __init__(self, link: Link) -> None:
        self._link = link

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
        if unknown := wanted.keys() - FILTERS:
            raise KeyError(min(unknown))
        groups = [[index_of(name, value) for value in values] for name, values in wanted.items()]
        groups.append(["open" if open_only else "all"])
        found: list[Item] = []
        score, before = ("", "") if after is None else (str(after[0]), after[1])
        most = limit if limit >= 0 else ALL
        while len(found) < most:
            rest = min(PAGE, most - len(found))
            asked: list[Argument] = [topic, int(newest_first), rest, score, before, LOOKED]
            place, last, *rows = self._link.run("items", VIEW, [*asked, _encode(groups)])
            found += [_item(topic, row) for row in rows]
            if not place:
                break
            score, before = place.decode(), last.decode()
        return found

    def get(self, topic: str, item: str) -> Item | None:
        """One item."""
        rows = self._link.run("item", VIEW, ["get", topic, item])
        return _item(topic, rows[0]) if rows else None

    def history(self, topic: str, item: str) -> list[Row]:
        """All transitions of an item, oldest first."""
        values = [_decode(value) for value in self._link.run("item", VIEW, ["history", topic, item])]
        return sorted(values, key=lambda value: int(value["n"]))

    def of_alert(self, topic: str, alert: str) -> list[Item]:
        """Tasks or approvals that an alert opened, oldest first."""
        return self.items(topic, newest_first=False, limit=-1, alert=alert)

    def find(self, topic: str, prefix: str) -> list[Item]:
        """Items whose id begins with `prefix`, by id; at most FOUND."""
        return [_item(topic, row) for row in self._link.run("item", VIEW, ["find", topic, prefix, FOUND])]

    def count(
        self, topic: str, *, open_only: bool = False, filters: Mapping[str, Sequence[str]] | None = None
    ) -> int:
        """How many items `items` would give without a limit."""
        groups = [[index_of(name, value) for value in values] for name, values in (filters or {}).items()]
        groups.append(["open" if open_only else "all"])
        return int(self._link.run("count", VIEW, [topic, _encode(groups)]))

    def count_open(self, topic: str) -> int:
        """Number of open items."""
        return self.count(topic, open_only=True)


def _item(topic: str, row: Sequence[Any]) -> Item:
    value: Row = _decode(row[5])
    if len(row) > 6 and row[6] is not None:
        value = with_facts(value, _decode(row[6]))
    n, opened, at, position = (int(number) for number in row[1:5])
    return Item(topic, row[0].decode(), value, opened, at, position, n)
