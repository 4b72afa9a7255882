"""Why a rule spoke, or why not, for one entity at one instant: its trigger in words and its condition as a
tree.

The condition is judged by the native evaluator, which says the same as durable-rules. Which events led
there is told by the machine that kept them; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rules.compiled import (
    CompiledRule,
    CompiledTrigger,
    DateTrigger,
    EventTrigger,
    HoldsTrigger,
    MissingAfterTrigger,
    MissingBeforeTrigger,
    Patterns,
    SilentTrigger,
    StageTrigger,
)
from rules.conditions.explain import Explanation, describe
from rules.conditions.scope import Scope
from schemas.time import Duration, format_instant

Texts = tuple[str, str]
"""Chinese, English."""


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """What a rule asks and what it found. `at` is the judged instant (us); `zh`, `en` say the trigger in
    words.
    """

    rule: str
    version: int
    title: str
    at: int
    zh: str
    en: str
    where: Explanation

    @property
    def result(self) -> bool:
        """Whether `where` holds."""
        return self.where.result

    def to_dict(self) -> dict[str, object]:
        """JSON form."""
        return {
            "rule": self.rule,
            "version": self.version,
            "title": self.title,
            "at": format_instant(self.at),
            "trigger": {"zh": self.zh, "en": self.en},
            "where": self.where.to_dict(),
        }

    def lines(self, language: str = "en") -> list[str]:
        """For a terminal, in `zh` or `en`."""
        trigger = self.zh if language == "zh" else self.en
        return [f"{self.rule} v{self.version}: {self.title}", f"  {trigger}", *self.where.lines(language, 1)]


def explain_rule(rule: CompiledRule, scope: Scope) -> RuleExplanation:
    """Explain a rule on what the scope shows."""
    zh, en = say_trigger(rule.trigger)
    return RuleExplanation(rule.id, rule.version, rule.doc.title, scope.at, zh, en, rule.where.explain(scope))


def say_trigger(trigger: CompiledTrigger) -> Texts:
    """The trigger in one line of Chinese and one of English."""
    return _SAYINGS[type(trigger)](trigger)


def _patterns(patterns: Patterns) -> str:
    """`visit.reported, activity.logged (kind equals visit)`."""
    told = []
    for pattern in patterns:
        where = f" ({describe(pattern.where.source)})" if pattern.where.source else ""
        told.append(f"{' / '.join(sorted(pattern.types))}{where}")
    return ", ".join(told)


def _event(trigger: EventTrigger) -> Texts:
    what = _patterns(trigger.events)
    return f"发生事件：{what}", f"when it happens: {what}"


def _holds(trigger: HoldsTrigger) -> Texts:
    if trigger.for_ == Duration():
        return "条件由不成立变为成立时", "when the condition becomes true"
    return f"条件持续成立 {trigger.for_} 时", f"when the condition has been true for {trigger.for_}"


def _stage(trigger: StageTrigger) -> Texts:
    named = sorted(trigger.stages) + (["decisive"] if trigger.decisive else [])
    stages = ", ".join(named)
    if trigger.side == "enters":
        return f"进入阶段：{stages}", f"when it enters {stages}"
    return f"离开阶段：{stages}", f"when it leaves {stages}"


def _silent(trigger: SilentTrigger) -> Texts:
    what = _patterns(trigger.of)
    return f"{trigger.for_} 内没有：{what}", f"nothing of this for {trigger.for_}: {what}"


def _missing_after(trigger: MissingAfterTrigger) -> Texts:
    first, then = _patterns(trigger.after), _patterns(trigger.expect)
    within = str(trigger.within.duration or ".".join(trigger.within.path or ()))
    zh = f"{first} 之后 {within} 内没有：{then}"
    return zh, f"no {then} within {within} after {first}"


def _missing_before(trigger: MissingBeforeTrigger) -> Texts:
    event, needed = _patterns(trigger.events), _patterns(trigger.requires)
    zh_span, en_span = (f"{trigger.within} 内", f" in the {trigger.within}") if trigger.within else ("", "")
    return f"{event} 之前{zh_span}没有：{needed}", f"{event} without {needed}{en_span} before it"


def _date(trigger: DateTrigger) -> Texts:
    name = ".".join((*(trigger.items or ()), *trigger.path))
    side = "前" if trigger.side == "before" else "后"
    return f"{name} {side} {trigger.offset}", f"{trigger.offset} {trigger.side} {name}"


_SAYINGS: dict[type, Callable[..., Texts]] = {
    EventTrigger: _event,
    HoldsTrigger: _holds,
    StageTrigger: _stage,
    SilentTrigger: _silent,
    MissingAfterTrigger: _missing_after,
    MissingBeforeTrigger: _missing_before,
    DateTrigger: _date,
}
