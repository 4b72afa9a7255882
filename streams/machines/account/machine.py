"""The account machine: one event of one account changes rows; rows and time open and close alerts.

    event ──> entity row, links, sums ──> rules that care ──> episodes ──> alerts, tasks, approvals, notices
    wait  ──> the one rule or item it belongs to
    sweep ──> every entity of a key, when a rule or something shared changed

It holds nothing but compiled rules, which the shared rows determine. It must not do I/O or read a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from rules.problems import RuleErrors
from schemas.errors import StreamError
from streams.kernel.contract import COMMAND, EVENT, SHARED, SHARED_CHANGE, Context, Record, Step, Sweep, Wait
from streams.machines.account import commands, former, grace, moves, rates, shared
from streams.machines.account.compiler import Compiler, activate
from streams.machines.account.entities import Order, order_of
from streams.machines.account.index import Rulebook
from streams.machines.account.intake import Intake
from streams.machines.account.notices import NOTICES
from streams.machines.account.people import People
from streams.machines.account.rulebook import Active
from streams.machines.account.turn import Turn
from streams.machines.account.world import DEFAULT_SETTINGS, SETTINGS, World
from streams.machines.inbox.receipt import KIND as RECEIPT


class AccountMachine:
    """See `streams.kernel.contract.Machine`."""

    name = "account"

    def __init__(self) -> None:
        self._epoch = -1
        self._compiler = Compiler()
        self._book = Rulebook.of(())
        self._settings: Mapping[str, Any] = DEFAULT_SETTINGS
        self._people = People()
        self._kinds: Mapping[str, Callable[[Context, Record], None]] = {
            SHARED_CHANGE: self._shared,
            RECEIPT: self._receipt,
            **dict.fromkeys(
                (EVENT, COMMAND, "recheck", grace.RIPEN, moves.FORWARD, moves.HELD), self._record
            ),
            **dict.fromkeys(moves.KINDS, self._move),
        }
        self._items: Mapping[str, Callable[[Context, Any, Order], None]] = {
            EVENT: self._event,
            COMMAND: self._command,
            "recheck": self._recheck,
            grace.RIPEN: self._ripen,
            "sweep": self._sweep,
            "wait": self._wait,
        }

    @property
    def rules(self) -> tuple[Active, ...]:
        """The rules in force as last compiled, former versions included: for metrics."""
        return self._book.rules

    def on_event(self, ctx: Context, record: Record) -> Step:
        handler = self._kinds.get(record.kind)
        if handler is None:
            raise StreamError(
                "SW-STREAM-010",
                place=record.topic,
                expected=", ".join(self._kinds),
                found=record.kind,
                next_step="a newer version may have written it: upgrade, then replay it",
            )
        handler(ctx, record)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        if not moves.hold_wait(ctx, wait):
            self._due(ctx, wait.name)
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        if sweep.key == SHARED:
            former.swept(ctx, sweep.what)
        elif moves.hold_sweep(ctx, sweep):
            former.keep_all(ctx, sweep.what)
            self.turn(ctx).put_off(sweep.what)
        else:
            self._sweep(ctx, sweep.what, [])
        return ctx.step

    # -- kinds of records ---------------------------------------------------------------------------------

    def _record(self, ctx: Context, record: Record) -> None:
        """A record of what happened or was decided, directly, by way of another key, or held during a
        move.
        """
        item = moves.item_of(record)
        if moves.stopped(ctx, record, item, lambda: self.turn(ctx)):
            return
        kind, value, place = item
        if record.kind == moves.HELD:
            ctx.at = moves.instant(ctx, place[0])
        self._items[kind](ctx, value, place)
        if ctx.at > record.at:
            ctx.step.emits = [replace(emit, at=ctx.at) for emit in ctx.step.emits]

    def _event(self, ctx: Context, event: Any, place: Order) -> None:
        turn, order = self.turn(ctx), order_of(event, *place)
        Intake(turn).take(event, order)
        rates.tell_missing(turn, quiet=order[0] < event.get("hist", 0))

    def _command(self, ctx: Context, value: Any, place: Order) -> None:
        commands.on_command(self.turn(ctx), value)

    def _recheck(self, ctx: Context, value: Any, place: Order) -> None:
        turn = self.turn(ctx)
        if "renamed" in value:
            Intake(turn).go_on(value["renamed"])
        else:
            turn.on_recheck(value)
        rates.tell_missing(turn)

    def _ripen(self, ctx: Context, value: Any, place: Order) -> None:
        for name in grace.waits_to_look_at(ctx, self.turn(ctx).book.rules):
            self._due(ctx, name)

    def _sweep(self, ctx: Context, what: Any, place: Order) -> None:
        turn = self.turn(ctx)
        turn.on_sweep(what)
        rates.tell_missing(turn)
        rates.rate_came(turn, what)

    def _wait(self, ctx: Context, value: Any, place: Order) -> None:
        self._due(ctx, value[0])

    def _due(self, ctx: Context, name: str) -> None:
        turn = self.turn(ctx)
        if name.startswith("t|"):
            turn.on_rule_wait(name)
        elif name.startswith("s|"):
            turn.on_implied_wait(name)
        else:
            commands.on_item_wait(turn, name)
        rates.tell_missing(turn)

    def _receipt(self, ctx: Context, record: Record) -> None:
        """What became of a message goes on to the inbox of its receiver."""
        ctx.emit(NOTICES, ctx.key, RECEIPT, record.value)

    def _shared(self, ctx: Context, record: Record) -> None:
        shared.on_shared(ctx, record)

    def _move(self, ctx: Context, record: Record) -> None:
        moves.on_move(ctx, record, lambda: self.turn(ctx))

    # -- rules in force -----------------------------------------------------------------------------------

    def turn(self, ctx: Context) -> Turn:
        """The rules in force over the account of `ctx`, for one step."""
        epoch = former.epoch(ctx)
        if epoch != self._epoch:
            self._settings = ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS
            self._book = self._compiled(ctx, self._settings)
            self._epoch = epoch
        return Turn(World(ctx, self._settings, self._people), self._book)

    def _compiled(self, ctx: Context, settings: Mapping[str, Any]) -> Rulebook:
        """All rules that load; one that an upgrade no longer accepts is left out and told, the others go
        on.
        """
        active: list[Active] = []
        self._compiler.begin()
        for rule, row in ctx.scan_shared("rule"):
            try:
                active.extend(activate(row, rule, settings, self._compiler))
            except RuleErrors as errors:
                result = {"ok": False, "rule": rule, "at": ctx.at, "error": errors.errors[0].to_dict()}
                ctx.emit(commands.RESULTS, ctx.key, "result", result)
        return Rulebook.of(active)
