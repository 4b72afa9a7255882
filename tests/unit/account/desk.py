"""A desk to try rules at: one memory runtime, rules as YAML, times as words, and what came out as short
tuples.

Used by all scenario and property tests of the account machine. It knows no trigger; it only pipes and reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rules.testing.instants import read_time
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.runtimes.memory import MemoryRuntime, command_entry, entry_of, rule_entry, settings_entry

ZONE = ZoneInfo("Asia/Shanghai")
START = read_time("2026-03-02 09:00", None, ZONE)
"""A Monday morning; offsets such as "7d - 1us" count from here."""

Row = dict[str, Any]

STAFF = (
    ("li", "wang", ["sales_rep"]),
    ("wang", "chen", ["sales_manager"]),
    ("chen", None, ["sales_director"]),
    ("qian", None, ["cfo"]),
)
"""(person, manager, roles): the organisation of every desk."""


def instant(text: str) -> int:
    """The instant (us) of "7d - 1us" (from START) or "2026-03-02 09:00" (Shanghai)."""
    return read_time(text, START, ZONE)


class Desk:
    """One runtime. Events arrive when they happen unless `arrives` says otherwise."""

    def __init__(
        self, *rules: str, partitions: int = 1, settings: Mapping[str, Any] | None = None, since: str = "-1d"
    ) -> None:
        self.runtime = MemoryRuntime(partitions, ZONE)
        self._count = 0
        self._seen: dict[str, list[Row]] = {}
        if settings is not None:
            self.runtime.put(settings_entry(settings, instant(since)))
        for person, manager, roles in STAFF:
            self.person(person, since, manager=manager, roles=roles)
        for text in rules:
            self.rule(text, since)

    # -- in --------------------------------------------------------------------------------------------------

    def rule(self, text: str, at: str, *, on: bool = True) -> None:
        """Add, change or (with `on=False`) switch off the rule of this YAML."""
        name = text.partition("rule:")[2].split()[0].strip(",}")
        self.runtime.put(rule_entry(name, text, instant(at), on=on))

    def event(self, at: str, type_: str, /, **data: Any) -> str:
        """Take an event that happened at `at`; its id.

        Of `data`, these belong to the envelope: id_, source_, arrives_ (when it arrives), hist_ (start of the
        import that brings it). A date alone as `at` is an event of day precision.
        """
        self._count += 1
        event_id = str(data.pop("id_", f"e{self._count}"))
        source = str(data.pop("source_", "crm"))
        arrives, hist = data.pop("arrives_", None), data.pop("hist_", None)
        day = len(at) == len("2026-03-02") and at[4] == "-"
        record = {
            "specversion": "1.0", "id": event_id, "source": source, "type": type_, "data": data,
            "time": at if day else format_instant(instant(at)),
        }  # fmt: skip
        event = decode_event(record, zone=ZONE)
        arrival = event.time if arrives is None else instant(arrives)
        self.runtime.put(entry_of(event, arrival, hist=None if hist is None else instant(hist)))
        return event_id

    def person(self, person: str, at: str = "-1d", **data: Any) -> None:
        """`person.updated`, in force from `at` (a first one: always)."""
        self.event(at, "person.updated", person=person, mail=f"{person}@example.com", **data)

    def until(self, at: str) -> None:
        """Let logical time come to `at`; what is due at or before has fired."""
        self.runtime.advance(instant(at))

    def command(self, at: str, command: str, alert: Row, /, **more: Any) -> Row:
        """A person's command about the alert of this transition; its result."""
        self._count += 1
        value = {"machine": "account", "id": f"c{self._count}", "key": alert["home"], "command": command}
        self.runtime.put(command_entry({**value, "alert": alert["alert"], **more}, instant(at)))
        return self.rows("results")[-1]

    # -- out -------------------------------------------------------------------------------------------------

    def rows(self, topic: str) -> list[Row]:
        """Everything that ever went to a topic, in order. A fault of the machines themselves fails the
        test.
        """
        faults = [str(dead.error) for _, dead in self.runtime.dead if dead.error.code == "SW-STREAM-099"]
        assert not faults, "\n".join(faults)
        self._seen.setdefault(topic, []).extend(self.runtime.take_outputs(topic))
        return self._seen[topic]

    def alerts(self, key: str | None = None) -> list[tuple[str, str, str]]:
        """(key, state, reason) of all alert transitions in order (of one entity)."""
        return [(a["key"], a["state"], a["reason"]) for a in self.rows("alerts") if key in (None, a["key"])]

    def story(self, key: str | None = None) -> list[tuple[str, str, str]]:
        """(when, state, reason) of all alert transitions; `when` as `elapsed` writes it."""
        rows = (a for a in self.rows("alerts") if key in (None, a["key"]))
        return [(elapsed(a["at"]), a["state"], a["reason"]) for a in rows]

    def times(self, state: str = "firing") -> list[tuple[str, str]]:
        """(when, key) of all transitions to the state."""
        return [(elapsed(a["at"]), a["key"]) for a in self.rows("alerts") if a["state"] == state]

    def dues(self) -> list[str]:
        """True due times of all firings."""
        return [elapsed(a["due"]) for a in self.rows("alerts") if a["state"] == "firing"]

    def standing(self) -> list[tuple[str, str]]:
        """(rule, key) of every alert that stands at the end, sorted."""
        last = {a["alert"]: a for a in self.rows("alerts")}
        return sorted((a["rule"], a["key"]) for a in last.values() if a["state"] in OPEN)

    def notices(self, kind: str | None = None) -> list[tuple[str, str, str]]:
        """(when, what for, receiver) of all messages that went out."""
        return [
            (elapsed(n["at"]), n["reason"], n["receiver"])
            for n in self.rows("notifications")
            if kind in (None, n["reason"])
        ]

    def dead(self) -> list[str]:
        """Codes of what was refused."""
        return [dead.error.code for _, dead in self.runtime.dead]

    def stored(self, bucket: str) -> Iterator[tuple[str, str, Any]]:
        """(key, name, row) of a bucket of the account machine, over all partitions, sorted."""
        found: list[tuple[str, str, Any]] = []
        for (machine, _), store in sorted(self.runtime.stores.items()):
            key = store.next_key(None) if machine == "account" else None
            while key is not None:
                found.extend((key, name, row) for name, row in store.scan(key, bucket))
                key = store.next_key(key)
        yield from sorted(found, key=lambda row: row[:2])

    def entity(self, kind: str, native: str) -> Row:
        """The entity's row."""
        return next(row for _, name, row in self.stored("e") if name == f"{kind}|{native}")


OPEN = frozenset({"firing", "acknowledged", "snoozed"})


def elapsed(at: int) -> str:
    """An instant as "7d", "7d 2h", "6d 23h 59m 59s 999999us": from START."""
    sign, left = ("-", START - at) if at < START else ("", at - START)
    parts = []
    for unit, size in (
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("us", 1),
    ):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + (" ".join(parts) or "0d")


def states(rows: Iterable[Row]) -> list[str]:
    """The states of transitions, in order."""
    return [row["state"] for row in rows]
