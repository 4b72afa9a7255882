"""Which events of one entity count, in which order: corrections and deletions of events applied. Pure.

Used by the account machine, which folds all there is of an entity, and by identity, which folds what its
events have named. A kept event is a row:
    r   its reference, "source|id"      o   order: [effective time, at, ...]      e   the event
    to  reference of the event that it corrects or takes back      t   time (us) to which it moves that event
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.corrections import merged_fields
from schemas.time import parse_instant

Row = dict[str, Any]
Event = Mapping[str, Any]


def reference(event: Event) -> str:
    """The event's identity as rows and alert ids use it."""
    return f"{event['src']}|{event['id']}"


def target_of(event: Event) -> str | None:
    """Reference of the event that this one corrects or takes back; None when it is neither."""
    native = event["data"].get("event")
    if native is None or event["type"].rpartition(".")[2] not in ("corrected", "deleted"):
        return None
    return f"{event['data'].get('source') or event['src']}|{native}"


def moved_to(event: Event) -> int | None:
    """Time (us) to which a correction moves its event; None when it leaves the time alone.

    Raises:
        EventError: `data.time` is no instant.
    """
    time = event["data"].get("time")
    if time is None or not event["type"].endswith(".corrected"):
        return None
    return parse_instant(time, place="data.time")


def effective(rows: Iterable[Row]) -> list[Row]:
    """Event rows that count, in fold order, corrections applied: `{"o", "e", "r"}` with `r` the event's
    reference.

    `<entity>.corrected` and `.deleted` with `data.event` replace or take back that event; what they leave
    out of `data` is unchanged. Several for one event apply in their own order; taken back themselves,
    they never were.
    """
    ordered = sorted(rows, key=lambda row: row["o"])
    changes = [row for row in ordered if row.get("to") is not None]
    if not changes:
        return ordered
    standing = _standing(changes)
    taken: set[str] = set()
    patches: dict[str, list[Row]] = {}
    for row in changes:
        if row["r"] not in standing:
            continue
        if row["e"]["type"].endswith(".deleted"):
            taken.add(row["to"])
        else:
            taken.discard(row["to"])
            patches.setdefault(row["to"], []).append(row)
    plain = [row for row in ordered if row.get("to") is None and row["r"] not in taken]
    corrected = [_patched(row, patches[row["r"]]) if row["r"] in patches else row for row in plain]
    return sorted(corrected, key=lambda row: row["o"])


def _standing(changes: list[Row]) -> set[str]:
    """References of changes that were not themselves taken back (a change of a change is judged newest
    first).
    """
    standing = {row["r"] for row in changes}
    for row in reversed(changes):
        if row["r"] in standing and row["e"]["type"].endswith(".deleted"):
            standing.discard(row["to"])
    return standing


def _patched(row: Row, patches: list[Row]) -> Row:
    event = dict(row["e"])
    order = row["o"]
    for patch in patches:
        event["data"] = {**event["data"], **merged_fields(patch["e"]["type"], patch["e"]["data"])}
        if "t" in patch:  # a correction may move the event in time
            event["time"] = patch["t"]
            event.pop("day", None)
            order = [min(patch["t"], max(order[1], patch["o"][1])), *order[1:]]
    return {**row, "e": event, "o": order}
