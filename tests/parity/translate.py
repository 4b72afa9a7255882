"""From a neutral pattern case to a rule of ours and its events; None for what our triggers cannot say yet.

A case: `rule` (a pattern of steps, or a condition with a duration), `events` (milliseconds, type, key,
fields), `expected` (milliseconds, key). Each key becomes one deal, each event one activity whose kind is
the event's type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.unit.account.desk import Desk

Case = Mapping[str, Any]
Step = Mapping[str, Any]

FIELDS = {"price": "number", "volume": "number", "symbol": "text", "id": "text", "customer": "text"}
SETTINGS = {
    "fields": {**{f"activity.{name}": kind for name, kind in FIELDS.items()}, "opportunity.v": "number"}
}
OPERATORS = {"==": "eq", ">": "gt", "<": "lt", ">=": "gte", "<=": "lte"}
ONCE = {"none": "once", "trigger": "every"}
NEVER = "never"
BEGIN = "2026-02-01 00:00"
"""When a case's clock stands at 0: the beginning of a month of 28 days."""


@dataclass(frozen=True)
class Translation:
    """`when` and `where` of the rule, as YAML flow text. reminded: reminders are compared too, a second
    being an hour.
    """

    when: str
    where: str | None = None
    more: str = ""
    reminded: bool = False

    @property
    def scale(self) -> int:
        """us per millisecond of the case."""
        return 3_600_000 if self.reminded else 1_000

    @property
    def rule(self) -> str:
        """The whole rule."""
        where = f"where: {self.where}\n" if self.where else ""
        return f"rule: case\ntitle: case\nwatch: opportunity\nwhen: {self.when}\n{where}{self.more}"


# -- events and conditions of a step -------------------------------------------------------------------------


def kind(type_: str) -> str:
    """The kind of activity that stands for an event type."""
    return re.sub(r"[^a-z0-9]", "", type_.lower())


def _compared(text: str, names: Mapping[str, str], key: str | None) -> list[str]:
    """Leaves of `price > e1.price and symbol == e1.symbol`; equality of the key is what one deal means."""
    leaves = []
    for part in filter(None, text.split(" and ")):
        name, op, value = part.split()
        if "." in value and not value[0].isdigit():
            step, _, other = value.partition(".")
            if other in (key, "id"):
                continue
            value = f"{{field: {names[step]}.{other}}}"
        leaves.append(f"{{field: {name}, op: {OPERATORS[op]}, value: {value}}}")
    return leaves


def event(step: Step, case: Case, names: Mapping[str, str]) -> str:
    """The step's event as a reference of ours."""
    types = step["type"] if isinstance(step["type"], list) else [step["type"]]
    key = case["rule"].get("partition_by")
    kinds = f"{{field: kind, op: in, value: [{', '.join(map(kind, types))}]}}"
    leaves = [kinds, *_compared(step.get("where", ""), names, key)]
    return f"{{type: activity.logged, where: {{all: [{', '.join(leaves)}]}}}}"


def _nothing() -> str:
    return f"{{type: activity.logged, where: {{field: kind, op: eq, value: {NEVER}}}}}"


# -- shapes of patterns --------------------------------------------------------------------------------------


def _missing_after(case: Case, after: Step, expect: str, within: str) -> Translation | None:
    each = ONCE.get(case["rule"]["every"])
    if each is None:
        return None
    first = event(after, case, {})
    return Translation(
        f"{{missing_after: {{after: {first}, expect: {expect}, within: {within}, each: {each}}}}}"
    )


def _absent_after(case: Case, steps: list[Step]) -> Translation | None:
    first, absent = steps
    if "for_ms" not in absent:
        return _absent_before(case, absent, first) if first.get("every") else None
    expect = event(absent, case, {str(first["as"]): "after"})
    if not absent.get("every"):
        return _missing_after(case, first, expect, f"{absent['for_ms']}ms")
    found = _missing_after(case, first, expect, f"{absent['for_ms'] // 1000}h")
    more = f"then: [{{notify: {{to: ['user:li']}}}}]\nremind: {absent['for_ms'] // 1000}h\n"
    return found and Translation(found.when, None, more, reminded=True)


def _absent_before(case: Case, absent: Step, step: Step) -> Translation | None:
    within = f", within: {absent['for_ms']}ms" if "for_ms" in absent else ""
    wanted, required = event(step, case, {}), event(absent, case, {})
    return Translation(f"{{missing_before: {{event: {wanted}, requires: {required}{within}}}}}")


def _absent_or(case: Case, steps: list[Step]) -> Translation | None:
    """Only when the other branch plays no part: no event of its type happens."""
    absent, other = steps[1]["of"]
    if any(e["type"] == other["type"] for e in case["events"]):
        return None
    return _missing_after(
        case, steps[0], event(absent, case, {str(steps[0]["as"]): "after"}), f"{absent['for_ms']}ms"
    )


def _timer_after(case: Case, steps: list[Step]) -> Translation | None:
    return _missing_after(case, steps[0], _nothing(), f"{steps[1]['ms']}ms")


def _single(case: Case, steps: list[Step]) -> Translation | None:
    step, rule = steps[0], case["rule"]
    silence = re.fullmatch(r"(\d+) s without (\w+)", str(step.get("until", "")))
    if silence:
        return Translation(f"{{silent: {{of: {event(step, case, {})}, for: {silence[1]}s}}}}")
    if rule.get("window") == {"calendar": "P1M"}:
        return _missing_after(case, step, _nothing(), "1mo")
    if "within_ms" not in rule or "count" in step:
        return None
    more = f"once_per: {rule['within_ms']}ms\n" if step.get("distinct") else ""
    where = f"{{field: age, op: lt, value: {rule['within_ms']}ms}}"
    return Translation(f"{{event: {event(step, case, {})}}}", where, more)


SHAPES: dict[tuple[str, ...], Callable[[Case, list[Step]], Translation | None]] = {
    ("event", "absent"): _absent_after,
    ("absent", "event"): lambda case, steps: _absent_before(case, *steps),
    ("event", "or"): _absent_or,
    ("event", "timer"): _timer_after,
    ("event",): _single,
}
"""ops of a pattern's steps -> how it is said."""


def translate(case: Case) -> Translation | None:
    """The rule that says what the case's rule says, or None."""
    rule = case["rule"]
    if "condition" in rule and "for_ms" in rule and "restart_at_ms" not in rule:
        name, op, value = rule["condition"].split()
        keep = f", keep_firing_for: {rule['keep_firing_for_ms']}ms" if "keep_firing_for_ms" in rule else ""
        where = f"{{field: {name}, op: {OPERATORS[op]}, value: {value}}}"
        return Translation(f"{{holds: {{for: {rule['for_ms']}ms{keep}}}}}", where)
    steps = rule.get("pattern") or []
    shape = SHAPES.get(tuple(step["op"] for step in steps))
    if shape is None or "having" in rule or steps[0].get("contiguity") or steps[-1].get("contiguity"):
        return None
    return shape(case, list(steps))


# -- running -------------------------------------------------------------------------------------------------


def _native(key: str) -> str:
    return f"deal {key}"


def _at(milliseconds: int, translation: Translation) -> str:
    seconds, rest = divmod(milliseconds * translation.scale // 1000, 1000)
    return f"{BEGIN} + {seconds}s + {rest}ms"


def run(case: Case, translation: Translation) -> Desk:
    """The case's events through the rule, up to its end."""
    desk = Desk(translation.rule, settings=SETTINGS, since="2026-01-01")
    for key in sorted({e["key"] for e in case["events"]}):
        desk.event(BEGIN, "opportunity.created", opportunity=_native(key), account="A1", owner="li")
    for one in sorted(case["events"], key=lambda e: int(e["t_ms"])):
        at = _at(one["t_ms"], translation)
        fields = {name: value for name, value in one["fields"].items() if name in (*FIELDS, "v")}
        if one["type"] == "sample":
            desk.event(at, "opportunity.updated", opportunity=_native(one["key"]), **fields)
        else:
            desk.event(
                at, "activity.logged", opportunity=_native(one["key"]), kind=kind(one["type"]), **fields
            )
    desk.until(_at(case["end_ms"], translation))
    return desk
