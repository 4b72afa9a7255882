"""What the contract of views is tried with: transitions, a dict and a sort that say what is right, harnesses.

The suite is in `test_view.py`. It must not ask a view what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Protocol

from hypothesis import strategies as st

from streams.stores.log import Log, Logged
from streams.stores.sqlite_db import Database
from streams.views.port import KEPT, Item, View, ViewReader, is_open
from streams.views.redis import Link, RedisView, RedisViewReader
from streams.views.sqlite import SqliteView, SqliteViewReader

TOPICS = ("alerts", "tasks", "approvals")
OPENED = 1_700_000_000_000_001
"""An instant that a float of 14 digits would round."""


class Harness(Protocol):
    """A view that the suite may fill and ask."""

    @property
    def view(self) -> View: ...

    @property
    def reader(self) -> ViewReader: ...

    def settle(self) -> None:
        """Make permanent what was projected."""
        ...

    def empty(self) -> None:
        """Begin anew."""
        ...

    def close(self) -> None:
        """Let go of all files and connections."""
        ...


class SqliteHarness:
    """A view in a database of its own, read by a second connection."""

    def __init__(self, directory: Path, keep: int = KEPT) -> None:
        self._writer = Database(directory)
        self._reader = Database(directory, read_only=True)
        self.view = SqliteView(self._writer, Log(self._writer), keep)
        self.reader = SqliteViewReader(self._reader)

    def settle(self) -> None:
        self._writer.commit()

    def empty(self) -> None:
        self.view.rebuild()  # from a log that holds nothing
        self._writer.commit()

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class RedisHarness:
    """A view in a Redis that others share."""

    def __init__(self, url: str, keep: int = KEPT) -> None:
        self.link = Link(url, "acme")
        self.view = RedisView(self.link, 0, keep)
        self.reader = RedisViewReader(self.link)
        self.empty()

    def settle(self) -> None: ...

    def empty(self) -> None:
        self.view.clear()

    def close(self) -> None:
        self.link.close()


def transition(
    item: str, n: int, state: str = "firing", *, topic: str = "alerts", at: int | None = None, **more: Any
) -> Logged:
    """One transition of an item; what is not said is the same for all."""
    at = OPENED + n if at is None else at
    value: dict[str, Any] = {
        "alert": item if topic == "alerts" else "A", "item": item, "id": f"{item}/{n}", "n": n,
        "state": state, "severity": "warning", "rule": "r1", "account": "K1",
        "entity": "opportunity", "key": "D1",
        "receivers": ["person:1"], **more,
    }  # fmt: skip
    return Logged(topic, 0, 10 * n, "account:K1", "transition", value, at, 0, n)


@dataclass(frozen=True)
class Model:
    """What a view shows after these transitions, told in any order."""

    records: Sequence[Logged]

    def items(self, topic: str) -> list[Item]:
        """All items, by (opened, id)."""
        by_id: dict[str, dict[int, Logged]] = {}
        for record in self.records:
            if record.topic == topic:
                ident = record.value["alert"] if topic == "alerts" else record.value["item"]
                by_id.setdefault(ident, {}).setdefault(record.value["n"], record)
        items = [self._item(topic, ident, known) for ident, known in by_id.items()]
        return sorted(items, key=lambda item: (item.opened, item.id.encode()))

    def kept(self, topic: str, keep: int) -> list[Item]:
        """The open items, and of the closed ones those that closed last; by (opened, id)."""
        items = self.items(topic)
        closed = sorted(
            (i for i in items if not is_open(topic, i.value)), key=lambda i: (i.at, i.id.encode())
        )
        gone = {item.id for item in closed[: max(0, len(closed) - keep)]}
        return [item for item in items if item.id not in gone]

    def _item(self, topic: str, ident: str, known: dict[int, Logged]) -> Item:
        last = known[max(known)]
        value = dict(last.value)
        for n in sorted(known):
            if "data" in known[n].value:
                value["data"] = known[n].value["data"]
        return Item(topic, ident, value, known[min(known)].at, last.at, last.position, max(known))


STATES = {
    "alerts": ["firing", "acknowledged", "resolved", "withdrawn"],
    "tasks": ["open", "done", "overdue"],
    "approvals": ["requested", "approved", "timed_out"],
}


@st.composite
def histories(draw: st.DrawFn) -> list[Logged]:
    """Transitions of a few items of all topics, with gaps in nothing, in the order of their numbers."""
    records = []
    for topic, item in product(TOPICS, draw(st.sets(st.sampled_from(["a", "a1", "B", "客"]), min_size=1))):
        for n in range(1, draw(st.integers(1, 4)) + 1):
            more: dict[str, Any] = {
                "severity": draw(st.sampled_from(["warning", "critical"])),
                "receivers": draw(st.lists(st.sampled_from(["person:1", "person:2", "team:东"]), max_size=2)),
                "account": draw(st.sampled_from(["K1", None])),
            }
            if draw(st.booleans()):
                more["data"] = {"name": draw(st.sampled_from(["华东", "x"]))}
            at = OPENED + draw(st.integers(0, 2))
            state = draw(st.sampled_from(STATES[topic]))
            records.append(transition(item, n, state, topic=topic, at=at, **more))
    return records


def fits(item: Item, filters: dict[str, list[str]]) -> bool:
    """Whether an item has one of the wanted values of every filter."""
    value = item.value
    return all(
        (set(value["receivers"]) if name == "receiver" else {value.get(name) or ""}) & set(wanted)
        for name, wanted in filters.items()
    )


def walked(reader: ViewReader, topic: str, size: int, **asked: Any) -> Iterator[Item]:
    """All items, page by page."""
    after = None
    while page := reader.items(topic, limit=size, after=after, **asked):
        yield from page
        after = (page[-1].opened, page[-1].id)


def told(harness: Harness, records: Iterable[Logged]) -> ViewReader:
    """The reader after these transitions."""
    harness.view.project(records)
    harness.settle()
    return harness.reader
