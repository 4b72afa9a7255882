"""Entities are folds: the row of an entity is its events applied in the order (effective time, at,
partition, n).

Pure functions over plain rows. `apply` is one step of the fold, `fold` the whole of it. Nothing here reads
a store, knows rules or other entities.

An entity row:
    d   folded data             c   effective time (us) of the first event      ca  its logical time
    o   order of the last event n   number of events that count                 x   1 when deleted
    s   stage     ss  stage since (us)      sh  stage history [[stage, since us], ...]
    st  status    op  1 while open          cr  1 when any event was corrected or taken back
    p   documents it names: [[kind, id], ...]; the account is the key's
    al  row ids under which other systems know it   ns  its namespace
    vt  time (us) a visit took place              into account into which this one was merged
    im  order at which an entity without events of its own was named first   ih  start of the import that did
    k   contributions of its children: lf last follow-up (us), ff first, and counts;  ko  order of the
    newest of them

Beside the fold a row carries notes of the rules: hs, lv, nd, sx (see `judge`), sb where its silences count
from, lm latest event of each type that breaks a silence {type: [at, end, reference, order, start of its
import]}, ha 1 once there was an alert, no order of the newest event below it that rules heard of, tm newest
timer of a rule that has nothing under way any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.fields import ACTIVITY_COUNTS
from schemas.parents import OTHER_PARENTS, PARENTS, parents_of
from schemas.status import status_after
from streams.machines.corrections import effective

Row = dict[str, Any]
Order = list[int]
"""[effective time, at, n, identity partition]; a shorter list is a cut: orders less than it lie before it."""

US = 1_000_000
DAY = 86_400 * US

STAGED = frozenset({"opportunity", "lead"})
"""Kinds with stages; all others are open until deleted."""

PARENT_FIELDS = frozenset(
    {field for fields in (*PARENTS.values(), OTHER_PARENTS) for field, _ in fields}
    | {"allocations", "of", "ids"}
)
"""Data fields that may name a parent."""

CLOSING: Mapping[str, str] = {
    "opportunity.won": "won",
    "opportunity.lost": "lost",
    "lead.disqualified": "lost",
    "lead.converted": "won",
}
"""Event types that close an entity and the category of the stage they lead to."""

OPENING = frozenset(
    {"created", "drafted", "issued", "placed", "planned", "opened", "logged", "requested", "reopened"}
)
"""Ends of event types that bring a deleted entity back."""

DEFAULT_STAGE: Mapping[str, str] = {
    "lead.created": "lead",
    "lead.qualified": "mql",
    "opportunity.created": "opportunity",
}


def order_of(event: Mapping[str, Any], at: int, feed: int, n: int) -> Order:
    """The place of an event in its entity's fold. An event dated in the future counts from its arrival."""
    return [min(event["time"], at), at, n, feed]


def day_end(event: Mapping[str, Any], instant: int, zone_day_end: int | None) -> int:
    """The end (us) of the event: of its day when only the day is known, else the instant itself."""
    return zone_day_end if event.get("day") and zone_day_end is not None else instant


def fold(kind: str, native: str, rows: Iterable[Row], settings: Mapping[str, Any]) -> Row | None:
    """The entity row of all `rows` (event rows of the entity), or None when no event counts."""
    row: Row | None = None
    every = list(rows)
    for item in effective(every):
        row = apply(row, kind, native, item["e"], item["o"], settings)
    if row is not None and any(item.get("to") is not None for item in every):
        row["cr"] = 1
    return row


def ended(row: Row, into: str | None) -> Row:
    """The row of an account that was merged into another one: closed, whatever its events say."""
    kept = {name: value for name, value in row.items() if name not in ("hs", "lv", "nd", "sb", "sx", "ow")}
    return {**kept, "x": 1, "op": 0, "st": "merged", "into": into}


def apply(
    row: Row | None,
    kind: str,
    native: str,
    event: Mapping[str, Any],
    order: Order,
    settings: Mapping[str, Any],
) -> Row:
    """One step of the fold: a new row; `row` is left alone."""
    end = event["type"].rpartition(".")[2]
    if row is None:
        new: Row = {"kind": kind, "id": native, "d": {}, "c": order[0], "ca": order[1], "n": 0, "op": 1}
    else:
        new = dict(row)
    new["o"] = order
    new["n"] += 1
    if end == "deleted":
        new["x"], new["op"] = 1, 0
        return new
    if new.get("x"):
        if end not in OPENING:
            return new
        del new["x"]
        new["op"] = 1
    new["d"] = _merged(new["d"], event["data"])
    new["st"] = status_after(event["type"], new.get("st"))
    if row is None or not PARENT_FIELDS.isdisjoint(event["data"]):
        _name_documents(new, event)
    if kind == "visit" and end in VISITED:
        new.setdefault("vt", order[0])
    if kind in STAGED:
        _stage(new, event, order[0], settings)
    return new


def _merged(data: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """An absent field is unchanged, a null clears it."""
    merged = {**data, **change}
    if None in change.values():
        return {name: value for name, value in merged.items() if value is not None}
    return merged


def _name_documents(new: Row, event: Mapping[str, Any]) -> None:
    """Note which documents the entity names, and under which ids other systems know itself."""
    new["p"] = _parents(new["kind"], new["d"], event.get("ns"))
    if event.get("ns"):
        new["ns"] = event["ns"]
    if "ids" in event["data"] and new["kind"] != "account":
        new["al"] = sorted({*new.get("al", ()), *_aliases(event["data"]["ids"])})


def _aliases(ids: object) -> list[str]:
    """Row ids under which other systems know the document: `ids: [{namespace, id}]`."""
    pairs = [i for i in ids if isinstance(i, Mapping)] if isinstance(ids, list) else []
    return [
        f"{i['namespace']}/{i['id']}" if i.get("namespace") else str(i["id"]) for i in pairs if i.get("id")
    ]


def scoped(row: Row, native: object) -> object:
    """The row id of a document that the row's data names by its native id."""
    return f"{row['ns']}/{native}" if "ns" in row and native is not None else native


def _parents(kind: str, data: Mapping[str, Any], namespace: str | None) -> list[tuple[str, str]]:
    """Documents that the data names; ids are of the namespace of the event that names them."""
    named = [p for p in parents_of(kind, data) if p[0] != "account"]
    return [(k, f"{namespace}/{native}") for k, native in named] if namespace else named


def _stage(new: Row, event: Mapping[str, Any], at: int, settings: Mapping[str, Any]) -> None:
    kind, type_ = new["kind"], event["type"]
    closing = CLOSING.get(type_)
    stage = event["data"].get("stage") or closing or DEFAULT_STAGE.get(type_)
    if stage is None and type_.endswith(".reopened"):
        stage = next(
            (s for s, _ in reversed(new.get("sh", ())) if _category(settings, kind, s) == "open"), None
        )
    if stage is not None and stage != new.get("s"):
        new["s"], new["ss"] = stage, at
        new["sh"] = [*new.get("sh", ()), [stage, at]]
    if type_.endswith(".reopened"):
        new["op"] = 1
    elif closing is not None:
        new["op"] = 0
    elif stage is not None:
        new["op"] = 1 if _category(settings, kind, stage) == "open" else 0


def _category(settings: Mapping[str, Any], kind: str, stage: str) -> str:
    known = settings.get("stages", {}).get(kind, {}).get(stage)
    if known is not None:
        return str(known.get("category", "open"))
    return stage if stage in ("won", "lost") else "open"


def decisive(settings: Mapping[str, Any], kind: str, stage: str | None) -> bool:
    """Is this stage one in which the deal is decided (settings; by default quote, negotiation and
    contract)?
    """
    known = settings.get("stages", {}).get(kind, {}).get(stage)
    if known is not None:
        return bool(known.get("decisive", False))
    return stage in ("quote", "negotiation", "contract")


def changed_fields(old: Row | None, new: Row) -> frozenset[str] | None:
    """Names of data fields that differ, stage and status included; None when the entity is new or changed
    wholly.
    """
    if old is None or old.get("x") != new.get("x"):
        return None
    before, after = old["d"], new["d"]
    names = {n for n, v in after.items() if before.get(n) != v}
    names.update(n for n in before if n not in after)
    if old.get("s") != new.get("s"):
        names.update(("stage", "stage_since", "stage_decisive", "decisive"))
    if old.get("st") != new.get("st"):
        names.add("status")
    if old.get("op") != new.get("op"):
        names.add("open")
    return frozenset(names)


def dwell(row: Row, until: int) -> list[tuple[str, int, int]]:
    """(stage, since us, dwell us) of every stage the entity has been in, the last up to `until`."""
    history = row.get("sh", [])
    ends = [since for _, since in history[1:]] + [until]
    return [(stage, since, end - since) for (stage, since), end in zip(history, ends, strict=True)]


# -- what children add to their parents -------------------------------------------------------------------

VISITED = frozenset({"checked_in", "checked_out", "completed", "reported"})


Contribution = tuple[int | None, str | None]
NO_CONTRIBUTION: Contribution = (None, None)


def contribution(row: Row | None) -> Contribution:
    """(time of the follow-up it is, counter it adds one to) of a child row; (None, None) when it adds
    nothing.
    """
    if row is None or row.get("x"):
        return NO_CONTRIBUTION
    kind = row["kind"]
    if kind == "activity":
        return row["c"], ACTIVITY_COUNTS.get(row["d"].get("kind", ""))
    if kind == "visit":
        if row.get("st") in VISITED or row["d"].get("kind") == "visit":
            return row.get("vt", row["c"]), "visits"
        return NO_CONTRIBUTION
    if kind == "message":
        return None, "messages"
    return NO_CONTRIBUTION


def add_contribution(parent: Row, gone: Contribution, come: Contribution, order: Order) -> Row | None:
    """The parent with what a child contributed taken off, and what it contributes now added.

    None when that cannot be told without looking at all children: its newest or first follow-up was taken
    away.
    """
    if gone == come:
        return parent
    then, was = gone
    now, counter = come
    sums = dict(parent.get("k", {}))
    if was is not None:
        sums[was] = sums.get(was, 0) - 1
    if counter is not None:
        sums[counter] = sums.get(counter, 0) + 1
    if then is not None and (now is None or now < then) and then == sums.get("lf"):
        return None
    if then is not None and (now is None or now > then) and then == sums.get("ff"):
        return None
    if now is not None:
        sums["lf"] = max(now, sums.get("lf", now))
        sums["ff"] = min(now, sums.get("ff", now))
    return {**parent, "k": sums, "ko": max(parent.get("ko", [0]), order)}


def sum_contributions(children: Iterable[Row]) -> dict[str, int]:
    """Contributions of all children from scratch."""
    sums: dict[str, int] = {}
    for child in children:
        at, counter = contribution(child)
        if counter is not None:
            sums[counter] = sums.get(counter, 0) + 1
        if at is not None:
            sums["lf"] = max(at, sums.get("lf", at))
            sums["ff"] = min(at, sums.get("ff", at))
    return sums
