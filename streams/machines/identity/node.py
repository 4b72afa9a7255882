"""One native id: where its events go, whom it follows, who follows it. Changes of its route start moves.

The route row of a key (bucket `id`, name `route`):
    k     key of `sales.events` its events go to (an account as named, merges are looked up); None: unknown
    p     key of the parent that gave the route, when it is not `k` itself
    o     order of the event of its own that gave the route; without it the route is a claim's, or its own key
    u     nobody knows the parent `p` yet: key of what gave the route `k`, which stands in for it
    f, c  first note; 1: corrections, see `history`
    kids  1 when other keys follow this one (bucket `ask`)
    m     number of moves made        w, n, s   see `parking`

It must not read events; that is `events`.
"""

from __future__ import annotations

from typing import Final

from streams.kernel.contract import Context
from streams.machines.identity.names import (
    ACK,
    ASK,
    BEGIN,
    CONFIRM,
    ID,
    MERGE,
    MOVES,
    OUT,
    REROUTE,
    RESOLVE,
    RESOLVE_ASK,
    RESOLVED,
    ROUTE,
    SALES_EVENTS,
    Route,
)
from streams.machines.identity.naming import EXTERNAL
from streams.machines.keys import kind_of, split_key

RANKS: Final = {
    kind: number
    for number, kind in enumerate(
        (
            "account",
            "scope",
            "lead",
            "contact",
            "opportunity",
            "quote",
            "contract",
            "order",
            "project",
            "invoice",
        )
    )
}
LOWEST: Final = len(RANKS)


def canonical(ctx: Context, key: str) -> str:
    """The key itself, or the survivor when it is an account that was merged."""
    return ctx.shared(MERGE, key) or key


def rank(key: str) -> tuple[int, str]:
    """Whole keys move to lower ranks only, so no two can ever move into each other."""
    return RANKS.get(kind_of(key), LOWEST), key


class Node:
    """The key of `ctx` as a node: read once, written back by `save`."""

    __slots__ = ("_changed", "ctx", "key", "kind", "namespace", "native", "row", "was_firm")

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.key = ctx.key
        self.kind, self.namespace, self.native = split_key(ctx.key)
        row: Route | None = ctx.get(ID, ROUTE)
        self.row: Route = {"k": None} if row is None else dict(row)
        self._changed = False
        self.was_firm = self.firm if self.known else None

    @property
    def known(self) -> bool:
        """Does it have a route?"""
        return self.row["k"] is not None

    @property
    def target(self) -> str:
        """The key of `sales.events` of now; only for known nodes."""
        return canonical(self.ctx, self.row["k"])

    @property
    def parent(self) -> str | None:
        """The key that gave the route (itself when it names no parent)."""
        found: str | None = self.row.get("p", self.row["k"])
        return found

    @property
    def firm(self) -> bool:
        """Does the route come from elsewhere than another id of the same entity?"""
        return "o" in self.row or kind_of(self.parent or "") != self.kind

    def set(self, name: str, value: object) -> None:
        """Change a field of the row; None takes it out."""
        if value is None:
            self.row.pop(name, None)
        else:
            self.row[name] = value
        self._changed = True

    def save(self) -> None:
        """Write the row if it was changed."""
        if self._changed:
            self.ctx.put(ID, ROUTE, self.row)
            self._changed = False

    # -- asking and following --------------------------------------------------------------------------------

    def ask(self, parent: str) -> None:
        """Ask `parent` for its route and follow it from now on."""
        self.ctx.emit(RESOLVE, parent, RESOLVE_ASK, {"asker": self.key, "soft": self.known})

    def followed_by(self, key: str) -> None:
        """Remember that `key` follows this one."""
        if self.ctx.get(ASK, key) is None:
            self.ctx.put(ASK, key, 1)
        if "kids" not in self.row:
            self.set("kids", 1)

    def answer(self, key: str) -> None:
        """Tell `key` the route, None when it is unknown."""
        route = self.target if self.known else None
        self.ctx.emit(RESOLVE, key, RESOLVED, {"parent": self.key, "k": route})

    # -- changing the route ----------------------------------------------------------------------------------

    def settle(self, k: str, parent: str, via: dict[str, object] | None = None) -> bool:
        """Take the route `k` from `parent`; moves what is elsewhere.

        `via` is the reroute that asks for it. Returns True when followers must acknowledge before the move is
        confirmed; then the reroute is acknowledged later.
        """
        old = self.row["k"]
        if old == self.key and rank(k) > rank(old):
            k = old
        self.row["k"] = k
        self.set("p", None if parent == k else parent)
        if old is None:
            if "kids" in self.row:
                for key, _ in list(self.ctx.scan(ASK)):
                    self.answer(key)
            return False
        source, target = canonical(self.ctx, old), canonical(self.ctx, k)
        return source != target and self._move(source, target, via)

    def _move(self, source: str, target: str, via: dict[str, object] | None) -> bool:
        number = self.row.get("m", 0)
        self.set("m", number + 1)
        move = f"{self.key}#{number}"
        if self.kind not in EXTERNAL:
            self._announce(move, number, source, target)
        path = [self.key] if via is None else [*as_list(via["path"]), self.key]
        followers = [key for key, _ in self.ctx.scan(ASK) if key not in path] if "kids" in self.row else []
        if not followers:
            self._confirm(move, source)
            return False
        reroute = {"move": move, "parent": self.key, "from": source, "to": target, "path": path,
                   "f": int(self.firm)}  # fmt: skip
        for key in followers:
            self.ctx.emit(RESOLVE, key, REROUTE, reroute)
        up = None if via is None else [via["parent"], via["move"]]
        self.ctx.put(MOVES, move, {"left": len(followers), "from": source, "up": up})
        return True

    def _announce(self, move: str, number: int, source: str, target: str) -> None:
        scope: dict[str, object] = {"entity": [self.kind, self.native]}
        if self.namespace:
            scope["ns"] = self.namespace
        begin = {"move": move, "seq": number, "from": source, "scope": scope, "partitions": 1}
        self.ctx.emit(SALES_EVENTS, target, BEGIN, begin)
        self.ctx.emit(SALES_EVENTS, source, OUT, {"move": move, "seq": number, "to": target, "scope": scope})

    def _confirm(self, move: str, source: str) -> None:
        if self.kind not in EXTERNAL:
            value = {"move": move, "partition": self.ctx.partition}
            self.ctx.emit(SALES_EVENTS, source, CONFIRM, value)

    def acknowledged(self, move: str) -> None:
        """One follower has taken the new route; the last one lets the move be confirmed."""
        pending = self.ctx.get(MOVES, move)
        if pending is None:
            return
        if pending["left"] > 1:
            self.ctx.put(MOVES, move, {**pending, "left": pending["left"] - 1})
            return
        self.ctx.put(MOVES, move, None)
        self._confirm(move, pending["from"])
        if pending["up"] is not None:
            parent, above = pending["up"]
            self.ctx.emit(RESOLVE, parent, ACK, {"move": above})


def as_list(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
