"""The inbox of one person: tells at once, reminds until somebody acts, tells the end once, and forgets in
the end.

Pure; keyed by receiver. It owns what became of its notices, never the state of an alert. Rows of a key:
bucket `a/<alert>`, one row per notice (see `Row`); bucket `seq`, per alert the number of its next notice, so
that an alert with many reminders costs no more; bucket `undeliverable`, one row: the day the
administrator was last told. Waits: `remind|<alert>|<notice>` and `prune|<alert>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from schemas.errors import StreamError, show
from schemas.time import DAY, MAX_INSTANT, Duration, date_of, parse_duration
from streams.kernel.contract import SHARED_CHANGE, Context, Record, Step, Sweep, Wait
from streams.machines.gaps import GAP, keep_gap, superseded
from streams.machines.inbox.compose import (
    FAILED,
    UNDELIVERABLE,
    failed_record,
    notification,
    undeliverable_record,
)
from streams.machines.inbox.notice import MAIL, Notice
from streams.machines.inbox.receipt import KIND as RECEIPT
from streams.machines.inbox.receipt import Receipt

NOTIFICATIONS = "notifications"
NOTIFICATION = "notification"
"""Topic and record kind of what goes out."""

SEQ: Final = "seq"
KEPT: Final = 30 * DAY
"""How long a closed notice is remembered, so that a repeat of it is known."""
LEAST_REMINDER: Final = 60_000_000
"""Reminders closer together than this (us) are refused: they could only be a mistake."""

TELLING: Final = frozenset({"fired", "task", "approval", "reminder"})
ENDING: Final = frozenset({"resolved", "withdrawn", "voided"})
DECIDED: Final = "decided"


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one notice: its kind and item, `seq` its place among the alert's, `told` if a message
    went out and `via` which channels, `nth` reminders so far, `closed` when (us) it ended, and its `body` as
    long as reminders may need it. `sent`: when (us, wall clock) a message was last taken by the other side;
    `lost`: why one failed for good.
    """

    kind: str
    seq: int
    item: str | None = None
    told: bool = False
    via: tuple[str, ...] = (MAIL,)
    nth: int = 0
    closed: int | None = None
    sent: int | None = None
    lost: str | None = None
    body: dict[str, Any] | None = None


class InboxMachine:
    """Machine `inbox`: notices in, notifications out. A notice that cannot be read is refused
    (SW-STREAM-060).
    """

    name = "inbox"

    def on_event(self, ctx: Context, record: Record) -> Step:
        """One notice. Repeats of a notice id change nothing."""
        if record.kind == SHARED_CHANGE:
            if record.value.get("what") == GAP:
                keep_gap(ctx, record.value)
            return ctx.step
        if record.kind == RECEIPT:
            self._receipt(ctx, Receipt.from_dict(record.value))
            return ctx.step
        notice = Notice.from_dict(record.value)
        if ctx.get(_bucket(notice.alert), notice.notice) is None:
            self._take(ctx, notice)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        """A reminder or a pruning falls due."""
        what, alert, *rest = wait.name.split("|", 2)
        if what == "remind":
            self._remind(ctx, alert, rest[0], wait.due)
        else:
            self._prune(ctx, alert)
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        """Nothing: what a sweep is about (rules, calendars) never changes notices that were made."""
        return ctx.step

    def _receipt(self, ctx: Context, receipt: Receipt) -> None:
        """Note on the notice what became of its message; a final failure is told to the administrator."""
        row = _row(ctx.get(_bucket(receipt.alert), receipt.of))
        if row is not None:
            end = {"sent": receipt.settled} if receipt.state == "sent" else {"lost": receipt.note}
            _put(ctx, receipt.alert, receipt.of, msgspec.structs.replace(row, **end))
        if receipt.state == "sent" or receipt.reason == UNDELIVERABLE or receipt.admin is None:
            return
        day = date_of(ctx.at, ZoneInfo(receipt.zone))
        name = f"{FAILED}|{receipt.channel}"
        if ctx.get(UNDELIVERABLE, name) != day.isoformat():
            ctx.put(UNDELIVERABLE, name, day.isoformat())
            made = failed_record(receipt, receipt.admin, day, ctx.at)
            ctx.emit(NOTIFICATIONS, ctx.key, NOTIFICATION, made)

    # -- notices --

    def _take(self, ctx: Context, notice: Notice) -> None:
        if notice.kind in TELLING:
            self._open(ctx, notice)
            return
        tells = notice.kind == DECIDED or (notice.kind in ENDING and _owes(ctx, notice))
        if notice.kind != DECIDED:
            self._stop(ctx, notice)
        made = bool(tells and _tell(ctx, notice, 0))
        seq = _next_seq(ctx, notice.alert)
        _put(ctx, notice.alert, notice.notice, Row(notice.kind, seq, notice.item, told=made, closed=ctx.at))
        ctx.wait(f"prune|{notice.alert}", ctx.at + KEPT)

    def _open(self, ctx: Context, notice: Notice) -> None:
        body = None
        if notice.remind is not None:
            body = notice.to_dict()
            ctx.wait(_reminder(notice), _next(notice, ctx.at))
        seq = _next_seq(ctx, notice.alert)
        used = _tell(ctx, notice, 0)
        row = Row(notice.kind, seq, notice.item, told=bool(used), via=used or (MAIL,), body=body)
        _put(ctx, notice.alert, notice.notice, row)

    def _stop(self, ctx: Context, notice: Notice) -> None:
        """Disarm the reminders of what ended; unless somebody only acted on it, it is closed as well."""
        for name, row in list(_matching(ctx, notice)):
            if row.closed is not None:
                continue
            if row.body is not None:
                ctx.wait(f"remind|{notice.alert}|{name}", None)
            closed = None if notice.kind == "acted" else ctx.at
            _put(ctx, notice.alert, name, msgspec.structs.replace(row, body=None, closed=closed))

    # -- waits --

    def _remind(self, ctx: Context, alert: str, name: str, due: int) -> None:
        row = _row(ctx.get(_bucket(alert), name))
        if row is None or row.body is None:
            return
        notice = Notice.from_dict(row.body)
        again = _next(notice, due)
        ctx.wait(_reminder(notice), again)
        if superseded(ctx, 0 if row.nth else notice.at, due, again):
            return
        nth = row.nth + 1
        used = _tell(ctx, notice, nth)
        told, via = row.told or bool(used), used or row.via
        _put(ctx, alert, name, msgspec.structs.replace(row, nth=nth, told=told, via=via))

    def _prune(self, ctx: Context, alert: str) -> None:
        left: list[int | None] = []
        for name, row in list(_rows(ctx, alert)):
            if row.closed is not None and row.closed + KEPT <= ctx.at:
                ctx.put(_bucket(alert), name, None)
            else:
                left.append(row.closed)
        if not left:
            ctx.put(SEQ, alert, None)
        closed = [at for at in left if at is not None]
        if closed:
            ctx.wait(f"prune|{alert}", max(closed) + KEPT)


def _owes(ctx: Context, notice: Notice) -> bool:
    """Whether the person was told of what ends now, and not yet told of this kind of end since."""
    told = max((row.seq for _, row in _matching(ctx, notice) if row.told and row.kind in TELLING), default=-1)
    return told >= 0 and not any(
        row.kind == notice.kind and row.item == notice.item and row.seq > told
        for _, row in _rows(ctx, notice.alert)
    )


def _next_seq(ctx: Context, alert: str) -> int:
    seq: int = ctx.get(SEQ, alert) or 0
    ctx.put(SEQ, alert, seq + 1)
    return seq


def _tell(ctx: Context, notice: Notice, nth: int) -> tuple[str, ...]:
    """Emit one notification per channel; where there is no address, tell the administrator. The channels by
    which something went out.
    """
    used: list[str] = []
    for channel in _channels(ctx, notice):
        address = notice.address_of(channel)
        if address is None:
            _tell_admin(ctx, notice, channel)
            continue
        made = notification(notice, address, channel, nth, ctx.at)
        ctx.emit(NOTIFICATIONS, ctx.key, NOTIFICATION, made)
        used.append(channel)
    return tuple(used)


def _channels(ctx: Context, notice: Notice) -> tuple[str, ...]:
    """The channels that the notice names, else those by which the person was told of it before, else mail."""
    if notice.via is not None:
        return tuple(dict.fromkeys(notice.via))
    about = _matching(ctx, notice)
    if notice.kind in TELLING:
        about = ((name, row) for name, row in _rows(ctx, notice.alert) if row.item == notice.item)
    before = (c for _, row in about if row.told and row.kind in TELLING for c in row.via)
    return tuple(dict.fromkeys(before)) or (MAIL,)


def _tell_admin(ctx: Context, notice: Notice, channel: str) -> None:
    """Once per person, channel and day, by the person's own days."""
    day = date_of(ctx.at, ZoneInfo(notice.zone))
    name = "day" if channel == MAIL else f"day|{channel}"
    if notice.admin is None or ctx.get(UNDELIVERABLE, name) == day.isoformat():
        return
    ctx.put(UNDELIVERABLE, name, day.isoformat())
    made = undeliverable_record(notice, channel, notice.admin, day, ctx.at)
    ctx.emit(NOTIFICATIONS, ctx.key, NOTIFICATION, made)


def _next(notice: Notice, after: int) -> int:
    """When to remind again (us).

    Raises:
        StreamError: SW-STREAM-060 when the interval is shorter than `LEAST_REMINDER`.
        RuleError: the duration cannot be read.
    """
    remind = notice.remind
    every = (
        parse_duration(remind, place="notice.remind") if isinstance(remind, str) else Duration(us=remind or 0)
    )
    due = every.add(after, ZoneInfo(notice.zone))
    if due - after < LEAST_REMINDER and due < MAX_INSTANT:
        raise StreamError(
            "SW-STREAM-060",
            place="notice.remind",
            expected="at least one minute",
            found=show(remind),
            next_step="give the rule a longer `remind`",
        )
    return due


def _matching(ctx: Context, notice: Notice) -> Iterator[tuple[str, Row]]:
    """The rows that an ending notice is about: of its item; without item, of the alert, with or without
    items.
    """
    everything = notice.item is None and notice.about != "alert"
    for name, row in _rows(ctx, notice.alert):
        if everything or row.item == notice.item:
            yield name, row


def _rows(ctx: Context, alert: str) -> Iterator[tuple[str, Row]]:
    for name, value in ctx.scan(_bucket(alert)):
        yield name, msgspec.convert(value, type=Row)


def _row(value: Mapping[str, object] | None) -> Row | None:
    return None if value is None else msgspec.convert(value, type=Row)


def _put(ctx: Context, alert: str, name: str, row: Row) -> None:
    ctx.put(_bucket(alert), name, msgspec.to_builtins(row))


def _bucket(alert: str) -> str:
    return f"a/{alert}"


def _reminder(notice: Notice) -> str:
    return f"remind|{notice.alert}|{notice.notice}"
