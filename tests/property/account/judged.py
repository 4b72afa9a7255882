"""The rules that random histories are judged by: each as YAML for the engine and as a reading for the
oracle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.property.account.oracle import (
    Look,
    NotFollowed,
    Spell,
    Where,
    crossings,
    dates,
    happenings,
    holding,
    not_preceded,
    silences,
)
from tests.property.account.pictures import DAY, HOUR, Picture, Point, calls, field, is_there, stage_of, today

ACCOUNT = "A1"


# -- conditions ----------------------------------------------------------------------------------------------


def there(picture: Picture, deal: str, at: int) -> bool:
    return is_there(picture, deal)


def rich(picture: Picture, deal: str, at: int) -> bool:
    return int(field(picture, deal, "amount") or 0) >= 100


def key_account(picture: Picture, deal: str, at: int) -> bool:
    account = picture.get(("account", ACCOUNT), {"fields": {}})
    return is_there(picture, deal) and account["fields"].get("tier") == "A"


def near(picture: Picture, deal: str, at: int) -> bool:
    value = field(picture, deal, "close_date")
    return value is not None and 0 <= (dt.date.fromisoformat(value) - today(at)).days <= 2


def quoted(picture: Picture, deal: str, at: int) -> bool:
    return stage_of(picture.get(("opportunity", deal))) == "quote"


def busy(picture: Picture, deal: str, at: int) -> bool:
    return is_there(picture, deal) and calls(picture, deal) >= 2


def both(picture: Picture, deal: str, at: int) -> bool:
    return rich(picture, deal, at) and key_account(picture, deal, at)


TEXTS: dict[Where, str] = {
    rich: "{field: amount, op: gte, value: 100}",
    key_account: "{field: account.tier, op: eq, value: A}",
    near: "{field: close_date, op: between, value: [today, today+2d]}",
    quoted: "{field: stage, op: eq, value: quote}",
    busy: "{field: calls, op: gte, value: 2}",
    both: "{all: [{field: amount, op: gte, value: 100}, {field: account.tier, op: eq, value: A}]}",
}
"""The same conditions as text; `there` needs none."""


# -- rules ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """A rule on opportunities: its trigger as text, its condition, and how the oracle reads both."""

    when: str
    where: Where
    reading: Callable[[Look], list[Spell]]


def activity(kind: str) -> str:
    """An activity of the kind, as a rule names it."""
    return f"{{type: activity.logged, where: {{field: kind, op: eq, value: {kind}}}}}"


def _missing(each: str, where: Where = there, *, match: bool = False) -> Judged:
    more = ", match: [by]" if match else ""
    return Judged(
        f"{{missing_after: {{after: {activity('demo')}, expect: {activity('proposal')}, within: 2d, "
        f"each: {each}{more}}}}}",
        where,
        lambda look: NotFollowed(look, "demo", "proposal", 2 * DAY, each, match).spells(),
    )


def _called(look: Look) -> list[Spell]:
    def fits(point: Point, before: Picture) -> bool:
        return look.logged(point, "call")

    return happenings(look, fits)


RULES: dict[str, Judged] = {
    "silent-calls": Judged(
        f"{{silent: {{of: [{activity('call')}], for: 2d}}}}", rich,
        lambda look: silences(look, of=["call"], lasts=2 * DAY),
    ),
    "silent-all": Judged(
        "{silent: {of: [activity.logged], for: 3d}}", key_account,
        lambda look: silences(look, of=["call", "demo", "proposal"], lasts=3 * DAY),
    ),
    "rich": Judged("{holds: {}}", rich, holding),
    "rich-long": Judged("{holds: {for: 2d}}", rich, lambda look: holding(look, stays=2 * DAY)),
    "quoted": Judged("{holds: {keep_firing_for: 1d}}", quoted, lambda look: holding(look, keep=DAY)),
    "near": Judged("{holds: {}}", near, holding),
    "both": Judged("{holds: {for: 1d}}", both, lambda look: holding(look, stays=DAY)),
    "busy": Judged("{holds: {}}", busy, holding),
    "after-every": _missing("every", rich),
    "after-restart": _missing("restart"),
    "after-first": _missing("first"),
    "after-once": _missing("once"),
    "after-match": _missing("every", match=True),
    "before": Judged(
        f"{{missing_before: {{event: {activity('proposal')}, requires: {activity('demo')}, within: 2d}}}}",
        there, lambda look: not_preceded(look, event="proposal", requires="demo", within=2 * DAY),
    ),
    "enters": Judged("{enters: [quote]}", there, lambda look: crossings(look, ["quote"])),
    "leaves": Judged("{leaves: [quote]}", rich, lambda look: crossings(look, ["quote"], leaves=True)),
    "event": Judged(f"{{event: {activity('call')}}}", rich, _called),
    "date": Judged(
        '{date: {field: close_date, before: 2d, at: "06:00"}}', rich,
        lambda look: dates(look, before=2 * DAY, clock=6 * HOUR),
    ),
}  # fmt: skip

OWN = tuple(name for name, rule in RULES.items() if rule.where not in (key_account, both))
"""Rules that read nothing of the customer itself."""


def rule_text(name: str) -> str:
    """The rule as YAML."""
    rule = RULES[name]
    tail = f"where: {TEXTS[rule.where]}\n" if rule.where in TEXTS else ""
    return f"rule: {name}\ntitle: {name}\nwatch: opportunity\nwhen: {rule.when}\n{tail}"


def read(name: str, points: Sequence[Point], deal: str, until: int) -> list[Spell]:
    """The rule's spells at a deal, by the oracle."""
    rule = RULES[name]
    return rule.reading(Look(name, deal, rule.where, points, until))
