"""Ids under which other systems know a document (`ids`): who named one of them before it was known.

Rows `xa`: "kind|alias" -> the document's own row id. It changes rows of aliases only; what follows from them
is the intake's affair.
"""

from __future__ import annotations

from streams.machines.account.entities import Row
from streams.machines.account.world import World, children_bucket

Above = list[tuple[str, str]]


def changed(old: Row | None, new: Row | None) -> tuple[str, ...]:
    """Aliases that the document has got or lost."""
    before = () if old is None else old.get("al", ())
    after = () if new is None else new.get("al", ())
    return () if before == after else tuple(sorted({*before} ^ {*after}))


def namers(world: World, kind: str, aliases: tuple[str, ...]) -> list[tuple[Row, Above]]:
    """Rows that named one of the aliases, themselves or through others, each with what is above it now."""
    names = dict.fromkeys(
        name for alias in aliases for name, _ in world.ctx.scan(children_bucket(kind, alias))
    )
    rows = [world.row(*_split(name)) for name in names]
    return [(row, world.ancestors(row)) for row in rows if row is not None]


def write(world: World, kind: str, native: str, aliases: tuple[str, ...], new: Row | None) -> None:
    """The aliases stand for the document if it has them, else for nothing (unless for another one)."""
    mine = () if new is None else new.get("al", ())
    for alias in aliases:
        name = f"{kind}|{alias}"
        if alias in mine:
            world.ctx.put("xa", name, native)
        elif world.ctx.get("xa", name) == native:
            world.ctx.put("xa", name, None)


def _split(name: str) -> tuple[str, str]:
    kind, _, native = name.partition("|")
    return kind, native
