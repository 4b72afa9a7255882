"""What was expected against what came out: matched one to one, the rest shown side by side.

Pure: two lists in, a verdict and a text out. An expectation fits an outcome when all fields it names are
equal, so several may fit; the pairs are chosen so that as many as possible fit (augmenting paths, Kuhn 1955).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict
from zoneinfo import ZoneInfo

from rules import words
from schemas.time import DAY

SECTIONS: Mapping[str, str] = {"alerts": "alert", "tasks": "task", "approvals": "approval", "mails": "mail"}
"""Section of `expect` -> the `kind` of its outcomes."""

TIMES = frozenset({"at", "due"})


class Outcome(TypedDict, total=False):
    """One thing that a runner saw come out; a runner fills what it knows of the kind. Times are us."""

    kind: Literal["alert", "task", "approval", "mail"]
    at: int
    rule: str
    entity: str
    state: str
    reason: str
    severity: str
    to: Sequence[str]
    title: str
    due: int
    step: int
    subject: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """missing: expectations without an outcome. extra: outcomes that nobody expected."""

    missing: tuple[Mapping[str, object], ...] = ()
    extra: tuple[Mapping[str, object], ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is missing and nothing too much."""
        return not self.missing and not self.extra


def compare(
    expected: Mapping[str, Sequence[Mapping[str, object]]], outcomes: Sequence[Outcome]
) -> dict[str, Comparison]:
    """Compare section by section; sections that are not in `expected` are not looked at."""
    found: dict[str, Comparison] = {}
    for section, wanted in expected.items():
        actual = [dict(o) for o in outcomes if o.get("kind") == SECTIONS[section]]
        found[section] = _matched(wanted, actual)
    return found


def fits(expected: Mapping[str, object], actual: Mapping[str, object]) -> bool:
    """All fields that the expectation names are equal; `to` without regard to order."""
    return all(_same(name, value, actual.get(name)) for name, value in expected.items())


def _same(name: str, wanted: object, found: object) -> bool:
    if name == "to":
        return _names(wanted) == _names(found)
    return wanted == found


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return sorted(str(v) for v in value) if isinstance(value, (list, tuple)) else []


def _matched(wanted: Sequence[Mapping[str, object]], actual: Sequence[Mapping[str, object]]) -> Comparison:
    partner: dict[int, int] = {}  # index of the outcome -> index of its expectation

    def place(expectation: int, tried: set[int]) -> bool:
        for index, outcome in enumerate(actual):
            if index not in tried and fits(wanted[expectation], outcome):
                tried.add(index)
                if index not in partner or place(partner[index], tried):
                    partner[index] = expectation
                    return True
        return False

    missing = tuple(e for n, e in enumerate(wanted) if not place(n, set()))
    return Comparison(missing, tuple(o for n, o in enumerate(actual) if n not in partner))


def show(found: Mapping[str, Comparison], start: int, zone: ZoneInfo) -> str:
    """The differences for people, one line each, times as offset from `start` and local; "" if none."""
    lines: list[str] = []
    for section, comparison in found.items():
        left = list(comparison.extra)
        for wanted in comparison.missing:
            lines.append(f"{section}: expected, but did not come: {_line(wanted, wanted, start, zone)}")
            near = _nearest(wanted, left)
            if near is not None:
                left.remove(near)
                lines.append(
                    f"{' ' * len(section)}  came instead:            {_line(near, wanted, start, zone)}"
                )
                lines.append(f"{' ' * len(section)}  differs in:              {_differences(wanted, near)}")
        lines.extend(f"{section}: not expected: {_line(o, o, start, zone)}" for o in left)
    return "\n".join(lines)


def _nearest(
    wanted: Mapping[str, object], outcomes: Sequence[Mapping[str, object]]
) -> Mapping[str, object] | None:
    """The outcome that shares most fields with the expectation, at least half of them."""
    if not outcomes:
        return None
    scores = [sum(_same(n, v, o.get(n)) for n, v in wanted.items()) for o in outcomes]
    best = max(scores)
    return outcomes[scores.index(best)] if best * 2 >= len(wanted) else None


def _differences(wanted: Mapping[str, object], near: Mapping[str, object]) -> str:
    return ", ".join(name for name, value in wanted.items() if not _same(name, value, near.get(name)))


def _line(item: Mapping[str, object], like: Mapping[str, object], start: int, zone: ZoneInfo) -> str:
    """The fields of `item` that `like` names, all of them when they are the same."""
    names = [name for name in item if name != "kind" and (name in like or name == "rule")]
    return "  ".join(f"{name}={_value(name, item[name], start, zone)}" for name in names)


def _value(name: str, value: object, start: int, zone: ZoneInfo) -> str:
    if name in TIMES and isinstance(value, int):
        return f"{offset(value - start)} ({words.instant(value, zone, 'en')})"
    return ",".join(_names(value)) if name == "to" else str(value)


_PARTS = (("d", DAY), ("h", DAY // 24), ("m", DAY // 1440), ("s", 1_000_000), ("us", 1))


def offset(us: int) -> str:
    """Elapsed time as a test would write it: `7d`, `1d + 2h`, `-1us`; a microsecond short is `7d - 1us`.

    >>> offset(7 * 86_400_000_000 - 1)
    '7d - 1us'
    """
    nearest = round(us / 1_000_000) * 1_000_000
    rest = us - nearest
    if rest and abs(rest) < 1_000 and nearest:
        return f"{offset(nearest)} {'+' if rest > 0 else '-'} {abs(rest)}us"
    sign, left, parts = ("-" if us < 0 else ""), abs(us), []
    for unit, size in _PARTS:
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return sign + f" {sign or '+'} ".join(parts) if parts else "0d"
