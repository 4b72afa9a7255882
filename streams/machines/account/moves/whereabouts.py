"""Where an entity is now that was once at some key: for readers of lists whose rows say where it was then.

A list of alerts is not told when an entity moves; commands find their way by themselves (see `routing`),
readers by this. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.kernel.contract import Rows
from streams.machines.account.moves.rows import ALL
from streams.machines.account.world import ENTITY, entity_name

STEPS = 1_000
"""Moves that are followed; forwards form no circles, but rows that are read one after the other may."""


def found_at(rows_of: Callable[[str], Rows | None], home: str, kind: str, native: str) -> str:
    """The key at which the entity is, going from `home` from key to key as it went; `home` if it is nowhere.

    rows_of: a key -> the rows of its partition, None when there are none.
    """
    entity, key = entity_name(kind, native), home
    for _ in range(STEPS):
        rows = rows_of(key)
        if rows is None:
            return home
        if rows.get(key, ENTITY, entity) is not None:
            return key
        away = rows.get(key, *ALL)
        to = rows.get(key, "fwd", entity) or (None if away is None else away["to"])
        if to is None:
            return home
        key = to
    return home
