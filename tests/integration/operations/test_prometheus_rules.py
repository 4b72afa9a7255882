"""The rules are valid, ask for series that exist, fire when they should and stay quiet else; each alert has
its section in the runbook.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.operations.known import HOME, PROMETHEUS, RULE_FILES, asked, rules, unknown

TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
SEVERITIES = {"critical", "warning", "none"}


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], check=False, capture_output=True, text=True, cwd=HOME
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_and_its_rules_are_valid() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    promtool("check", "rules", *RULE_FILES)


def test_rules_that_are_wrong_would_be_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum by (x'}]}]", encoding="utf-8")
    with pytest.raises(AssertionError):
        promtool("check", "rules", broken)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_rules_fire_and_stay_quiet_as_said(path: Path) -> None:
    promtool("test", "rules", path)


def told(path: Path) -> list[dict[str, Any]]:
    tests = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    return [alert for test in tests for alert in test["alert_rule_test"]]


def test_every_alert_is_seen_firing_and_quiet() -> None:
    checks = [check for path in TESTS for check in told(path)]
    fires = {check["alertname"] for check in checks if check["exp_alerts"]}
    quiet = {check["alertname"] for check in checks if not check["exp_alerts"]}
    assert fires == ALERTS.keys()
    assert quiet == ALERTS.keys() - {"StagewatchWatchdog"}


@pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.get("alert") or rule["record"])
def test_what_is_asked_for_exists(rule: dict[str, Any]) -> None:
    assert unknown(rule["expr"]) == set()
    assert asked(rule["expr"]) or rule["expr"] == "vector(1)"


def test_a_series_that_does_not_exist_would_be_found() -> None:
    assert unknown('sum(stagewatch_nothing_total{x="stagewatch_ready"}) by (machine)') == {
        "stagewatch_nothing_total"
    }


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    page = (HOME / "docs" / "operations.md").read_text(encoding="utf-8")
    runbook = page.partition("## Runbook")[2]
    sections = re.findall(r"^### (\w+)$", runbook, re.MULTILINE)
    assert sections == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in SEVERITIES
        said = runbook.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert len(said.split()) > 25
        assert "1. " in said
