"""The candidate index: what it picks, what it leaves out, and that edits leave older versions alone."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rules.candidates import CandidateIndex
from rules.compile import compile_rule
from rules.compiled import CompiledRule
from rules.conditions.scope import MappingScope
from rules.load import load_rules


def rule(name: str, when: str, where: str = "", watch: str = "opportunity", more: str = "") -> CompiledRule:
    lines = [f"rule: {name}", "title: t", f"watch: {watch}", f"when: {when}", more]
    lines += [f"where: {where}"] if where else []
    (doc,) = load_rules("\n".join(lines), "f.yaml")
    return compile_rule(doc, version=1, zone=ZoneInfo("UTC"))


LARGE = "{field: amount, op: gt, value: 5}"
RULES = [
    rule("large", "{holds: {}}", LARGE),
    rule("quoted", "{holds: {}}", f"{{all: [{{field: stage, op: eq, value: quote}}, {LARGE}]}}"),
    rule("silent", "{silent: {of: activity.logged, for: 7d}}", "{field: stage, op: eq, value: quote}"),
    rule("visits", "{event: {type: activity.logged, where: {field: kind, op: eq, value: visit}}}"),
    rule("tier", "{holds: {}}", "{field: account.tier, op: eq, value: A}"),
    rule("boss", "{holds: {}}", "{field: owner.region, op: eq, value: east}"),
    rule("contract", "{holds: {}}", LARGE, "contract"),
]


def names(rules: Iterable[CompiledRule]) -> list[str]:
    return [found.id for found in rules]


INDEX = CandidateIndex(RULES)


def test_by_changed_field() -> None:
    assert names(INDEX.pick("opportunity.updated", ["amount"]).own) == ["large", "quoted"]
    assert names(INDEX.pick("opportunity.updated", ["stage"]).own) == ["quoted", "silent"]
    assert names(INDEX.pick("opportunity.updated", ["name"]).all()) == []
    assert names(INDEX.pick("contract.amended", ["amount"]).own) == ["contract"]


def test_by_event_type_and_what_it_says() -> None:
    assert names(INDEX.pick("activity.logged", []).named) == ["silent", "visits"]
    assert names(INDEX.pick("activity.logged", [], data={"kind": "call"}).named) == ["silent"]
    assert names(INDEX.pick("activity.logged", [], data={"kind": "visit"}).named) == ["silent", "visits"]
    assert names(INDEX.pick("activity.logged", [], data={"kind": ["visit"]}).named) == ["silent"]


def test_by_what_the_entity_is() -> None:
    drafted = MappingScope(0, {"stage": "draft"})
    quoted = MappingScope(0, {"stage": "quote"})
    assert names(INDEX.pick("opportunity.updated", ["amount"], get=drafted.get).own) == ["large"]
    assert names(INDEX.pick("opportunity.updated", ["amount"], get=quoted.get).own) == ["large", "quoted"]
    assert names(INDEX.pick("opportunity.updated", ["stage"], get=drafted.get).own) == ["silent"]


def test_a_new_entity_concerns_all_that_watch_its_kind() -> None:
    every = ["boss", "large", "quoted", "silent", "tier", "visits"]
    assert names(INDEX.pick("opportunity.created", None).own) == every
    assert names(INDEX.watching("opportunity")) == every
    drafted = MappingScope(0, {"stage": "draft"}, {"account": {"tier": "B"}, "owner": {"region": "west"}})
    assert names(INDEX.pick("opportunity.created", None, get=drafted.get).own) == [
        "large",
        "silent",
        "visits",
    ]


def test_through_joins() -> None:
    assert names(INDEX.pick("account.updated", ["tier"]).joined) == ["tier"]
    assert names(INDEX.pick("person.updated", ["region"]).joined) == ["boss"]
    assert names(INDEX.pick("opportunity.updated", ["owner"]).own) == ["boss"]
    assert names(INDEX.pick("opportunity.updated", ["account"]).own) == ["tier"]
    assert names(INDEX.pick("account.updated", None).joined) == ["tier"]


def test_the_kind_may_be_told() -> None:
    assert names(INDEX.pick("activity.logged", ["amount"], kind="contract").own) == ["contract"]


def test_edits_leave_older_versions_alone() -> None:
    without = INDEX.without("quoted")
    assert names(without.pick("opportunity.updated", ["amount", "stage"]).own) == ["large", "silent"]
    assert names(INDEX.pick("opportunity.updated", ["amount", "stage"]).own) == ["large", "quoted", "silent"]
    again = without.with_rule(RULES[1])
    assert names(again.watching("opportunity")) == names(INDEX.watching("opportunity"))
    moved = INDEX.with_rule(rule("large", "{holds: {}}", "{field: probability, op: gt, value: 1}"))
    assert names(moved.pick("opportunity.updated", ["amount"]).own) == ["quoted"]
    assert names(moved.pick("opportunity.updated", ["probability"]).own) == ["large"]
    assert len(moved.rules) == len(RULES)
    assert INDEX.without("nobody").rules == INDEX.rules


def test_a_disabled_rule_is_not_there() -> None:
    off = rule("large", "{holds: {}}", LARGE, more="enabled: false")
    assert "large" not in INDEX.with_rule(off).rules
    assert CandidateIndex([off]).rules == {}


def test_without_rules_nothing_is_left() -> None:
    index = INDEX
    for found in RULES:
        index = index.without(found.id)
    assert index.rules == {}
    assert index.pick("opportunity.updated", ["amount", "stage"]).all() == ()
    assert index.watching("opportunity") == ()
