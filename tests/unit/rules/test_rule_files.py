"""Rule files: what loads, and every error with its code, place, and next step."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules.load import MAX_BYTES, load_rules
from rules.problems import RuleErrors
from schemas.errors import RuleError
from schemas.types import FieldType

HEAD = "rule: r\ntitle: t\nwatch: opportunity\n"
WHEN = "when: {silent: {of: activity.logged, for: 7d}}\n"
GOOD = HEAD + WHEN

STALE = """\
rule: stale-opportunity                 # id: kebab-case, unique; version is assigned by the system
title: 商机超过 7 天没有跟进             # any language, shown to people
watch: opportunity                      # the kind of entity it watches
when:
  silent: {of: [activity.logged, opportunity.stage_changed], for: 7d}
where:                                  # must hold on the entity when the trigger falls due
  all:
    - {field: amount, op: gte, value: 100000}
    - {field: stage, op: in, value: [opportunity, quote]}
    - {field: account.tier, op: eq, value: A}
severity: warning                       # info | warning | critical
then:
  - notify: {to: [owner.director], via: [email]}
  - task: {to: owner, title: "跟进 {opportunity.name}", due: 2d}
remind: 3d                              # until somebody acts; the only repeat knob
state_on_edit: keep                     # keep | reset | recompute
enrol: existing                         # existing | new
"""
CONTRACT = """\
rule: contract-over-500k
title: 合同金额超过 50 万，须财务总监审批
watch: contract
when: {holds: {}}                       # becomes true, by drafting or by amendment
where: {field: amount, op: gt, value: 500000}
then:
  - approval:
      of: amount                        # what is approved
      chain:
        - {any: [owner.manager]}
        - {all: ["role:cfo"]}
      via: [email]
      timeout: 2d
      on_timeout: remind                # remind | reject
"""


def errors(text: str | bytes, declared: dict[str, FieldType] | None = None) -> tuple[RuleError, ...]:
    with pytest.raises(RuleErrors) as caught:
        load_rules(text, "f.yaml", declared_fields=declared)
    return caught.value.errors


def only(text: str | bytes) -> RuleError:
    found = errors(text)
    assert len(found) == 1, [str(error) for error in found]
    return found[0]


def told(text: str) -> list[tuple[str, str]]:
    return [(error.code, error.place) for error in errors(text)]


def test_the_rules_of_the_language_page_load() -> None:
    rules = load_rules(f"{STALE}---\n{CONTRACT}", "f.yaml")
    assert [rule.rule for rule in rules] == ["stale-opportunity", "contract-over-500k"]
    assert rules[0].when.trigger == "silent"
    assert str(rules[0].remind) == "3d"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n", "\ufeff"])
def test_an_empty_file_has_no_rules(text: str) -> None:
    assert load_rules(text, "f.yaml") == []


def test_a_byte_order_mark_is_skipped_and_moves_nothing() -> None:
    assert len(load_rules(("\ufeff" + GOOD).encode(), "f.yaml")) == 1
    assert only("\ufeff" + GOOD.replace("rule: r", "rule: R")).place == "f.yaml:1:7"


def test_scalars_are_those_of_yaml_1_2() -> None:
    where = "where: {any: [" + ", ".join(
        f"{{field: {field}, op: eq, value: {value}}}"
        for field, value in [("name", "no"), ("name", "18:30"), ("name", "0123"), ("amount", "1.50")]
    )
    (rule,) = load_rules(f"{GOOD}{where}]}}\n", "f.yaml")
    assert rule.where is not None
    values = [part.value for part in rule.where.any or ()]
    assert values == ["no", "18:30", "0123", Decimal("1.50")]
    assert isinstance(values[3], Decimal)


def test_all_errors_of_a_file_are_told_in_its_order() -> None:
    text = (
        "rule: Bad Rule\ntitel: x\nwatch: opportunity\nwhen: {silent: {of: activity.loged, fro: 7d}}\n"
        "where: {field: ammount, op: gt, value: 5}\n---\nrule: b\ntitle: t\n"
        "watch: oportunity\nwhen: {holds: }\n"
        "where: {field: amount, op: gt, value: 5}\n"
    )
    assert told(text) == [
        ("SW-RULE-012", "f.yaml:1:1"),
        ("SW-RULE-016", "f.yaml:1:7"),
        ("SW-RULE-010", "f.yaml:2:1"),
        ("SW-RULE-012", "f.yaml:4:8"),
        ("SW-RULE-010", "f.yaml:4:37"),
        ("SW-RULE-032", "f.yaml:5:16"),
        ("SW-RULE-021", "f.yaml:9:8"),
    ]


SYNTAX = [
    ("rule: [a\ntitle: b\n", "SW-RULE-005", "f.yaml:2:6"),
    ("a:\n\tb: c\n", "SW-RULE-005", "f.yaml:2:1"),
    ("rule: *x\n", "SW-RULE-005", "f.yaml:1:7"),
    ("rule: &x [*x]\n", "SW-RULE-005", "f.yaml:1:11"),
    ("rule: !!python/object x\n", "SW-RULE-005", "f.yaml:1:7"),
    ("rule: !!map {a: b}\n" + "a: !thing [b]\n", "SW-RULE-005", "f.yaml:2:4"),
    ("题: a\x00\n", "SW-RULE-005", "f.yaml:1:5"),
    ("a: \ud800\n", "SW-RULE-005", "f.yaml:1:4"),
    ("[" * 51, "SW-RULE-007", "f.yaml:1:51"),
    ("- 1\n- 2\n", "SW-RULE-009", "f.yaml:1:1"),
    ("just text\n", "SW-RULE-009", "f.yaml:1:1"),
]


@pytest.mark.parametrize(("text", "code", "place"), SYNTAX)
def test_what_is_no_rule_file(text: str, code: str, place: str) -> None:
    assert told(text) == [(code, place)]


def test_tabs_are_named() -> None:
    assert only("a:\n\tb: c\n").next_step == "indent with spaces instead of tabs"


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert [error.code for error in errors("\n".join(lines))] == ["SW-RULE-007"]


def test_aliases_may_be_used() -> None:
    text = GOOD + "then:\n  - notify: {to: &people [owner, owner.manager]}\n  - notify: {to: *people}\n"
    (rule,) = load_rules(text, "f.yaml")
    assert [action.notify.to for action in rule.then if action.notify] == [("owner", "owner.manager")] * 2


def test_an_encoding_is_named() -> None:
    wrong = only("rule: 商机".encode("gbk"))
    assert (wrong.code, wrong.place) == ("SW-RULE-003", "f.yaml:1:7")
    assert "GBK" in wrong.found
    assert "UTF-16" in only(GOOD.encode("utf-16")).found
    assert only(b"rule: \xff\xff").found == "the byte 0xff"


def test_a_file_has_a_size() -> None:
    assert only("#" * (MAX_BYTES + 1)).code == "SW-RULE-004"
    assert load_rules("#" * MAX_BYTES, "f.yaml") == []


def test_a_file_has_a_thousand_rules() -> None:
    many = [GOOD.replace("rule: r", f"rule: r-{i}") for i in range(1001)]
    assert len(load_rules("---\n".join(many[:1000]), "f.yaml")) == 1000
    assert only("---\n".join(many)).code == "SW-RULE-008"


def test_a_key_stands_once() -> None:
    wrong = only(GOOD + "title: u\n")
    assert (wrong.code, wrong.place) == ("SW-RULE-006", "f.yaml:5:1")
    assert wrong.found == "`title`, first in line 2"


def test_an_id_stands_once() -> None:
    wrong = only(f"{GOOD}---\n{GOOD}")
    assert (wrong.code, wrong.place, wrong.found) == ("SW-RULE-017", "f.yaml:6:7", "`r`, first in line 1")


def test_keys_are_texts() -> None:
    assert told(GOOD + "1: x\n") == [("SW-RULE-013", "f.yaml:5:1")]


def test_full_width_punctuation_is_named() -> None:
    assert only("rule：r\n").next_step == "write `:` instead of `：` (fullwidth colon)"
    assert only("rule：r\ntitle: t\n").next_step == "write `:` instead of `：` (fullwidth colon)"
    assert "`,`" in only("rule: r\nwhen: {silent: {of: [a，b: }\n").next_step
    wide = only(GOOD.replace("activity.logged", "activity．logged"))
    assert wide.next_step == "write activity.logged with half-width characters"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("50万", "500000"),
        ("1.5亿", "150000000"),
        ("500,000", "500000"),
        ("５００", "500"),
        ("¥3千元", "3000"),
    ],
)
def test_amounts_in_words_are_worked_out(written: str, number: str) -> None:
    wrong = only(GOOD + f'where: {{field: amount, op: gt, value: "{written}"}}\n')
    assert (wrong.code, wrong.place, wrong.next_step) == ("SW-RULE-034", "f.yaml:5:39", f"write {number}")


def test_errors_are_json() -> None:
    with pytest.raises(RuleErrors) as caught:
        load_rules("rule：r\n", "f.yaml")
    assert caught.value.to_list()[0]["code"] == "SW-RULE-009"
    assert "SW-RULE-009" in str(caught.value)


SHAPES = [
    ("watch: {}\n", "SW-RULE-006", "f.yaml:5:1"),
    ("remind:\n", "SW-RULE-013", "f.yaml:5:1"),
    ("where:\n", "SW-RULE-013", "f.yaml:5:1"),
    ("severity: high\n", "SW-RULE-014", "f.yaml:5:11"),
    ("enabled: yes\n", "SW-RULE-013", "f.yaml:5:10"),
    ("enabled: 1\n", "SW-RULE-013", "f.yaml:5:10"),
    ("enrol: old\n", "SW-RULE-014", "f.yaml:5:8"),
    ("state_on_edit: drop\n", "SW-RULE-014", "f.yaml:5:16"),
    ("remind: 3\n", "SW-RULE-001", "f.yaml:5:9"),
    ("remind: 0d\n", "SW-RULE-023", "f.yaml:5:9"),
    ("remind: 2wd\n", "SW-RULE-011", "f.yaml:5:9"),
    ("grace: 8wh\n", "SW-RULE-011", "f.yaml:5:8"),
    ("once_per: sometimes\n", "SW-RULE-001", "f.yaml:5:11"),
    ("escalate: []\n", "SW-RULE-011", "f.yaml:5:1"),
    ("settle: 2m\n", "SW-RULE-011", "f.yaml:5:1"),
    ("inhibit: [x]\n", "SW-RULE-011", "f.yaml:5:1"),
    ("escalat: []\n", "SW-RULE-010", "f.yaml:5:1"),
    ("then: {notify: {to: owner}}\n", "SW-RULE-013", "f.yaml:5:7"),
    ("then: [{}]\n", "SW-RULE-019", "f.yaml:5:8"),
    ("then: [{notify: {to: owner}, task: {to: owner, title: t, due: 1d}}]\n", "SW-RULE-019", "f.yaml:5:8"),
    ("then: [{notify: {to: []}}]\n", "SW-RULE-014", "f.yaml:5:22"),
    ("then: [{notify: {to: [owner, 5]}}]\n", "SW-RULE-013", "f.yaml:5:30"),
    ("then: [{notify: {to: owner, via: wecom}}]\n", "SW-RULE-011", "f.yaml:5:34"),
    ("then: [{task: {to: owner, title: t, due: 1d, via: sms}}]\n", "SW-RULE-011", "f.yaml:5:51"),
    ("then: [{notify: {to: owner, via: [email, 5]}}]\n", "SW-RULE-013", "f.yaml:5:42"),
    ("then: [{notify: {to: ownr}}]\n", "SW-RULE-060", "f.yaml:5:22"),
    ("then: [{task: {to: owner, title: t}}]\n", "SW-RULE-012", "f.yaml:5:9"),
    ('then: [{task: {to: owner, title: "{nam}", due: 1d}}]\n', "SW-RULE-062", "f.yaml:5:34"),
    ("then: [{task: {to: owner, title: t, due: 1d, text: '{'}}]\n", "SW-RULE-061", "f.yaml:5:52"),
    ("then: [{approval: {of: amont, chain: [{any: owner}]}}]\n", "SW-RULE-032", "f.yaml:5:24"),
    ("then: [{approval: {of: amount, chain: []}}]\n", "SW-RULE-014", "f.yaml:5:39"),
    ("then: [{approval: {of: amount, chain: [{}]}}]\n", "SW-RULE-012", "f.yaml:5:40"),
    ("then: [{approval: {of: amount, chain: [{any: x}]}}]\n", "SW-RULE-060", "f.yaml:5:46"),
    (
        "then: [{approval: {of: amount, chain: [{any: owner}], on_timeout: escalate}}]\n",
        "SW-RULE-011",
        "f.yaml:5:67",
    ),
    (
        "then: [{approval: {of: amount, chain: [{any: owner}], on_timeout: wait}}]\n",
        "SW-RULE-014",
        "f.yaml:5:67",
    ),
]


@pytest.mark.parametrize(("line", "code", "place"), SHAPES)
def test_keys_beside_the_trigger(line: str, code: str, place: str) -> None:
    assert told(GOOD + line) == [(code, place)]


TRIGGERS = [
    ("{}", "SW-RULE-018", 7),
    ("{holds: {}, date: {field: close_date, before: 1d}}", "SW-RULE-018", 7),
    ("{dwell: {stage: quote}}", "SW-RULE-011", 8),
    ("{count: {}}", "SW-RULE-011", 8),
    ("{sequence: {}}", "SW-RULE-011", 8),
    ("{kpi: {}}", "SW-RULE-011", 8),
    ("{kpi_drop: {}}", "SW-RULE-011", 8),
    ("{schedule: weekly}", "SW-RULE-011", 8),
    ("{silence: {}}", "SW-RULE-010", 8),
    ("{event: activity.loged}", "SW-RULE-020", 15),
    ("{event: [activity.logged, {type: [visit.reported, visit.x]}]}", "SW-RULE-020", 57),
    ("{event: opportunity.corrected}", "SW-RULE-020", 15),
    ("{event: []}", "SW-RULE-014", 15),
    ("{event: 5}", "SW-RULE-013", 15),
    ("{event: {type: activity.logged, wher: {}}}", "SW-RULE-010", 39),
    ("{event: {type: activity.logged, where: {field: amount, op: is_set}}}", "SW-RULE-032", 54),
    ("{holds: {}}", "SW-RULE-012", 7),
    ("{holds: {for: x}}", "SW-RULE-001", 21),
    ("{enters: []}", "SW-RULE-014", 16),
    ("{silent: {for: 7d}}", "SW-RULE-012", 8),
    ("{silent: {of: activity.logged, for: 0s}}", "SW-RULE-023", 43),
    ("{silent: {of: activity.logged, for: 7d, include: owner}}", "SW-RULE-014", 56),
    ("{date: {field: close_date}}", "SW-RULE-012", 14),
    ("{date: {field: close_date, before: 1d, after: 1d}}", "SW-RULE-012", 14),
    ("{date: {field: close_date, before: 1d, at: 25:00}}", "SW-RULE-014", 50),
    ("{date: {field: amount, before: 1d}}", "SW-RULE-022", 22),
    ("{date: {field: closing, before: 1d}}", "SW-RULE-032", 22),
    ("{date: {field: products.x, before: 1d}}", "SW-RULE-022", 22),
    ("{missing_after: {after: visit.completed, expect: {steps: []}, within: 1d}}", "SW-RULE-011", 56),
    ("{missing_after: {after: visit.completed, expect: visit.reported, within: 0d}}", "SW-RULE-023", 80),
    ("{missing_after: {after: visit.completed, expect: visit.reported, within: place}}", "SW-RULE-022", 80),
    ("{missing_after: {after: visit.completed, expect: visit.reported, within: plase}}", "SW-RULE-032", 80),
    (
        "{missing_after: {after: visit.completed, expect: visit.reported, within: 1d, each: all}}",
        "SW-RULE-014",
        90,
    ),
    (
        "{missing_after: {after: visit.completed, expect: visit.reported, within: 1d, match: 5}}",
        "SW-RULE-013",
        91,
    ),
    (
        "{missing_after: {after: visit.completed, expect: visit.reported, within: 1d, match: [5]}}",
        "SW-RULE-013",
        92,
    ),
    (
        "{missing_after: {after: visit.completed, expect: visit.reported, within: 1d, match: x}}",
        "SW-RULE-032",
        91,
    ),
    (
        "{missing_after: {after: visit.completed, expect: visit.reported, within: 1d, "
        "match: {distance: by}}}",
        "SW-RULE-022",
        91,
    ),
    ("{missing_before: {event: contract.signed}}", "SW-RULE-012", 8),
    ("{missing_before: {event: contract.signed, requires: approval.approvd}}", "SW-RULE-020", 59),
]


@pytest.mark.parametrize(("when", "code", "column"), TRIGGERS)
def test_triggers(when: str, code: str, column: int) -> None:
    found = told(f"{HEAD}when: {when}\n")
    assert set(found) == {(code, f"f.yaml:4:{column}")}


def test_what_is_not_built_says_so() -> None:
    for line in ("when: {kpi: {}}\n", WHEN + "escalate: []\n", WHEN + "remind: 2wd\n"):
        assert "not built yet" in only(HEAD + line).message


def test_stages_need_an_entity_that_has_them() -> None:
    text = "rule: r\ntitle: t\nwatch: contract\nwhen: {enters: won}\n"
    assert told(text) == [("SW-RULE-022", "f.yaml:4:16")]


@pytest.mark.parametrize("watch", ["person", "rate", "oportunity"])
def test_what_cannot_be_watched(watch: str) -> None:
    text = GOOD.replace("watch: opportunity", f"watch: {watch}")
    assert told(text) == [("SW-RULE-021", "f.yaml:3:8")]


def test_declared_fields_and_kinds_can_be_used() -> None:
    text = GOOD + "where: {field: urgency, op: gt, value: 3}\n"
    assert told(text) == [("SW-RULE-032", "f.yaml:5:16")]
    assert len(load_rules(text, "f.yaml", declared_fields={"opportunity.urgency": FieldType.NUMBER})) == 1
    own = "rule: r\ntitle: t\nwatch: machine\nwhen: {event: machine.stopped}\n"
    assert [error.code for error in errors(own)] == ["SW-RULE-021"]
    assert len(load_rules(own, "f.yaml", declared_fields={"machine.state": FieldType.TEXT})) == 1
