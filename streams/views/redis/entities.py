"""Entities as they stand, in Redis: one row per entity, found by its id or by its account.

Filled from the changes of entity rows, in any order and as often as one likes: of one account the latest
change counts, and the account that wrote the entity last has it (an entity that moves is deleted by the old
account and written by the new one). It must not interpret a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from streams.views.redis.link import Link
from streams.views.redis.view import PAGE

ENTITIES = "entities1:"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


@dataclass(frozen=True, slots=True)
class Change:
    """A row of an entity was written, or deleted (`row` None).

    home: the key (account) under which it lives. at: logical time (us) of the change. place: its position,
    which orders changes of one home at the same instant.
    """

    kind: str
    id: str
    home: str
    at: int
    place: int
    row: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as it stands; at: logical time (us) of its last change."""

    kind: str
    id: str
    home: str
    at: int
    row: dict[str, Any]


class RedisEntities:
    """Takes changes and answers questions; may be shared by threads."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def project(self, changes: Iterable[Change]) -> int:
        """Take changes, up to PAGE all or none; how many were new. Raises StorageError."""
        rest, new = iter(changes), 0
        while page := list(islice(rest, PAGE)):
            heads = _encode([_head(change) for change in page])
            values = [_encode(change.row) for change in page]
            new += int(self._link.run("entity", ENTITIES, ["project", heads, *values]))
        return new

    def get(self, kind: str, ident: str) -> Entity | None:
        """One entity, or None."""
        found = self._link.run("entity", ENTITIES, ["get", f"{kind}|{ident}"])
        return None if found is None else _entity(found)

    def of(self, home: str, limit: int = 100, after: tuple[str, str] | None = None) -> list[Entity]:
        """Entities of an account by kind and id. after: (kind, id) of the last one before."""
        begin = "" if after is None else "|".join(after)
        return [_entity(row) for row in self._link.run("entity", ENTITIES, ["of", home, limit, begin])]


def _head(change: Change) -> list[str]:
    put = "0" if change.row is None else "1"
    return [f"{change.kind}|{change.id}", change.home, str(change.at), str(change.place), put]


def _entity(found: list[bytes]) -> Entity:
    kind, _, ident = found[0].decode().partition("|")
    return Entity(kind, ident, found[1].decode(), int(found[2]), _decode(found[3]))
