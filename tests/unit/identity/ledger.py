"""The smallest account machine that honours the protocol of moves: it keeps the ids of each entity's events.

Moves exactly the entities it is told to. An entity that is on its way queues all that concerns it; a key
that has moved wholly forwards all that arrives, protocol records included. It waits for no confirmations,
so forwarded events may come after direct ones: an account that cares sorts them by (at, feed, n).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from streams.kernel.contract import Context, Record, Step, Sweep, Wait
from streams.machines.identity.names import SALES_EVENTS

WHOLE = "*"


@dataclass
class LedgerKey:
    """State of one key. `coming` names the move that brings an entity, `wholes` the moves that bring whole
    keys.
    """

    events: dict[str, list[str]] = field(default_factory=dict)
    forward: dict[str, str] = field(default_factory=dict)
    coming: dict[str, str] = field(default_factory=dict)
    queues: dict[str, list[list[Any]]] = field(default_factory=dict)
    wholes: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> LedgerKey:
        return cls(**asdict(cls(**state)))


def entity_of(kind: str, value: Mapping[str, Any]) -> str | None:
    """The entity a record concerns; None for whole keys."""
    if kind == "event":
        what = value["type"].partition(".")[0]
        return f"{what}|{value.get('ns', '')}|{value['data'][what]}"
    if kind == "move.rows":
        return str(value["entity"])
    scope = value.get("scope", {})
    if "entity" in scope:
        return f"{scope['entity'][0]}|{scope.get('ns', '')}|{scope['entity'][1]}"
    return None


def number_of(move: str) -> int:
    """The running number of an entity's move."""
    return int(move.rpartition("#")[2])


def carried(kind: str, value: Mapping[str, Any]) -> list[str]:
    """Entities that a record of a move brings along."""
    if kind == "move.whole":
        return [*value["events"], *value["coming"], *value["queues"]]
    entity = entity_of(kind, value) if kind in ("move.begin", "move.rows") else None
    return [] if entity is None else [entity]


class Ledger:
    """Implements `Machine`."""

    name = "ledger"

    def on_event(self, ctx: Context, record: Record) -> Step:
        if record.kind not in ("shared", "command"):
            state = LedgerKey.of(ctx.get("state", "") or {})
            Call(ctx, state).take(record.kind, record.value)
            ctx.put("state", "", asdict(state))
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


class Call:
    """One record at one key."""

    def __init__(self, ctx: Context, state: LedgerKey) -> None:
        self.ctx = ctx
        self.state = state

    def take(self, kind: str, value: Any) -> None:
        state = self.state
        entity = entity_of(kind, value)
        if kind == "move.confirm":
            state.confirmed.setdefault(value["move"], []).append(value["partition"])
            return
        away = state.forward.get(entity or "") if kind in ("event", "move.out") else None
        away = away or state.forward.get(WHOLE)
        if away is not None:
            for back in carried(kind, value):
                state.forward.pop(back, None)  # it has come back this way
            self.ctx.emit(SALES_EVENTS, away, kind, value)
        elif entity is None:
            getattr(self, kind.replace(".", "_") + "_whole")(value)
        elif kind == "move.rows":
            self.rows(entity, value)
        else:
            state.queues.setdefault(entity, []).append([kind, value])
            self.drain(entity)

    def drain(self, entity: str) -> None:
        """Work off what concerns the entity until it must wait."""
        state = self.state
        queue = state.queues.pop(entity, [])
        while queue:
            move = state.coming.get(entity)
            if move is not None:
                older = [r for r in queue if r[0] == "move.out" and r[1]["seq"] <= number_of(move)]
                if not older:
                    break
                queue.remove(older[0])
                if older[0][1]["move"] == move:
                    del state.coming[entity]  # both ends of the move are here by now
                else:
                    self.out(entity, older[0][1])  # it came the long way; the entity goes and comes back
                continue
            if state.wholes and entity not in state.events:
                break  # it may be on its way
            kind, value = queue.pop(0)
            if kind == "event" and entity in state.forward:
                self.ctx.emit(SALES_EVENTS, state.forward[entity], kind, value)
            elif kind == "event":
                state.events.setdefault(entity, []).append(value["id"])
            elif kind == "move.begin":
                state.coming[entity] = value["move"]
                state.forward.pop(entity, None)
            else:
                self.out(entity, value)
        if queue:
            state.queues[entity] = queue

    def out(self, entity: str, value: Any) -> None:
        ids = self.state.events.pop(entity, [])
        if value["to"] != self.ctx.key and entity not in self.state.coming:
            self.state.forward[entity] = value["to"]
        rows = {"move": value["move"], "entity": entity, "ids": ids}
        self.ctx.emit(SALES_EVENTS, value["to"], "move.rows", rows)

    def rows(self, entity: str, value: Any) -> None:
        state = self.state
        state.forward.pop(entity, None)
        state.events[entity] = value["ids"] + state.events.get(entity, [])  # here, even without events
        if state.coming.get(entity) == value["move"]:
            del state.coming[entity]
        queue = state.queues.get(entity, [])
        queue[:] = [r for r in queue if r[0] != "move.begin" or r[1]["move"] != value["move"]]
        self.drain(entity)

    def move_begin_whole(self, value: Any) -> None:
        self.state.wholes[value["move"]] = 1

    def move_out_whole(self, value: Any) -> None:
        state = self.state
        parts = {name: getattr(state, name) for name in ("events", "coming", "queues", "wholes")}
        self.ctx.emit(SALES_EVENTS, value["to"], "move.whole", {"move": value["move"], **parts})
        state.events, state.coming, state.queues, state.wholes = {}, {}, {}, {}
        state.forward[WHOLE] = value["to"]

    def move_whole_whole(self, value: Any) -> None:
        """Rows of a whole key: what it was waiting for, this key waits for now, before its own."""
        state = self.state
        state.wholes.pop(value["move"], None)
        state.wholes.update(value["wholes"])
        for entity, ids in value["events"].items():
            state.events[entity] = ids + state.events.get(entity, [])
        for entity in carried("move.whole", value):
            state.forward.pop(entity, None)
        for entity in [*value["coming"], *value["queues"]]:
            own = state.queues.get(entity, [])
            if entity in state.coming and state.coming[entity] != value["coming"].get(entity):
                scope = {"entity": [entity.split("|")[0], entity.split("|")[2]], "ns": entity.split("|")[1]}
                own = [["move.begin", {"move": state.coming.pop(entity), "scope": scope}], *own]
            if entity in value["coming"]:
                state.coming[entity] = value["coming"][entity]
            queue = value["queues"].pop(entity, []) + own
            if queue:
                state.queues[entity] = queue
        for entity in sorted({*state.queues, *value["events"]}):
            self.drain(entity)
