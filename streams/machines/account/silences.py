"""Silences: `silent` rules, of which an entity may have dozens that nothing has touched yet.

A silence that is not due needs no look at all: the match is noted on the entity's row (`lm`), and looked up
when it falls due. One whose state follows from the entity's opening (`sb`) and the noted matches has no row;
one wait per entity stands for all of them. Each function takes the turn it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from schemas.time import end_of_day
from streams.machines.account import review
from streams.machines.account.entities import Order, Row
from streams.machines.account.grace import judged_to, wake
from streams.machines.account.rulebook import Active

if TYPE_CHECKING:
    from streams.machines.account.interest import Interest
    from streams.machines.account.turn import Change, Turn


def implied_wait(kind: str, native: str) -> str:
    """Name of the one wait that stands for an entity's untouched silences."""
    return f"s|{kind}|{native}"


# -- events that break silences ---------------------------------------------------------------------------


def hear(turn: Turn, interest: Interest, change: Change, seen: set[tuple[str, str, str]]) -> None:
    """`silent` rules that name the event's type, on the entities it belongs to."""
    for kind, native in ((change.kind, change.native), *change.above):
        rules = interest.silent.get(kind)
        if rules is not None:
            _break(turn, rules, change, kind, native, seen)
    if interest.customer:
        customer_only(turn, interest.customer, change)


def _break(
    turn: Turn,
    rules: tuple[Active, ...],
    change: Change,
    kind: str,
    native: str,
    seen: set[tuple[str, str, str]],
) -> None:
    row = turn.world.row(kind, native)
    if row is None:
        return
    easy = change.order[0] < row.get("nd", -1) and note(turn, row, change, "ha" in row)
    touched = row.get("lv", ())
    if easy and not touched and turn.book.all_plain:
        return
    for active in rules:
        if easy and active.name not in touched and active.is_plain(change.type):
            continue
        if (active.name, kind, native) not in seen:
            seen.add((active.name, kind, native))
            turn.take(active, kind, native, change)
    if not easy:
        _noted(turn, kind, native, change)


def customer_only(turn: Turn, rules: tuple[Active, ...], change: Change) -> None:
    """An event that names only the customer counts for every deal of rules with `include: account`."""
    named = {change.kind, *(kind for kind, _ in change.above)}
    for active in rules:
        if active.watch not in named:
            review.customer_event(turn, active, change)


def note(turn: Turn, row: Row, change: Change, strict: bool) -> bool:
    """Note the event as the latest of its type; False when that is not all there is to it.

    With alerts in the past (`strict`) an event older than the latest one may prove one of them wrong.
    """
    at = change.order[0]
    latest = row.get("lm") or {}
    if strict and any(at < entry[0] for entry in latest.values()):
        return False
    known = latest.get(change.type)
    if known is None or at >= known[0]:
        entry = _latest(known, change.event, change.order, change.ref, turn.world.zone)
        turn.world.note(row, "lm", {**latest, change.type: entry})
    return True


def _noted(turn: Turn, kind: str, native: str, change: Change) -> None:
    """After the rules have looked: note the event, and the earliest due anew."""
    row = turn.world.row(kind, native)
    if row is None:
        return
    note(turn, row, change, False)
    row = turn.world.row(kind, native) or row
    dues = [due for _, saved in turn.trigger_rows(kind, native) if (due := saved["s"].get("d")) is not None]
    for active in turn.book.implied.get(kind, ()):
        if active.implied is not None and "sb" in row and active.name not in row.get("sx", ()):
            dues.append(active.implied.add(_base(row, active), turn.world.zone))
    turn.world.note(row, "nd", min(dues, default=None))


def _latest(
    known: list[Any] | None, event: Mapping[str, Any], order: Order, ref: str, zone: ZoneInfo
) -> list[Any]:
    """[newest instant, latest end, reference and order of the event that ends latest, start of the import
    that brought it]: a day known only as such ends last; of those that end together it is the last one.
    """
    at = order[0]
    end = end_of_day(at, zone) if event.get("day") else at
    if known is not None and known[1] > end:
        return [at, *known[1:]]
    return [at, end, ref, order, event.get("hist", 0)]


# -- silences that follow from the entity -----------------------------------------------------------------


def opened_or_closed(turn: Turn, rules: tuple[Active, ...], change: Change) -> None:
    """One wait stands for all silences of an entity until the first of them falls due."""
    row = turn.world.row(change.kind, change.native)
    if row is None:
        return
    was_open = change.old is not None and bool(change.old["op"])
    if row["op"] and not was_open:
        at = change.order[0]
        end = end_of_day(at, turn.world.zone) if change.event.get("day") else at
        turn.world.note(row, "sb", [end, change.ref, change.order, change.event.get("hist", 0)])
        arm(turn, change.kind, change.native, rules)
    elif was_open and not row["op"]:
        if "nd" in row and row["nd"] <= change.order[0]:  # due already; the verdict waits for late sources
            own = (change.new or row).get("sx", ())
            for active in rules:
                if active.implied is not None and active.name not in own:
                    turn.take(active, change.kind, change.native, change)
        forget(turn, turn.world.row(change.kind, change.native) or row)


def forget(turn: Turn, row: Row) -> None:
    """The entity is not open: nothing is waited for."""
    if "sb" in row:
        turn.world.note(row, "sb", None)
        turn.world.note(turn.world.row(row["kind"], row["id"]) or row, "nd", None)
        turn.world.ctx.wait(implied_wait(row["kind"], row["id"]), None)


def arm(turn: Turn, kind: str, native: str, rules: Iterable[Active]) -> None:
    """Arm the entity's one wait for the first of the silences without a row, and note the earliest due."""
    row = turn.world.row(kind, native)
    if row is None or "sb" not in row:
        return
    own = row.get("sx", ())
    waits, dues = [], [row["nd"]] if own and "nd" in row else []
    seen: set[tuple[object, ...]] = set()
    for active in rules:
        if active.implied is not None and active.name not in own and active.falls_due_with not in seen:
            seen.add(active.falls_due_with)
            due = active.implied.add(_base(row, active), turn.world.zone)
            dues.append(due)
            waits.append(wake(turn.world, active, due))
    if dues and row.get("nd") != min(dues):
        turn.world.note(row, "nd", min(dues))
    turn.world.ctx.wait(implied_wait(kind, native), min(waits, default=None))


def _base(row: Row, active: Active) -> int:
    """The instant (us) the silence counts from: opening, or the latest match noted since."""
    matches: list[int] = [e[1] for type_, e in (row.get("lm") or {}).items() if type_ in active.plain_types]
    opened: int = row["sb"][0]
    return max([opened, *matches])


def on_wait(turn: Turn, name: str) -> None:
    """The first of an entity's silences may be due: those that are get rows of their own."""
    _, kind, native = name.split("|", 2)
    rules = turn.book.implied.get(kind, ())
    at = turn.world.ctx.at
    for active in rules:
        row = turn.world.row(kind, native)
        if row is None or "sb" not in row:
            return
        if active.implied is None or active.name in row.get("sx", ()):
            continue
        due = active.implied.add(_base(row, active), turn.world.zone)
        if due <= judged_to(turn.world, active, at):
            turn.judge(active, kind, native).on_wait(at)
    arm(turn, kind, native, rules)


# -- history changed --------------------------------------------------------------------------------------


def remember_matches(turn: Turn, change: Change) -> None:
    """History has changed: note anew what the latest matches of silences are."""
    for kind, native in ((change.kind, change.native), *change.above):
        row = turn.world.row(kind, native)
        if row is not None and "lm" in row:
            _remember(turn, row)


def remember(turn: Turn, kind: str, native: str) -> None:
    """Note the latest matches of silences anew, if silences watch such entities."""
    row = turn.world.row(kind, native)
    watched = any(active.watch == kind for rules in turn.book.silent.values() for active in rules)
    if row is not None and (watched or "lm" in row):
        _remember(turn, row)


def _remember(turn: Turn, row: Row) -> None:
    found = [
        item
        for below in (row, *turn.world.descendants(row["kind"], row["id"]))
        for item in turn.world.effective_events(below["kind"], below["id"])
        if item["e"]["type"] in turn.book.silencing
    ]
    latest: dict[str, list[Any]] = {}
    for item in sorted(found, key=lambda item: item["o"]):
        type_ = item["e"]["type"]
        latest[type_] = _latest(latest.get(type_), item["e"], item["o"], item["r"], turn.world.zone)
    if latest or "lm" in row:
        turn.world.note(row, "lm", latest)
