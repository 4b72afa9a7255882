"""The published JSON Schema: up to date, and true of the rules that load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic.json_schema import JsonSchemaValue

from rules.load import load_rules
from rules.publish import PATH, main, rule_schema, rule_schema_text
from tests.unit.rules.test_rule_files import CONTRACT, STALE

HERE = Path(__file__).parents[3]


def valid(document: Any) -> bool:
    return Draft202012Validator(rule_schema()).is_valid(document)


def test_it_is_up_to_date(tmp_path: Path) -> None:
    assert (HERE / PATH).read_text(encoding="utf-8") == rule_schema_text(), "run python -m rules.publish"
    main(["--out", str(tmp_path / "rule.json")])
    assert (tmp_path / "rule.json").read_text(encoding="utf-8") == rule_schema_text()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(rule_schema())


@pytest.mark.parametrize("text", [STALE, CONTRACT])
def test_good_rules_fit(text: str) -> None:
    assert load_rules(text, "f.yaml")
    assert valid(yaml.safe_load(text))


SHORT_FORMS = [
    "activity.logged",
    {"type": "activity.logged"},
    ["activity.logged", {"type": ["visit.reported"], "where": {"field": "by", "op": "is_set"}}],
]


@pytest.mark.parametrize("event", SHORT_FORMS)
def test_events_may_be_named_shortly(event: Any) -> None:
    rule = {"rule": "r", "title": "t", "watch": "opportunity", "when": {"silent": {"of": event, "for": "7d"}}}
    assert valid(rule)


BAD: list[JsonSchemaValue] = [
    {"when": {}},
    {"when": {"event": "a.b", "holds": {}}},
    {"when": {"dwell": {}}},
    {"severity": "high"},
    {"remind": None},
    {"remind": "2wd"},
    {"where": {}},
    {"where": {"field": "a", "op": "equals", "value": 1}},
    {"where": {"field": "a", "op": "eq", "value": {"fild": "b"}}},
    {"then": [{}]},
    {"escalate": []},
    {"rule": "Bad Rule"},
]


@pytest.mark.parametrize("change", BAD)
def test_bad_rules_do_not(change: JsonSchemaValue) -> None:
    good = {"rule": "r", "title": "t", "watch": "opportunity", "when": {"event": "activity.logged"}}
    assert valid(good)
    assert not valid({**good, **change})
