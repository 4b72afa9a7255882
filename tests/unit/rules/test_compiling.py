"""Rule documents compiled: what each trigger becomes, what a rule reads, and its explanation."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from rules.compile import compile_rule
from rules.compiled import (
    CompiledRule,
    DateTrigger,
    EventTrigger,
    HoldsTrigger,
    MissingAfterTrigger,
    MissingBeforeTrigger,
    SilentTrigger,
    StageTrigger,
)
from rules.conditions.condition import ALWAYS
from rules.conditions.scope import MappingScope
from rules.document import RuleDoc
from rules.explain import explain_rule, say_trigger
from rules.load import load_rules
from rules.problems import RuleErrors
from schemas.time import Duration

ZONE = ZoneInfo("Asia/Shanghai")
DAY = 86_400_000_000


def rule(when: str, watch: str = "opportunity", more: str = "") -> CompiledRule:
    text = f"rule: r\ntitle: t\nwatch: {watch}\nwhen: {when}\n{more}\n"
    (doc,) = load_rules(text, "f.yaml")
    return compile_rule(doc, version=3, zone=ZONE)


def test_event() -> None:
    found = rule(
        "{event: [opportunity.won, {type: activity.logged, where: {field: kind, op: eq, value: visit}}]}"
    )
    assert isinstance(found.trigger, EventTrigger)
    first, second = found.trigger.events
    assert (first.types, first.where) == (frozenset({"opportunity.won"}), ALWAYS)
    assert second.where.holds(MappingScope(0, {"kind": "visit"}))
    assert found.event_types == {"opportunity.won", "activity.logged"}
    assert (found.id, found.version, found.kind, found.zone) == ("r", 3, "opportunity", ZONE)


def test_holds() -> None:
    where = "where: {field: amount, op: gt, value: 5}"
    found = rule("{holds: {for: 2d, keep_firing_for: 1mo}}", more=where)
    assert isinstance(found.trigger, HoldsTrigger)
    assert found.trigger.for_ == Duration(us=2 * DAY)
    assert found.trigger.keep_firing_for == Duration(months=1)
    assert isinstance(rule("{holds: }", more=where).trigger, HoldsTrigger)


def test_stages() -> None:
    found = rule("{enters: [quote, decisive]}").trigger
    assert isinstance(found, StageTrigger)
    assert (found.side, found.stages, found.decisive) == ("enters", frozenset({"quote"}), True)
    left = rule("{leaves: quote}").trigger
    assert isinstance(left, StageTrigger)
    assert (left.side, left.stages, left.decisive) == ("leaves", frozenset({"quote"}), False)


def test_silent() -> None:
    found = rule("{silent: {of: activity.logged, for: 7d, include: account}}").trigger
    assert isinstance(found, SilentTrigger)
    assert (found.for_, found.account) == (Duration(us=7 * DAY), True)


def test_missing_after() -> None:
    found = rule(
        "{missing_after: {after: visit.completed, expect: [visit.reported, {type: activity.logged, where: "
        "{field: by, op: eq, value: {field: after.by}}}], within: 24h, match: [visit, {by: after.owner}], "
        "each: once}}"
    ).trigger
    assert isinstance(found, MissingAfterTrigger)
    assert found.within.duration == Duration(us=DAY)
    assert found.match == ((("visit",), ("visit",)), (("by",), ("owner",)))
    assert found.each == "once"
    assert found.expect[1].where.reads == {("by",), ("after", "by")}


def test_a_deadline_may_be_a_field() -> None:
    found = rule(
        "{missing_after: {after: activity.logged, expect: visit.reported, within: duration}}"
    ).trigger
    assert isinstance(found, MissingAfterTrigger)
    assert (found.within.duration, found.within.path) == (None, ("duration",))


def test_missing_before() -> None:
    found = rule(
        "{missing_before: {event: contract.signed, requires: approval.approved, within: 90d}}"
    ).trigger
    assert isinstance(found, MissingBeforeTrigger)
    assert found.within == Duration(us=90 * DAY)
    assert found.match == ()
    ever = rule("{missing_before: {event: contract.signed, requires: approval.approved}}").trigger
    assert isinstance(ever, MissingBeforeTrigger)
    assert ever.within is None


def test_date() -> None:
    found = rule("{date: {field: close_date, before: 30d, at: 09:30}}")
    assert isinstance(found.trigger, DateTrigger)
    assert (found.trigger.path, found.trigger.items, found.trigger.side) == (("close_date",), None, "before")
    assert found.trigger.clock == (9 * 60 + 30) * 60_000_000
    assert ("close_date",) in found.reads
    listed = rule("{date: {field: instalments.due_on, after: 0d}}", "contract")
    assert isinstance(listed.trigger, DateTrigger)
    assert (listed.trigger.path, listed.trigger.items) == (("due_on",), ("instalments",))
    assert ("instalments",) in listed.reads


def test_what_a_rule_reads() -> None:
    where = (
        "where: {all: [{field: amount, op: changed}, {field: account.tier, op: eq, value: A},"
        " {field: event.kind, op: eq, value: visit}]}\n"
        "then: [{approval: {of: opportunity.probability, chain: [{any: owner}]}}]"
    )
    found = rule("{event: activity.logged}", more=where)
    assert found.reads == {("amount",), ("was", "amount"), ("account", "tier"), ("probability",)}
    assert found.reads_of("") == {("amount",), ("probability",)}
    assert found.reads_of("account") == {("tier",)}
    assert rule("{enters: quote}").reads == {("stage",)}


def test_an_unsound_document_is_refused() -> None:
    doc = RuleDoc.model_validate(
        {"rule": "r", "title": "t", "watch": "opportunity", "when": {"event": ["activity.loged", "visit.x"]}}
    )
    with pytest.raises(RuleErrors) as caught:
        compile_rule(doc, version=1, zone=ZONE)
    places = [(error.code, error.place) for error in caught.value.errors]
    assert places == [("SW-RULE-020", "when.event[0].type[0]"), ("SW-RULE-020", "when.event[1].type[0]")]


@pytest.mark.parametrize(
    ("when", "zh", "en"),
    [
        ("{event: opportunity.won}", "发生事件：opportunity.won", "when it happens: opportunity.won"),
        ("{enters: quote}", "进入阶段：quote", "when it enters quote"),
        ("{leaves: decisive}", "离开阶段：decisive", "when it leaves decisive"),
        (
            "{silent: {of: activity.logged, for: 7d}}",
            "1w 内没有：activity.logged",
            "nothing of this for 1w: activity.logged",
        ),
        (
            "{missing_after: {after: visit.completed, expect: visit.reported, within: 24h}}",
            "visit.completed 之后 1d 内没有：visit.reported",
            "no visit.reported within 1d after visit.completed",
        ),
        (
            "{missing_before: {event: contract.signed, requires: approval.approved}}",
            "contract.signed 之前没有：approval.approved",
            "contract.signed without approval.approved before it",
        ),
        ("{date: {field: close_date, after: 1d}}", "close_date 后 1d", "1d after close_date"),
    ],
)
def test_triggers_in_words(when: str, zh: str, en: str) -> None:
    assert say_trigger(rule(when).trigger) == (zh, en)


def test_holds_in_words_and_a_whole_explanation() -> None:
    found = rule("{holds: {for: 1d}}", more="where: {field: amount, op: gt, value: 5}")
    told = explain_rule(found, MappingScope(0, {"amount": "6"}))
    assert told.result
    assert told.lines("zh") == ["r v3: t", "  条件持续成立 1d 时", '  ✓ amount 大于 5：实际 "6"']
    assert told.to_dict()["at"] == "1970-01-01T00:00:00Z"
