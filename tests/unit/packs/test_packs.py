"""The shipped rule packs: each compiles, speaks two languages, and has well-formed tests beside it."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.compile import compile_rule
from rules.document import RuleDoc
from rules.lifecycle import TABLES
from rules.load import load_rules
from rules.reasons import Reason
from rules.testing import Suite, load_suite
from rules.testing.compare import SECTIONS
from schemas.envelope import decode_event, entity_of
from schemas.types import FieldType

FOLDER = Path(__file__).parents[3] / "rules" / "packs"
PACKS = sorted(p for p in FOLDER.glob("*.yaml") if not p.name.endswith(".test.yaml"))
RULES = {
    "contract-ending",
    "contract-over-500k",
    "instalment-due",
    "instalment-overdue",
    "key-account-silent",
    "large-deal-decisive",
    "quote-needs-manager",
    "quote-sent-unapproved",
    "stale-opportunity",
    "visit-report-24h",
}
DERIVED = {
    "opportunity.decisive": FieldType.BOOL,
    "contract.open_instalments": FieldType.LIST,
    "contract.open_instalments.due_on": FieldType.DATE,
}
"""What the packs need the engine to derive."""


def rules_of(pack: Path) -> list[RuleDoc]:
    return load_rules(pack.read_bytes(), pack.name, declared_fields=DERIVED)


def suite_of(pack: Path) -> Suite:
    path = pack.with_suffix(".test.yaml")
    return load_suite(path.read_text(encoding="utf-8"), path.name)


def test_the_rules_of_the_trade_are_shipped() -> None:
    shipped = [rule.rule for pack in PACKS for rule in rules_of(pack)]
    assert len(PACKS) == 7
    assert len(shipped) == len(set(shipped))
    assert set(shipped) == RULES


@pytest.mark.parametrize("pack", PACKS, ids=lambda p: p.stem)
def test_every_rule_compiles(pack: Path) -> None:
    for doc in rules_of(pack):
        rule = compile_rule(doc, version=1, declared=DERIVED, zone=ZoneInfo("Asia/Shanghai"))
        assert (rule.id, rule.kind) == (doc.rule, doc.watch)


@pytest.mark.parametrize("pack", PACKS, ids=lambda p: p.stem)
def test_every_text_for_people_is_in_chinese_and_english(pack: Path) -> None:
    titles = re.findall(r"(?m)^title: (.*?) +# (.+)$", pack.read_text(encoding="utf-8"))
    rules = rules_of(pack)
    assert [title for title, _ in titles] == [rule.title for rule in rules]
    for rule, (title, english) in zip(rules, titles, strict=True):
        assert re.search(r"[\u4e00-\u9fff]", title)
        assert english.isascii()
        for action in rule.then:
            said = action.notify or action.approval
            if said is not None:
                lines = (said.text or "").strip().splitlines()
                assert [bool(re.search(r"[\u4e00-\u9fff]", line)) for line in lines] == [True, False], (
                    rule.rule
                )


@pytest.mark.parametrize("pack", PACKS, ids=lambda p: p.stem)
def test_every_pack_has_tests_whose_events_can_be_read(pack: Path) -> None:
    suite = suite_of(pack)
    for case in suite.cases:
        assert case.job.rules == (pack.name,)
        events = [decode_event(r, zone=suite.zone, place=case.place) for r in case.job.events]
        assert all(entity_of(event) for event in events)
        assert len({(e.source, e.id) for e in events}) == len(events), case.name
        arrivals = [e.recorded if e.recorded is not None else e.time for e in events]
        assert arrivals == sorted(arrivals)
        assert case.job.until >= arrivals[-1], case.name


@pytest.mark.parametrize("pack", PACKS, ids=lambda p: p.stem)
def test_every_pack_is_tested_for_firing_and_for_silence(pack: Path) -> None:
    suite = suite_of(pack)
    names = {rule.rule for rule in rules_of(pack)}
    fired = [e for case in suite.cases for e in case.expected["alerts"] if e["state"] == "firing"]
    assert {e["rule"] for e in fired if "rule" in e} == names
    assert any(e["state"] == "withdrawn" for case in suite.cases for e in case.expected["alerts"])
    assert all(
        isinstance(e["at"], int) and e["at"] <= c.job.until for c in suite.cases for e in c.expected["alerts"]
    )


@pytest.mark.parametrize("pack", PACKS, ids=lambda p: p.stem)
def test_expected_states_and_reasons_exist(pack: Path) -> None:
    for case in suite_of(pack).cases:
        for section, kind in SECTIONS.items():
            for expected in case.expected.get(section, ()):
                assert kind == "mail" or expected["state"] in set().union(*TABLES[kind].values())
                assert expected.get("reason", Reason.SILENCE) in set(Reason)


def test_the_zone_of_the_packs_is_that_of_their_organisation() -> None:
    assert {suite_of(pack).zone for pack in PACKS} == {ZoneInfo("Asia/Shanghai")}
