"""The identity machine: takes what sources send, finds out whose customer it is about, and passes it on by
account.

Keyed by native id (`streams.machines.keys`). The driver stamps `at`, so all it emits carries the logical
time. The usual event, of an entity that is known and names no other parent, costs one row read and writes
one small note (`history`); all else is in `events`, `protocol` and `merges`. It must not decide anything
about rules, nor drop repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.errors import CommandError, EventError, show
from streams.kernel.contract import COMMAND, SHARED, SHARED_CHANGE, Context, Record, Step, Sweep, Wait
from streams.machines.identity import events, history, merges, protocol
from streams.machines.identity.names import (
    ACK,
    ALIAS,
    DISOWN,
    EVENT,
    FENCE,
    ID,
    MERGE_ASK,
    REROUTE,
    RESOLVE_ASK,
    RESOLVED,
    ROUTE,
    SALES_EVENTS,
    Limits,
)
from streams.machines.identity.naming import ACCOUNT, CONTACT, DIRECTORY, EXTERNAL, LEAD, parent_of
from streams.machines.identity.node import Node, canonical
from streams.machines.identity.parking import Event
from streams.machines.inbox.receipt import KIND as RECEIPT
from streams.machines.keys import kind_of

Handler = Callable[[Context, Record], None]

NOT_ENTITIES: Final = DIRECTORY | EXTERNAL | {"", "scope"}
TELLING: Final = frozenset({CONTACT, LEAD})
"""Kinds whose events may make other keys known."""


class IdentityMachine:
    """`partitions`: how many identity partitions there are (what a merge must be confirmed by); `limits`:
    of waiting events.
    """

    name = "identity"

    def __init__(self, partitions: int = 1, limits: Limits | None = None) -> None:
        self._partitions = partitions
        self._limits = limits or Limits()
        self._handlers: dict[str, Handler] = {
            EVENT: self._event,
            COMMAND: _command,
            SHARED_CHANGE: _shared_change,
            RESOLVE_ASK: protocol.on_resolve,
            RESOLVED: protocol.on_resolved,
            ALIAS: _alias,
            DISOWN: protocol.on_disown,
            REROUTE: protocol.on_reroute,
            ACK: protocol.on_ack,
            MERGE_ASK: self._merge_ask,
            FENCE: merges.on_fence,
            RECEIPT: _receipt,
        }

    def on_event(self, ctx: Context, record: Record) -> Step:
        """One record of the intake or of another identity partition.

        Raises:
            EventError, CommandError: the record cannot be routed; nothing of it took effect.
        """
        handler = self._handlers.get(record.kind)
        if handler is None:
            raise EventError(
                "SW-STREAM-041",
                place=record.topic,
                expected=", ".join(sorted(self._handlers)),
                found=show(record.kind),
                next_step="check which program writes to this topic",
            )
        handler(ctx, record)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        """Nothing: identity arms no waits."""
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        """Nothing: identity starts no sweeps."""
        return ctx.step

    def _event(self, ctx: Context, record: Record) -> None:
        event, key = record.value, ctx.key
        kind, _, rest = key.partition(":")
        try:
            data, type_ = event["data"], event["type"]
            checked = isinstance(data, dict) and isinstance(type_, str) and isinstance(event["time"], int)
        except (KeyError, TypeError):
            checked = False
        if not checked:
            raise _unreadable(record)
        if kind in NOT_ENTITIES or not rest:
            _directory_event(ctx, event, kind)
        elif kind == ACCOUNT:
            merges.on_account_event(ctx, event)
        else:
            plain = (
                kind not in TELLING and "ids" not in data and not ("/" in rest and not rest.startswith("/"))
            )
            if plain and _goes_straight(ctx, kind, event):
                return
            events.take(Node(ctx), event, self._limits)

    def _merge_ask(self, ctx: Context, record: Record) -> None:
        merges.on_merge_ask(ctx, record, self._partitions)


def _goes_straight(ctx: Context, kind: str, event: Event) -> bool:
    """The usual event: of a known entity whose route it leaves alone, or its first, naming its account."""
    row = ctx.get(ID, ROUTE)
    parent = parent_of(kind, "", ctx.key, event["data"])
    if row is None:
        known = parent is not None and kind_of(parent) == ACCOUNT and history.begin(ctx, kind, event, parent)
        route = parent
    else:
        route = None if "w" in row else row["k"]
        known = (
            route is not None
            and (parent is None or parent == row.get("p", route))
            and history.is_plain(ctx, row, kind, event, parent)
        )
    if known and route is not None:
        ctx.emit(SALES_EVENTS, canonical(ctx, route), EVENT, event)
    return known


def _alias(ctx: Context, record: Record) -> None:
    if kind_of(ctx.key) == ACCOUNT:
        merges.on_account_alias(ctx, record)
    else:
        protocol.on_alias(ctx, record)


def _directory_event(ctx: Context, event: Event, kind: str) -> None:
    """Directory and reference events have no customer: every partition gets them, from the key SHARED."""
    what = event["type"].partition(".")[0]
    if ctx.key != SHARED or what not in DIRECTORY:
        raise EventError(
            "SW-STREAM-040",
            place=event["type"],
            expected="the empty key" if what in DIRECTORY else f"a key like {what}:ID",
            found=show(ctx.key),
            next_step="let the intake key the event by its entity",
        )
    ctx.emit(SALES_EVENTS, SHARED, SHARED_CHANGE, {"what": what, "event": event}, everywhere=True)


def _shared_change(ctx: Context, record: Record) -> None:
    value = record.value
    if ctx.key != SHARED or not isinstance(value, Mapping) or not isinstance(value.get("what"), str):
        raise _unreadable(record)
    ctx.emit(SALES_EVENTS, SHARED, SHARED_CHANGE, value, everywhere=True)


def _receipt(ctx: Context, record: Record) -> None:
    """What became of a message goes on to the inbox of its receiver; it is nobody's history."""
    ctx.emit(SALES_EVENTS, ctx.key, RECEIPT, record.value)


def _command(ctx: Context, record: Record) -> None:
    value: Any = record.value
    key = value.get("key") if isinstance(value, Mapping) else None
    if not isinstance(key, str) or not key:
        raise CommandError(
            "SW-STREAM-041",
            place="command",
            expected="an object with the key of the alert",
            found=show(value if key is None else key),
            next_step="send the command with machine, key and what it is about",
        )
    ctx.emit(SALES_EVENTS, canonical(ctx, key), COMMAND, value)


def _unreadable(record: Record) -> EventError:
    return EventError(
        "SW-STREAM-041",
        place=f"{record.topic}: {record.key or 'shared'}",
        expected="an event with type, time and data"
        if record.kind == EVENT
        else "an object with what it changes",
        found=show(record.value),
        next_step="send it through the intake, which checks it",
    )
