"""Why a rule spoke, or did not, about one entity: gathered from the rows of its partition, nothing written.

The native evaluator judges the rule's conditions at the instant that counted and as things are now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rules.compile import compile_rule
from rules.compiled import CompiledRule
from rules.explain import explain_rule
from rules.load import load_rules
from rules.receivers import resolve_all
from schemas.errors import CommandError, show
from schemas.fields import FieldType
from schemas.time import format_instant
from stagewatch.commands.reading import Reader
from streams.kernel.contract import SHARED, Context, Rows
from streams.machines.account.directory import SharedDirectory
from streams.machines.account.machine import AccountMachine
from streams.machines.account.moves.whereabouts import found_at
from streams.machines.account.notices import subject_of
from streams.machines.account.scope import EntityScope
from streams.machines.account.world import World, cut_after, cut_before
from streams.machines.identity.names import ID, MERGE, ROUTE
from streams.machines.keys import entity_key

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A version of a rule as it stands in the log: its text, and since when (us) it is in force."""

    rule: str
    version: int
    since: int
    text: str
    on: bool


class Insight:
    """Questions about entities and rules of a workspace; `now` is the logical time of its log, us."""

    def __init__(self, reader: Reader, now: int) -> None:
        self._reader = reader
        self.now = now

    # -- rules -----------------------------------------------------------------------------------------------

    def rule(self, name: str, version: int | None = None) -> RuleVersion | None:
        """A version of a rule, default the one in force; None when the log has none."""
        row = self._reader.shared("rule").get(name)
        if row is None:
            return None
        versions = [*row.get("old", ()), {"text": row["text"], "v": row["v"], "at": row["at"]}]
        found = next((v for v in versions if version is None or v["v"] == version), None)
        if version is None:
            found = versions[-1]
        return None if found is None else RuleVersion(name, found["v"], found["at"], found["text"], row["on"])

    def compiled(self, rule: RuleVersion, zone: ZoneInfo) -> CompiledRule:
        """The rule as it is judged."""
        settings = self._reader.shared("settings").get("") or {}
        declared = {name: FieldType(kind) for name, kind in settings.get("fields", {}).items()}
        docs = load_rules(rule.text, rule.rule, declared_fields=declared)
        return compile_rule(docs[0], version=rule.version, declared=declared, zone=zone)

    # -- entities --------------------------------------------------------------------------------------------

    def home(self, kind: str, native: str) -> str:
        """The key of `sales.events` under which an entity lives.

        Raises:
            CommandError: SW-CMD-001, no event has ever named it.
        """
        for key in (entity_key(kind, "", native), f"{kind}:{native}"):  # the latter of another namespace
            rows = self._reader.partition_of("identity", key)
            route = None if rows is None else rows.get(key, ID, ROUTE)
            if route is not None:
                break
        home = str((route or {}).get("k") or key)
        merged = None if rows is None else rows.get(SHARED, MERGE, home)
        home = str(merged or home)
        found = self._reader.partition_of("account", home)
        if found is None or found.get(home, "e", f"{kind}|{native}") is None:
            raise CommandError(
                "SW-CMD-001",
                place=f"{kind}:{native}",
                expected="an entity that an event has named",
                found="nothing is known of it" if route is None else "its events wait for a parent",
                next_step="look for it by `stagewatch parked` and `stagewatch dlq list`",
            )
        return home

    def whereabouts(self, home: str, kind: str, native: str) -> str:
        """Where an entity is now that was at the key `home` when a list was told of it."""
        return found_at(lambda key: self._reader.partition_of("account", key), home, kind, native)

    def world(self, home: str) -> World:
        """What the account machine sees of a key."""
        rows: Rows | None = self._reader.partition_of("account", home)
        if rows is None:
            raise CommandError("SW-CMD-001", place=show(home), expected="a key with rows")
        return World(Context(rows, home, self.now))

    def timeline(self, home: str, kind: str, native: str) -> list[Json]:
        """The entity's events in the order in which they count, each with its place in the log."""
        world = self.world(home)
        orders = [row["o"] for row in world.event_rows(kind, native) if len(row["o"]) == 4]
        places = self._reader.places(home, [(order[1], order[2], order[3]) for order in orders])
        rows = sorted(world.event_rows(kind, native), key=lambda row: row["o"])
        effective = {row["r"] for row in world.effective_events(kind, native)}
        return [
            {
                "time": format_instant(row["e"]["time"]),
                "type": row["e"]["type"],
                "event": row["r"],
                "known_at": format_instant(row["o"][1]) if len(row["o"]) > 1 else None,
                "log": places.get(tuple(row["o"][1:])),
                "data": row["e"]["data"],
                "counts": row["r"] in effective,
            }
            for row in rows
        ]

    def judged(self, rule: CompiledRule, home: str, kind: str, native: str, at: int, ref: str) -> Json | None:
        """The rule's condition as it was at `at` us, leaf by leaf. ref: the triggering event, "" for none."""
        world = self.world(home)
        world.ctx.at = at
        event = next((row for row in world.event_rows(kind, native) if row["r"] == ref), None)
        by_event = event is not None and event["o"][0] == at
        cut = cut_after(event["o"]) if event is not None and by_event else cut_before(at)
        row = world.row_at(kind, native, cut)
        if row is None:
            return None
        was = None if event is None or not by_event else world.row_at(kind, native, event["o"])
        scope = EntityScope(world, row, at, cut, was=was, event=None if event is None else event["e"])
        return _explained(rule, scope)

    def judged_now(self, rule: CompiledRule, home: str, kind: str, native: str) -> Json | None:
        """The rule's condition as things are now, leaf by leaf."""
        world = self.world(home)
        row = world.row(kind, native)
        return None if row is None else _explained(rule, EntityScope(world, row, self.now))

    def receivers(self, rule: CompiledRule, home: str, kind: str, native: str) -> list[Json]:
        """Whom the rule's notices go to now, and how each was found."""
        world = self.world(home)
        row = world.row(kind, native)
        wanted = [to for action in rule.doc.then if action.notify for to in action.notify.to]
        if row is None or not wanted:
            return []
        found = resolve_all(wanted, subject_of(world, row), SharedDirectory(world, self.now), self.now)
        return [
            {"receiver": to, "persons": list(one.persons), "how": list(one.path), "missing": one.missing}
            for to, one in zip(wanted, found, strict=True)
        ]

    def pending(self, rule: str, home: str, kind: str, native: str) -> Json:
        """What the rule keeps about the entity: whether it is watching, and when it judges next."""
        world = self.world(home)
        turn = AccountMachine().turn(world.ctx)
        found = {
            active.name: turn.judge(active, kind, native).under_way()
            for active in turn.book.rules
            if active.id == rule and active.watch == kind
        }
        states = [name for name, (watching, _) in found.items() if watching]
        dues = [due for _, due in found.values() if due is not None]
        row: Mapping[str, Any] = world.row(kind, native) or {}
        return {
            "watching": states,
            "next_due": format_instant(min(dues)) if dues else None,
            "open": bool(row.get("op")),
            "deleted": bool(row.get("x")),
            "stage": row.get("s"),
            "status": row.get("st"),
        }


def _explained(rule: CompiledRule, scope: EntityScope) -> Json:
    found = explain_rule(rule, scope)
    return {
        **found.to_dict(),
        "result": found.result,
        "lines": {"zh": found.lines("zh"), "en": found.lines("en")},
    }
