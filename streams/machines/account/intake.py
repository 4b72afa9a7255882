"""Takes one event into the account: repeats, corrections, entity rows, links, sums; then hands on to the
rules.

The fast path is one step of the fold; whatever is late, corrected or taken back goes through the fold of
the entity's whole history, with the same result. Rules are the turn's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rules.reasons import Reason
from schemas.envelope import entity_named
from schemas.errors import EventError
from streams.machines.account import aliases, entities, recheck, repeats
from streams.machines.account.entities import Order, Row
from streams.machines.account.implied import first_named, implied, imported
from streams.machines.account.notes import NOTES
from streams.machines.account.turn import Change, Turn
from streams.machines.account.world import events_bucket
from streams.machines.corrections import moved_to, reference, target_of

Event = Mapping[str, Any]


def subject_of(event: Event) -> tuple[str, str]:
    """(kind, native id) of the event's entity; ids of other namespaces carry theirs."""
    kind, native = entity_named(event["type"], event["data"], event["id"], event.get("subj"))
    namespace = event.get("ns")
    return kind, f"{namespace}/{native}" if namespace else native


class Intake:
    """One event during one step."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.world = turn.world
        self.ctx = turn.world.ctx

    def take(self, event: Event, order: Order) -> None:
        """Change the rows of the event's entity and judge the rules that care.

        Raises:
            EventError: SW-STREAM-011 when the same source and id stand for other content already.
        """
        kind, native = subject_of(event)
        ref = reference(event)
        bucket = events_bucket(kind, native)
        known = self.ctx.get(bucket, ref)
        if known is not None:
            _refuse_other_content(known["e"], event, ref)
            repeats.count(self.ctx, event)
            return
        row: Row = {"o": order, "e": event, "r": ref}
        target = target_of(event)
        if target is not None:
            row["to"] = target
            time = moved_to(event)
            if time is not None:
                row["t"] = time
        self.ctx.put(bucket, ref, row)
        old = self.world.row(kind, native)
        self._implied_account(order, event)
        if (
            target is None
            and (old is None or ("cr" not in old and order > old["o"]))
            and not self._foretold(kind, native, old)
        ):
            new: Row | None = entities.apply(old, kind, native, event, order, self.world.settings)
            cause = Reason.LATE_EVENT
            fast = True
        else:
            new = self._fold(kind, native, old)
            cause = _cause(event, target)
            fast = False
        if old is None and new is not None and self.world.has_children(kind, native):
            new = self._with_children(new)
            fast = False  # what is below it came first, and counts from now on
        self._changed(Change(kind, native, old, new, event, order, ref, cause, fast and target is None))

    def _with_children(self, new: Row) -> Row:
        self.world.put(new)
        below = list(self.world.descendants(new["kind"], new["id"]))
        every = (self.world.row(*one) for one in self.world.ever_below(new["kind"], new["id"]))
        newest = max([new["o"], *(row["o"] for row in every if row is not None)])
        self.world.remove(new["kind"], new["id"])  # it is put when what is above those below it was looked at
        return {**new, "k": entities.sum_contributions(below), "ko": newest, "no": newest}

    def _foretold(self, kind: str, native: str, old: Row | None) -> bool:
        """A correction came before the first event of the entity."""
        return old is None and self.ctx.get("cr", f"{kind}|{native}") is not None

    def _fold(self, kind: str, native: str, old: Row | None) -> Row | None:
        new = entities.fold(kind, native, self.world.event_rows(kind, native), self.world.settings)
        if new is None:
            self.ctx.put("cr", f"{kind}|{native}", 1)
            if old is not None and old.get("im"):
                new = {**implied(kind, native, old["im"], old.get("ih", 0)), "cr": 1}
        if new is not None and old is not None:
            for name in ("k", "ko", "im", "ih", *NOTES):
                if name in old:
                    new[name] = old[name]
            if "im" in old:
                new["c"] = min(new["c"], old["im"][0])
            if "into" in old:
                new = entities.ended(new, old["into"])
        return new

    def _implied_account(self, order: Order, event: Event) -> None:
        """An account that is named for the first time is thereby known, from the first instant it is
        named.
        """
        account = self.world.account_id
        if account is None or event["type"].startswith("account."):
            return
        row = self.world.row("account", account)
        if row is None:
            row = implied("account", account, order, event.get("hist", 0))
            self.world.put(row)
            self.turn.on_change(first_change(row))
        elif row.get("im") and order[0] < row["c"]:
            earlier = {**row, "c": order[0], "im": [order[0], *row["im"][1:]]}
            self.world.put(imported(earlier, event.get("hist", 0)))

    def _changed(self, change: Change) -> None:
        new, old = change.new, change.old
        named = aliases.changed(old, new)
        below = self._moved_with(change, named)
        if new is not None:
            self.world.put(new)
        elif old is not None:
            self.world.remove(change.kind, change.native)
        aliases.write(self.world, change.kind, change.native, named, new)
        before = self.world.ancestors(old) if old is not None else []
        same = old is not None and new is not None and not named and old.get("p") == new.get("p")
        self._relate(change, before, before if same else None)
        changes = [self._renamed(row, above) for row, above in below if self.world.ancestors(row) != above]
        if changes:
            change.fast = False  # what is below it came first, and counts from now on
        for each in (change, *changes[: recheck.AT_ONCE]):
            self.turn.on_change(each)
        self._judge_later([[one.kind, one.native, one.above] for one in changes[recheck.AT_ONCE :]])

    def _judge_later(self, renamed: Sequence[Any]) -> None:
        """Relations and sums of all are right at once; the rules of these look in steps of their own."""
        if renamed:
            self.ctx.emit("sales.events", self.world.key, "recheck", {"renamed": renamed})

    def go_on(self, renamed: Sequence[Any]) -> None:
        """Go on with entities whose documents above became others: [kind, id, those above and before]."""
        for kind, native, above in renamed[: recheck.AT_ONCE]:
            row = self.world.row(kind, native)
            if row is not None:
                change = self._looked_at(row)
                change.above = list(dict.fromkeys([*map(tuple, above), *self.world.ancestors(row)]))
                self.turn.on_change(change)
        self._judge_later(renamed[recheck.AT_ONCE :])

    def _moved_with(self, change: Change, named: tuple[str, ...]) -> list[tuple[Row, aliases.Above]]:
        """Rows whose documents above may be others from now on: they named the entity before it was known, or
        by an id that it gets or loses (`named`), or it names other documents itself.
        """
        before = () if change.old is None else change.old.get("p", ())
        after = () if change.new is None else change.new.get("p", ())
        other = before != after and [*map(tuple, before)] != [*map(tuple, after)]  # rows hold lists
        if other and self.world.has_children(change.kind, change.native):
            named = (change.native, *named)
        return aliases.namers(self.world, change.kind, named) if named else []

    def _relate(
        self, change: Change, before: list[tuple[str, str]], after: list[tuple[str, str]] | None = None
    ) -> None:
        """Lists and sums of what is above the entity, and was. after: above it now, when that is known."""
        new = change.new
        if after is None:
            after = self.world.ancestors(new) if new is not None else []
            if new is not None and (change.old is None or before != after):
                self.world.link(new, after)
        change.above = after if before == after or not before else list(dict.fromkeys([*before, *after]))
        change.summed = self._sums(change, before, after)

    def _renamed(self, row: Row, before: list[tuple[str, str]]) -> Change:
        """An entity whose documents above are others by now, although nothing came of itself."""
        change = self._looked_at(self.world.row(row["kind"], row["id"]) or row)
        self._relate(change, before)
        return change

    def _looked_at(self, row: Row) -> Change:
        """An entity as if its latest event had changed nothing."""
        kind, native = row["kind"], row["id"]
        latest = self.world.effective_events(kind, native)[-1]
        return Change(kind, native, row, row, latest["e"], row["o"], latest["r"], Reason.CORRECTED, False)

    def _sums(
        self, change: Change, before: list[tuple[str, str]], after: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Bring the sums of the entities above up to date; those whose sums changed."""
        was, now = entities.contribution(change.old), entities.contribution(change.new)
        if was == now and before == after:
            return []
        touched: list[tuple[str, str]] = []
        newest = change.order if change.new is None else max(change.order, change.new["o"])
        for parent in change.above:
            row = self.world.row(*parent)
            if row is None:
                continue
            gone = was if parent in before else entities.NO_CONTRIBUTION
            come = now if parent in after else entities.NO_CONTRIBUTION
            changed = entities.add_contribution(row, gone, come, newest)
            if changed is row:
                continue
            if changed is None:
                sums = entities.sum_contributions(self.world.descendants(*parent))
                changed = {**row, "k": sums, "ko": max(row.get("ko", [0]), newest)}
            self.world.put(changed)
            touched.append(parent)
        return touched


def first_change(row: Row) -> Change:
    """An implied entity became known."""
    kind, native = row["kind"], row["id"]
    first = first_named(row)
    return Change(kind, native, None, row, first, row["o"], f"first|{native}", Reason.LATE_EVENT, True)


def _cause(event: Event, target: str | None) -> Reason:
    if target is None:
        return Reason.ENTITY_DELETED if event["type"].endswith(".deleted") else Reason.LATE_EVENT
    return Reason.EVENT_DELETED if event["type"].endswith(".deleted") else Reason.CORRECTED


def _refuse_other_content(known: Event, event: Event, ref: str) -> None:
    same = all(known[name] == event[name] for name in ("type", "time", "data"))
    if not same:
        raise EventError(
            "SW-STREAM-011",
            place=ref.replace("|", "/"),
            expected="the event that came under this source and id before",
            found="other content",
            next_step="send a new id, or <entity>.corrected with data.event to change it",
        )
