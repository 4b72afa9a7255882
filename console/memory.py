"""The console's ports in memory, for tests and trials: real behaviour, nothing durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.ports import Kind, Outcome, Page, Query, Row


@dataclass(slots=True)
class MemoryView:
    """Rows kept in dicts by kind and id, newest last."""

    rows: dict[Kind, dict[str, Row]] = field(default_factory=dict)

    def put(self, kind: Kind, row: Row) -> None:
        """Add or replace the row with the id ``row["id"]``."""
        self.rows.setdefault(kind, {})[str(row["id"])] = row

    async def find(self, kind: Kind, query: Query) -> Page:
        """The cursor is the id of the last row of the page before."""
        found = [row for row in reversed(self.rows.get(kind, {}).values()) if _fits(row, query)]
        start = next((n + 1 for n, row in enumerate(found) if row["id"] == query.cursor), 0)
        page = found[start : start + query.limit]
        more = start + query.limit < len(found)
        return Page(page, str(page[-1]["id"]) if page and more else None)

    async def one(self, kind: Kind, name: str) -> Row | None:
        """The row, or None."""
        return self.rows.get(kind, {}).get(name)


def _fits(row: Row, query: Query) -> bool:
    return all(str(row.get(name)) in allowed for name, allowed in query.filters.items())


def accepted(command: Mapping[str, Any]) -> Outcome:
    """The answer of `MemoryCommands` to everything, unless told otherwise."""
    return Outcome("done", by=str(command["by"]))


@dataclass(slots=True)
class MemoryCommands:
    """Keeps commands in a list; `answer` says what comes of each."""

    answer: Callable[[Mapping[str, Any]], Outcome] = accepted
    taken: list[Mapping[str, Any]] = field(default_factory=list)

    async def carry_out(self, command: Mapping[str, Any]) -> Outcome:
        """Ask `answer`, then keep the command."""
        outcome = self.answer(command)
        self.taken.append(command)
        return outcome


@dataclass(slots=True)
class MemoryUsedLinks:
    """The links used so far."""

    used: dict[str, int] = field(default_factory=dict)

    async def claim(self, link: str, until: int) -> bool:
        """Mark it as used; False when it was."""
        if link in self.used:
            return False
        self.used[link] = until
        return True

    async def release(self, link: str) -> None:
        """Forget that it was used."""
        self.used.pop(link, None)
