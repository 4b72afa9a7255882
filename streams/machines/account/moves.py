"""Moving an account's rows to another key: merges, converted leads, entities that change their account.

    identity ──> move.begin (new key)  park what arrives, hold waits
             ──> move.out   (old key)  rows in chunks ──> move.rows, move.end (new key), keep a forwarding row
             ──> move.confirm (old key) one per identity partition: forwarded, so it comes last ──>
             move.confirmed
    new key: at move.end parked records go on in order; at the last confirmation waits go on.

Nothing is judged on the way: trigger rows, alerts and waits travel as they are.

Rows, all of the key: bucket `mv` name move = {"from", "left": confirmations to come, "ended": 0|1}; bucket
`mp` parked
records; bucket `mw` held waits; bucket `fwd` name `*` or `kind|id` = the new key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules.reasons import Reason
from streams.kernel.contract import Context, Record, Wait
from streams.machines.account import entities
from streams.machines.account.intake import subject_of
from streams.machines.account.turn import Turn

BEGIN, OUT, ROWS, END, CONFIRM, CONFIRMED = (
    "move.begin", "move.out", "move.rows", "move.end", "move.confirm", "move.confirmed",
)  # fmt: skip
KINDS = (BEGIN, OUT, ROWS, END, CONFIRM, CONFIRMED)
SALES = "sales.events"
CHUNK = 200
"""Rows in one record of a move."""

MARK = ("mv.mark", "")
"""Row of every key that was ever part of a move: all other keys are spared the questions."""

STAYS = frozenset({"mv", "mp", "mw", "fwd", "h", "k"})
"""Buckets that belong to the key itself and do not move with a whole key."""

Replay = Callable[[Context, str, Any, int, int, int], None]


def _moving(ctx: Context) -> bool:
    return any(not row["ended"] for _, row in ctx.scan("mv"))


def _frozen(ctx: Context) -> bool:
    return next(iter(ctx.scan("mv")), None) is not None


def hold_wait(ctx: Context, wait: Wait) -> bool:
    """While rows are on their way the survivor decides nothing: keep the wait for later. True if it was
    kept.
    """
    if ctx.get(*MARK) is None:
        return False
    if ctx.get("fwd", "*") is not None:
        return True  # its rows have moved; the wait moved with them
    if not _frozen(ctx):
        return False
    ctx.put("mw", wait.name, wait.due)
    return True


def parked_or_forwarded(ctx: Context, record: Record) -> bool:
    """Send a record on to where its entity has moved, or park it while the entity is still arriving."""
    if ctx.get(*MARK) is None:
        return False
    to = ctx.get("fwd", "*")
    if to is None and record.kind != "command":
        event = record.value["event"] if record.kind == "forward" else record.value
        kind, native = subject_of(event)
        to = ctx.get("fwd", f"{kind}|{native}")
    elif to is None:
        place = ctx.get("fwd.alerts", str(record.value.get("alert")))
        to = place
    if to is not None:
        _forward(ctx, record, to)
        return True
    if _moving(ctx):
        count: int = ctx.get("mv.count", "n") or 0
        ctx.put("mv.count", "n", count + 1)
        ctx.put("mp", f"{count:012d}", [record.kind, record.value, record.at, record.feed, record.n])
        return True
    return False


def _forward(ctx: Context, record: Record, to: str) -> None:
    if record.kind == "event":
        value = {"event": record.value, "place": [record.at, record.feed, record.n]}
        ctx.emit(SALES, to, "forward", value)
    else:
        ctx.emit(SALES, to, record.kind, record.value)


def on_move(ctx: Context, record: Record, replay: Replay, turn: Callable[[], Turn]) -> None:
    """One record of the protocol."""
    value = record.value
    ctx.put(*MARK, 1)
    to = ctx.get("fwd", "*")
    if record.kind == BEGIN:
        if to is not None:  # the new key has moved on itself meanwhile
            ctx.emit(SALES, to, BEGIN, value)
        elif ctx.get("mv", value["move"]) is None:
            ctx.put("mv", value["move"], {"from": value["from"], "left": value["partitions"], "ended": 0})
    elif record.kind == OUT:
        _send(ctx, value, turn)
    elif record.kind == CONFIRM:
        target = to or ctx.get("fwd.move", value["move"])
        if target is not None:
            ctx.emit(SALES, target, CONFIRMED, {"move": value["move"]})
    elif to is not None:
        ctx.emit(SALES, to, record.kind, value)
    elif record.kind == ROWS:
        _receive(ctx, value)
    elif record.kind == END:
        _ended(ctx, value, replay, turn)
    else:
        _confirmed(ctx, value)


# -- the old key ------------------------------------------------------------------------------------------


def _send(ctx: Context, value: dict[str, Any], turn: Callable[[], Turn]) -> None:
    """Send the rows in chunks, then the end; keep the forwarding row."""
    scope, to, move = value["scope"], value["to"], value["move"]
    if "all" in scope:
        rows = _all_rows(ctx)
        names = None
        ctx.put("fwd", "*", to)
    else:
        kind, native = scope["entity"]
        native = f"{scope['ns']}/{native}" if scope.get("ns") else native
        rows = _entity_rows(ctx, kind, native)
        names = f"{kind}|{native}"
        ctx.put("fwd", names, to)
        _unlink(turn(), kind, native)
    ctx.put("fwd.move", move, to)
    waits = [[name, due] for name, due in ctx.waits() if names is None or _wait_of(name) == names]
    waits.extend([name, due] for name, due in ctx.scan("mw") if names is None or _wait_of(name) == names)
    for bucket, name, row in rows:
        if bucket == "ai":
            ctx.put("fwd.alerts", name, to)
        ctx.put(bucket, name, None)
    for start in range(0, len(rows), CHUNK):
        ctx.emit(SALES, to, ROWS, {"move": move, "rows": rows[start : start + CHUNK]})
    for name, _ in waits:
        ctx.wait(name, None)
        ctx.put("mw", name, None)
    ctx.emit(SALES, to, END, {"move": move, "from": ctx.key, "waits": waits, "all": names is None})


def _all_rows(ctx: Context) -> list[list[Any]]:
    found: list[list[Any]] = []
    after: tuple[str, str] | None = None
    while chunk := ctx.scan_key(after, 1000):
        found.extend([b, n, v] for b, n, v in chunk if b not in STAYS and not b.startswith(("fwd", "mv")))
        after = chunk[-1][:2]
    return found


def _entity_rows(ctx: Context, kind: str, native: str) -> list[list[Any]]:
    tail = f"|{kind}|{native}"
    found: list[list[Any]] = []
    row = ctx.get("e", tail[1:])
    if row is not None:
        found.append(["e", tail[1:], row])
    for bucket in (f"v{tail}", f"t{tail}", f"a{tail}", f"c{tail}"):
        found.extend([bucket, name, value] for name, value in ctx.scan(bucket))
    for _, alert in list(ctx.scan(f"a{tail}")):
        place = ctx.get("ai", alert["id"])
        if place is not None:
            found.append(["ai", alert["id"], place])
    return found


def _wait_of(name: str) -> str:
    """`kind|id` of the entity that a wait belongs to."""
    what, kind, rest = name.split("|", 2)
    parts = {"t": 1, "i": 3, "z": 2, "s": 0}[what]
    return f"{kind}|{rest.rsplit('|', parts)[0]}"


def _unlink(turn: Turn, kind: str, native: str) -> None:
    """Take the leaving entity out of the sums of what stays behind."""
    row = turn.world.row(kind, native)
    if row is None:
        return
    for parent in turn.world.ancestors(row):
        above = turn.world.row(*parent)
        if above is None:
            continue
        changed = entities.add_contribution(above, row, None, row["o"])
        if changed is None:
            rest = (r for r in turn.world.descendants(*parent) if (r["kind"], r["id"]) != (kind, native))
            changed = {**above, "k": entities.sum_contributions(rest)}
        turn.world.put(changed)


# -- the new key ------------------------------------------------------------------------------------------


def _receive(ctx: Context, value: dict[str, Any]) -> None:
    """Rows arrive. What both accounts have (lists of the account itself) is joined, everything else is
    taken over.
    """
    for bucket, name, row in value["rows"]:
        mine = ctx.get(bucket, name)
        if bucket == "al" and mine is not None:
            row = sorted([*mine, *row])
        if bucket == "e" and mine is not None and mine["o"] > row["o"]:
            continue
        ctx.put(bucket, name, row)


def _ended(ctx: Context, value: dict[str, Any], replay: Replay, turn: Callable[[], Turn]) -> None:
    state = ctx.get("mv", value["move"]) or {"from": value["from"], "left": 1, "ended": 0}
    for name, due in value["waits"]:
        ctx.put("mw", name, due)
    if state["left"] > 0:
        ctx.put("mv", value["move"], {**state, "ended": 1})
    else:
        ctx.put("mv", value["move"], None)
    joined = turn()
    if value["all"]:
        _join_accounts(joined, value["from"])
    else:
        _relink(joined)
    if not _moving(ctx):
        for name, (kind, parked, at, feed, n) in list(ctx.scan("mp")):
            ctx.put("mp", name, None)
            replay(ctx, kind, parked, at, feed, n)
    _thaw(ctx)


def _relink(turn: Turn) -> None:
    """Sums of the account and documents here over all that is below them now."""
    account = turn.world.account_id
    for row in list(turn.world.entities()):
        if row["kind"] in ("account", "opportunity", "lead"):
            sums = entities.sum_contributions(turn.world.descendants(row["kind"], row["id"]))
            if sums != row.get("k", {}) and (row["kind"] != "account" or row["id"] == account):
                turn.world.put({**row, "k": sums, "ko": max(row.get("ko", [0]), row["o"])})


def _join_accounts(turn: Turn, gone_key: str) -> None:
    """The account that ended is closed: what watched it is withdrawn; the survivor's sums are taken anew."""
    kind, _, native = gone_key.partition(":")
    row = turn.world.row(kind, native)
    if kind == "account" and row is not None and not row.get("x"):
        for name, _ in turn.alerts.of_entity(kind, native):
            turn.alerts.withdraw(kind, native, name, Reason.MERGED)
        for name, _ in turn.trigger_rows(kind, native):
            turn.world.ctx.put(f"t|{kind}|{native}", name, None)
            turn.world.ctx.put("mw", f"t|{kind}|{native}|{name}", None)
        turn.world.put({**row, "x": 1, "op": 0, "st": "merged", "into": turn.world.account_id})
    _relink(turn)
    account = turn.world.account_id
    if account is not None:
        for active in turn.book.rules:
            if active.watch == "account" and not active.draining:
                turn.judge(active, "account", account).replan(Reason.MERGED)


def _confirmed(ctx: Context, value: dict[str, Any]) -> None:
    """One more identity partition sends nothing to the old key any more, and the old key has forwarded up
    to there.
    """
    state = ctx.get("mv", value["move"])
    if state is None:
        return
    left = state["left"] - 1
    done = left <= 0 and state["ended"]
    ctx.put("mv", value["move"], None if done else {**state, "left": left})
    _thaw(ctx)


def _thaw(ctx: Context) -> None:
    """No move is under way any more: the held waits are armed again."""
    if _frozen(ctx):
        return
    for name, due in list(ctx.scan("mw")):
        ctx.put("mw", name, None)
        ctx.wait(name, due)
