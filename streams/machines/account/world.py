"""What one account looks like, now or as it was: rows, history, parents and children, people, rates,
settings.

A `World` lives for one step and reads through the step's context. A *cut* picks the instant: a list that
orders like `entities.Order`; events whose order is less than the cut count, `None` means all. Nothing
here decides anything about rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas.parents import PARENTS
from streams.kernel.contract import Context
from streams.machines.account import entities
from streams.machines.account.entities import Order, Row
from streams.machines.account.people import People
from streams.machines.corrections import effective

Cut = list[int] | None

ENTITY, SETTINGS = "e", "settings"
META, CHANGES = "meta", "changes"
PARENT_KINDS = frozenset(kind for named in PARENTS.values() for _, kind in named)
"""Kinds that other documents name."""

MAX_ANCESTORS = 32
DEFAULT_SETTINGS: Mapping[str, Any] = {
    "zone": "Asia/Shanghai",
    "currency": "CNY",
    "stages": {},
    "sources": {},
}


def events_bucket(kind: str, native: str) -> str:
    """Bucket of an entity's event rows."""
    return f"v|{kind}|{native}"


def children_bucket(kind: str, native: str) -> str:
    """Bucket that lists the children of an entity."""
    return f"c|{kind}|{native}"


def entity_name(kind: str, native: str) -> str:
    """Name of an entity's row in the bucket of entities."""
    return f"{kind}|{native}"


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name, made once."""
    return ZoneInfo(name)


class World:
    """One account's rows during one step."""

    def __init__(
        self, ctx: Context, settings: Mapping[str, Any] | None = None, people: People | None = None
    ) -> None:
        """settings: those in force, when they are at hand. people: what is remembered of the directory."""
        self.ctx = ctx
        self.key = ctx.key
        self.settings: Mapping[str, Any] = settings or ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS
        self.zone = zone_of(self.settings.get("zone", "Asia/Shanghai"))
        self.people = People() if people is None else people
        kind, _, native = self.key.partition(":")
        self.account_id = native.removeprefix("/") if kind == "account" else None
        self._past: dict[tuple[str, str, tuple[int, ...]], Row | None] = {}
        self._rows: dict[str, Row | None] = ctx.memo
        self._noted: set[str] = set()
        self.unrated: set[str] = set()

    # -- entities -----------------------------------------------------------------------------------------

    def row(self, kind: str, native: str) -> Row | None:
        """The entity row as it is now."""
        name = f"{kind}|{native}"
        if name in self._rows:
            return self._rows[name]
        found: Row | None = self.ctx.get(ENTITY, name)
        self._rows[name] = found
        return found

    def row_at(self, kind: str, native: str, cut: Cut) -> Row | None:
        """The entity row as of `cut`, from its event rows when events lie behind the cut."""
        now = self.row(kind, native)
        if cut is None or now is None or now["o"] < cut:
            return now
        address = (kind, native, tuple(cut))
        if address not in self._past:
            kept = [e for e in self.effective_events(kind, native) if e["o"] < cut]
            self._past[address] = entities.fold(kind, native, kept, self.settings)
        return self._past[address]

    def remove(self, kind: str, native: str) -> None:
        """Delete an entity row."""
        name = f"{kind}|{native}"
        self._rows[name] = None
        self._noted.discard(name)
        self.ctx.put(ENTITY, name, None)

    def event_rows(self, kind: str, native: str) -> list[Row]:
        """All event rows of the entity, in no order."""
        return [row for _, row in self.ctx.scan(events_bucket(kind, native))]

    def effective_events(self, kind: str, native: str) -> list[Row]:
        """The entity's events that count, corrections applied, in fold order."""
        return effective(self.event_rows(kind, native))

    def put(self, row: Row) -> None:
        """Write an entity row."""
        name = f"{row['kind']}|{row['id']}"
        self._rows[name] = row
        self._noted.discard(name)
        self.ctx.put(ENTITY, name, row)

    def note(self, row: Row, name: str, value: object) -> None:
        """Write the entity row with the note `name` set to `value`; None takes it away.

        Notes say nothing of the entity itself, so a row that this step has noted something on is not copied
        again.
        """
        if row.get(name) == value:
            return
        address = f"{row['kind']}|{row['id']}"
        if address not in self._noted or row is not self._rows.get(address):
            row = dict(row)
            self.put(row)
            self._noted.add(address)
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value

    def entities(self, kinds: Iterable[str] | None = None) -> Iterator[Row]:
        """All entity rows of the account (of the given kinds)."""
        wanted = None if kinds is None else frozenset(kinds)
        for _, row in self.ctx.scan(ENTITY):
            if wanted is None or row["kind"] in wanted:
                yield row

    # -- relations ----------------------------------------------------------------------------------------

    def ancestors(self, row: Row, cut: Cut = None) -> list[tuple[str, str]]:
        """All documents above the entity, nearest first, the account last; bounded and free of cycles."""
        found = [(kind, self.known_as(kind, native)) for kind, native in row.get("p", ())]
        index = 0
        while index < len(found) and len(found) < MAX_ANCESTORS:
            above = self.row_at(*found[index], cut)
            index += 1
            for kind, named in above.get("p", ()) if above is not None else ():
                one = (kind, self.known_as(kind, named))
                if one not in found and one != (row["kind"], row["id"]):
                    found.append(one)
        if self.account_id is not None and row["kind"] != "account":
            found.append(("account", self.account_id))
        return found

    def known_as(self, kind: str, native: str) -> str:
        """The row id of a document that may be named by an id of another system (`ids`)."""
        if self.row(kind, native) is not None:
            return native
        found: str | None = self.ctx.get("xa", f"{kind}|{native}")
        return found or native

    def document(self, row: Row, kind: str, native: object) -> str | None:
        """The row id of a document that the row's data names; None when it names none."""
        return None if native is None else self.known_as(kind, str(entities.scoped(row, native)))

    def link(self, row: Row, ancestors: Iterable[tuple[str, str]]) -> None:
        """Remember the entity as a child of its ancestors (the account needs no list: all rows are below
        it).
        """
        name = entity_name(row["kind"], row["id"])
        for kind, native in ancestors:
            if kind != "account":
                bucket = children_bucket(kind, native)
                if self.ctx.get(bucket, name) is None:
                    self.ctx.put(bucket, name, 1)

    def has_children(self, kind: str, native: str) -> bool:
        """Was anything kept that names the entity?"""
        return (
            kind in PARENT_KINDS
            and next(iter(self.ctx.scan(children_bucket(kind, native))), None) is not None
        )

    def descendants(self, kind: str, native: str, cut: Cut = None) -> Iterator[Row]:
        """Rows of everything below the entity, as of `cut`."""
        for child_kind, child_id in self.ever_below(kind, native):
            row = self.row_at(child_kind, child_id, cut)
            if row is not None and (kind == "account" or (kind, native) in self.ancestors(row, cut)):
                yield row

    def ever_below(self, kind: str, native: str) -> list[tuple[str, str]]:
        """Everything that is or ever was linked below the entity, whatever became of it since."""
        if kind == "account":
            return [(row["kind"], row["id"]) for row in self.entities() if row["kind"] != "account"]
        now = self.row(kind, native)
        buckets = [native, *(now.get("al", ()) if now is not None else ())]
        every = (name for one in buckets for name, _ in self.ctx.scan(children_bucket(kind, one)))
        return [(child, named) for child, _, named in (name.partition("|") for name in dict.fromkeys(every))]

    def parent_of_kind(self, row: Row, kind: str, cut: Cut) -> Row | None:
        """The joined entity of that kind above the row, as of `cut`."""
        if kind == "account":
            return None if self.account_id is None else self.row_at("account", self.account_id, cut)
        for above_kind, native in self.ancestors(row, cut):
            if above_kind == kind:
                return self.row_at(kind, native, cut)
        return None

    def sums(self, row: Row, cut: Cut) -> Mapping[str, int]:
        """Contributions of the entity's children (last follow-up, counts) as of `cut`."""
        now = self.row(row["kind"], row["id"]) or row
        if cut is None or now.get("ko", [0]) < cut:
            sums: Mapping[str, int] = now.get("k", {})
            return sums
        return entities.sum_contributions(self.descendants(row["kind"], row["id"], cut))

    def owner(self, row: Row, cut: Cut = None) -> str | None:
        """Person id: the entity's owner, a visit's or activity's `by`, else the opportunity's, else the
        account's.
        """
        data = row["d"]
        own = data.get("owner") or (data.get("by") if row["kind"] in ("visit", "activity") else None)
        if own:
            return str(own)
        for kind, native in self.ancestors(row, cut):
            above = self.row_at(kind, native, cut)
            if above is not None and above["d"].get("owner"):
                return str(above["d"]["owner"])
        return None

    # -- shared: people, rates ----------------------------------------------------------------------------

    def version(self, bucket: str, name: str, at: int) -> Mapping[str, Any] | None:
        """The version of a shared row in force at `at` (us)."""
        found = self.version_since(bucket, name, at)
        return None if found is None else found[1]

    def version_since(self, bucket: str, name: str, at: int) -> tuple[int, Mapping[str, Any]] | None:
        """(since us, value) of the version in force at `at`: rows are lists of [from us, value], ordered."""
        versions: list[list[Any]] | None = self.ctx.shared(bucket, name)
        found: tuple[int, Mapping[str, Any]] | None = None
        for since, value in versions or ():
            if since > at:
                break
            found = since, value
        return found

    def rate(self, currency: str, at: int) -> Decimal | None:
        """Base units per unit of `currency` in force at `at`; None when unknown."""
        if currency == self.settings.get("currency", "CNY"):
            return Decimal(1)
        found = self.version("rate", currency, at)
        return None if found is None else Decimal(str(found["rate"]))


def changes(ctx: Context) -> int:
    """Counts all changes of shared rows; every partition sees the same ones in the same order."""
    return int(ctx.shared(META, CHANGES) or 0)


def cut_before(at: int) -> list[int]:
    """The cut just before everything at `at` us."""
    return [at]


def cut_after(order: Order) -> list[int]:
    """The cut right behind the event at `order`."""
    return [*order, 1]
