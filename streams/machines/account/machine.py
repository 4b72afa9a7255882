"""The account machine: one event of one account changes rows; rows and time open and close alerts.

    event ──> entity row, links, sums ──> rules that care ──> episodes ──> alerts, tasks, approvals, notices
    wait  ──> the one rule or item it belongs to
    sweep ──> every entity of a key, when a rule or something shared changed

It holds nothing but compiled rules, which the shared rows determine. It must not do I/O or read a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.problems import RuleErrors
from schemas.errors import StreamError
from streams.kernel.contract import COMMAND, EVENT, SHARED_CHANGE, Context, Record, Step, Sweep, Wait
from streams.machines.account import commands, moves, shared
from streams.machines.account.intake import Intake
from streams.machines.account.rulebook import Active, Rulebook, activate
from streams.machines.account.turn import Turn
from streams.machines.account.world import DEFAULT_SETTINGS, SETTINGS, World


class AccountMachine:
    """See `streams.kernel.contract.Machine`."""

    name = "account"

    def __init__(self) -> None:
        self._epoch = -1
        self._book = Rulebook.of(())
        self._kinds: Mapping[str, Callable[[Context, Record], None]] = {
            EVENT: self._event,
            SHARED_CHANGE: self._shared,
            COMMAND: self._command,
            "recheck": self._recheck,
            "forward": self._forward,
            **dict.fromkeys(moves.KINDS, self._move),
        }

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
            turn = self._turn(ctx)
            if wait.name.startswith("t|"):
                turn.on_rule_wait(wait.name)
            elif wait.name.startswith("s|"):
                turn.on_implied_wait(wait.name)
            else:
                commands.on_item_wait(turn, wait.name)
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        self._turn(ctx).on_sweep(sweep.what)
        return ctx.step

    # -- kinds of records ---------------------------------------------------------------------------------

    def _event(self, ctx: Context, record: Record) -> None:
        if moves.parked_or_forwarded(ctx, record):
            return
        order = [min(record.value["time"], record.at), record.at, record.feed, record.n]
        Intake(self._turn(ctx)).take(record.value, order)

    def _forward(self, ctx: Context, record: Record) -> None:
        """An event that went through the account's old key: it keeps the place in time it had there."""
        if moves.parked_or_forwarded(ctx, record):
            return
        at, feed, n = record.value["place"]
        event = record.value["event"]
        Intake(self._turn(ctx)).take(event, [min(event["time"], at), at, feed, n])

    def _shared(self, ctx: Context, record: Record) -> None:
        shared.on_shared(ctx, record)

    def _command(self, ctx: Context, record: Record) -> None:
        if not moves.parked_or_forwarded(ctx, record):
            commands.on_command(self._turn(ctx), record.value)

    def _recheck(self, ctx: Context, record: Record) -> None:
        self._turn(ctx).on_recheck(record.value)

    def _move(self, ctx: Context, record: Record) -> None:
        moves.on_move(ctx, record, self._replay_parked, lambda: self._turn(ctx))

    def _replay_parked(self, ctx: Context, kind: str, value: Any, at: int, feed: int, n: int) -> None:
        """One record that was parked during a move, in its place."""
        if kind == COMMAND:
            commands.on_command(self._turn(ctx), value)
            return
        event = value
        if kind == "forward":
            event, (at, feed, n) = value["event"], value["place"]
        Intake(self._turn(ctx)).take(event, [min(event["time"], at), at, feed, n])

    # -- rules in force -----------------------------------------------------------------------------------

    def _turn(self, ctx: Context) -> Turn:
        epoch = shared.epoch(ctx)
        if epoch != self._epoch:
            self._book = self._compiled(ctx)
            self._epoch = epoch
        return Turn(World(ctx), self._book)

    def _compiled(self, ctx: Context) -> Rulebook:
        """All rules that load; one that an upgrade no longer accepts is left out and told, the others go on."""
        settings = ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS
        active: list[Active] = []
        for rule, row in ctx.scan_shared("rule"):
            try:
                active.extend(activate(row, rule, settings))
            except RuleErrors as errors:
                result = {"ok": False, "rule": rule, "at": ctx.at, "error": errors.errors[0].to_dict()}
                ctx.emit(commands.RESULTS, ctx.key, "result", result)
        return Rulebook.of(active)
