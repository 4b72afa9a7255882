"""What the demo has to say at its end: figures, what was promised and came, where to look next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.time import parse_instant
from stagewatch.commands.output import Language, local_time
from stagewatch.commands.standing import STATES
from stagewatch.demo.ground import Stands, Verdict
from stagewatch.demo.past import Past
from stagewatch.demo.plan import Plan
from stagewatch.demo.stories import Stories, Story
from stagewatch.demo.tally import Tally
from stagewatch.demo.words import word


@dataclass(frozen=True, slots=True)
class Session:
    """All that the summary is made of. limit: seconds that it may take. kept: the workspace, if it stays.

    more: stories of the ground's own.
    """

    plan: Plan
    past: Past
    tally: Tally
    stories: Stories
    stands: Stands
    verdict: Verdict
    seconds: float
    limit: float
    whole: bool
    zone: ZoneInfo
    kept: Path | None = None
    more: Sequence[Story] = ()
    missing: list[str] = field(default_factory=list)


def missing(session: Session) -> list[str]:
    """What was promised and did not happen, in words; empty when all is well."""
    past, tally, stands = session.past, session.tally, session.stands
    arrived = len({mail.id for mail in tally.mails})
    waiting, in_hand = stands.messages.get("waiting", 0), session.verdict.in_hand
    sent = stands.messages.get("sent", 0)
    whole = sent + waiting == sum(stands.messages.values()) and sent <= arrived <= sent + waiting
    promised = {
        "a history was imported": past.events > 0,
        "nobody was told about the past": past.told == 0 and not set(tally.mailed) - tally.fired,
        "events were accepted by HTTP": tally.accepted > 0,
        "alerts fired": tally.count("alerts", "firing") > 0,
        "tasks were opened": tally.count("tasks", "open") > 0,
        "approvals were requested": tally.count("approvals", "requested") > 0,
        "mails arrived": bool(tally.mails),
        "every message was sent, once": whole and max(waiting, tally.repeated) <= in_hand,
        "no dead letters": stands.dead == 0,
        "an alert was decided by the links of its mails and resolved": session.stories.decide.over,
        "an alert was withdrawn by a late report": session.stories.late.over,
        **{f"its story {story.name} came to its end": story.over for story in session.more},
        **session.verdict.promised,
        f"it ended within {session.limit:.0f} s": session.seconds < session.limit,
        "it ran to its end": session.whole,
    }
    return [name for name, kept in promised.items() if not kept]


def as_json(session: Session) -> dict[str, Any]:
    """The summary for programs."""
    plan, past, tally = session.plan, session.past, session.tally
    decide, late = session.stories.all
    return {
        "ok": not session.missing,
        "missing": session.missing,
        "seed": plan.seed,
        "wall_seconds": round(session.seconds, 1),
        "history": {
            "days": plan.past,
            "events": past.events,
            "refused": past.refused,
            "parked": past.parked,
            "told": past.told,
            "seconds": round(past.seconds, 1),
            "standing": {topic: dict(rules) for topic, rules in past.standing.items()},
        },
        "live": {
            "days": plan.days,
            "seconds": plan.seconds,
            "scale": plan.scale,
            "accepted": tally.accepted,
            "refused": dict(tally.refused),
            "transitions": {
                topic: {state: n for (of, state), n in sorted(tally.transitions.items()) if of == topic}
                for topic in session.stands.states
            },
        },
        "rules": _rules(tally),
        "states": {topic: dict(states) for topic, states in session.stands.states.items()},
        "mails": {
            "received": len(tally.mails),
            "repeated": tally.repeated,
            "outbox": dict(session.stands.messages),
        },
        "acted": dict(decide.facts),
        "withdrawn": dict(late.facts),
        "dead_letters": session.stands.dead,
        **session.verdict.facts,
        "workspace": None if session.kept is None else str(session.kept),
        "next": next_steps(session),
    }


def _rules(tally: Tally) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for (rule, state), count in sorted(tally.rules.items()):
        found.setdefault(rule, Counter())[state] += count
    return {rule: dict(states) for rule, states in found.items()}


def next_steps(session: Session) -> list[str]:
    """Commands to go on with."""
    if session.verdict.next:
        return list(session.verdict.next)
    if session.kept is None:
        return ["stagewatch demo --keep my-demo"]
    where = f"-w {session.kept}"
    alert = session.stories.late.facts.get("alert", "ALERT")[:10]
    return [
        f"stagewatch explain {alert} {where}",
        f"stagewatch alerts list {where}",
        f"stagewatch status {where}",
        f"stagewatch run {where}",
    ]


def as_text(session: Session, language: Language) -> RenderableType:
    """The summary for people."""
    parts: list[RenderableType] = [_figures(session, language), _by_rule(session, language)]
    if session.verdict.shown is not None:
        parts.append(session.verdict.shown)
    if session.missing:
        parts.append(Text(word("missing", language), "bold red"))
        parts += [Text(f"  ✗ {name}", "red") for name in session.missing]
    parts += _where_next(session, language)
    return Group(*parts)


def _figures(session: Session, language: Language) -> Table:
    tally, past = session.tally, session.past
    decide, late = session.stories.decide.facts, session.stories.late.facts

    def w(name: str) -> str:
        return word(name, language)

    def count(topic: str, *states: str) -> str:
        return f"{tally.count(topic, *states):,}"

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("Stagewatch", word("done", language, seconds=f"{session.seconds:.0f}"), style="green")
    table.add_row(w("events"), f"{past.events:,} {w('history')} + {tally.accepted:,} {w('live')}, "
                  f"{past.refused + tally.refused.total():,} {w('refused')}")  # fmt: skip
    table.add_row(w("alerts"), f"{count('alerts', 'firing')} {w('fired')}, {count('alerts', 'resolved')} "
                  f"{w('resolved')}, {count('alerts', 'withdrawn')} {w('withdrawn')}")  # fmt: skip
    table.add_row(w("tasks"), _by_state(tally, "tasks", language))
    table.add_row(w("approvals"), _by_state(tally, "approvals", language))
    table.add_row(w("mails"), _mails(tally, session.stands, language))
    people = " → ".join(str(link["by"]).partition("@")[0] for link in decide.get("links", ()))
    table.add_row(w("acted"), f"{decide.get('rule', '')}: {people} → {decide.get('state', '')}")
    table.add_row(w("taken_back"), word("why", language, **_late(late, session.zone)))
    for label, text in session.verdict.rows:
        table.add_row(w(label), text)
    return table


def _mails(tally: Tally, stands: Stands, language: Language) -> str:
    how = word("twice", language, count=tally.repeated) if tally.repeated else word("once", language)
    waiting = stands.messages.get("waiting", 0)
    late = f", {word('waits', language, count=waiting)}" if waiting else ""
    return f"{len(tally.mails):,}, {how}{late}"


def _late(facts: Mapping[str, Any], zone: ZoneInfo) -> dict[str, str]:
    """The rule, when the report was written and entered, as texts."""
    found = {"rule": str(facts.get("rule", ""))}
    for name in ("happened", "entered"):
        text = facts.get(name)
        found[name] = "" if text is None else local_time(parse_instant(str(text)), zone)[5:16]
    return found


def _by_state(tally: Tally, topic: str, language: Language) -> str:
    found = []
    for (of, state), count in tally.transitions.most_common():
        if of == topic:
            name = STATES.get(state, state) if language == "zh" else state.replace("_", " ")
            found.append(f"{count:,} {name}")
    return ", ".join(found)


def _by_rule(session: Session, language: Language) -> Table:
    columns = ("firing", "resolved", "withdrawn")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(word("rule", language))
    for name in ("fired", "resolved", "withdrawn"):
        table.add_column(word(name, language), justify="right")
    rules = sorted(_rules(session.tally).items(), key=lambda item: -item[1].get("firing", 0))
    for rule, states in rules:
        table.add_row(rule, *(str(states.get(state, 0) or "") for state in columns))
    return table


def _where_next(session: Session, language: Language) -> list[RenderableType]:
    if session.kept is None and not session.verdict.next:
        return [Text(word("kept", language))]
    shown: list[RenderableType] = [Text(word("next", language), "bold")]
    shown += [Text(f"  {step}", "cyan") for step in next_steps(session)]
    if session.kept is None:
        return shown
    return [*shown, Text("    http://127.0.0.1:8420/metrics  /healthz  /readyz  /v1/alerts", "dim")]
