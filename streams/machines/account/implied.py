"""Entities that are known only because others name them: accounts, before any event of their own came.

Pure functions over rows (see `entities`). What an import named stays marked by it, so that what falls due
before it tells nobody. Judges nothing.
"""

from __future__ import annotations

from typing import Any

from schemas.status import status_after
from streams.machines.account.entities import Order, Row


def implied(kind: str, native: str, order: Order, hist: int) -> Row:
    """The row of an entity that is known only because another one names it, first at `order`. hist: start
    (us) of the import that named it.
    """
    row = {"kind": kind, "id": native, "d": {}, "c": order[0], "ca": order[1], "n": 0, "op": 1, "o": order,
           "im": order, "st": status_after(f"{kind}.", None)}  # fmt: skip
    return imported(row, hist)


def imported(row: Row, hist: int) -> Row:
    """The row of an implied entity that the import that began at `hist` us named, too; 0: none did."""
    return {**row, "ih": hist} if hist > row.get("ih", 0) else row


def first_named(row: Row) -> dict[str, Any]:
    """What stands for the event by which an implied entity became known."""
    first = {"type": "", "data": {}, "time": row["c"], "id": "", "src": ""}
    return {**first, "hist": row["ih"]} if "ih" in row else first
