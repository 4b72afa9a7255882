"""The dashboards can be provisioned: valid queries about series that exist, panels that do not overlap."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.boards import FILES as BOARDS
from deploy.local.boards import queries
from tests.integration.operations.known import HOME, asked, series, unknown

GRAFANA = HOME / "deploy" / "grafana"
OTHERS = {"ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def board(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def parsed(folder: Path, expressions: list[str]) -> subprocess.CompletedProcess[str]:
    """What promtool says of rules that record these expressions."""
    rules = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file = folder / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    return subprocess.run(
        ["promtool", "check", "rules", str(file)], check=False, capture_output=True, text=True
    )


def test_there_are_the_three() -> None:
    assert [path.stem for path in BOARDS] == ["delivery", "pipeline", "rules"]
    assert len({board(path)["uid"] for path in BOARDS}) == 3


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_query_is_valid_and_about_what_exists(path: Path, tmp_path: Path) -> None:
    found = [query.expression for query in queries(path)]
    done = parsed(tmp_path, found)
    assert done.returncode == 0, done.stdout + done.stderr
    for query in found:
        assert unknown(query) == set(), query
        assert asked(query) or any(name in query for name in OTHERS), query
    assert {name for name in OTHERS if name.startswith("process")} <= series()


def test_a_query_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    assert parsed(tmp_path, ["sum(stagewatch_ready", "1"]).returncode != 0


def test_every_series_of_ours_is_on_a_dashboard() -> None:
    shown: set[str] = set()
    for path in BOARDS:
        for query in queries(path):
            shown |= asked(query.expression)
    by_rules = {"stagewatch_lag_seconds", "stagewatch_watermark_age_seconds", "stagewatch_events_total"}
    families = {
        name.removesuffix("_bucket") for name in series() if not name.endswith(("_sum", "_count", "_info"))
    }
    ours = {name for name in families if name.startswith("stagewatch_")}
    seen = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in shown}
    left_out = {"stagewatch_intake_events_total", "stagewatch_partitions", "stagewatch_rule_matches_total"}
    assert ours - seen - by_rules == left_out


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    aside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not aside and not above


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_stand_side_by_side_and_are_named(path: Path) -> None:
    panels = board(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for one, other in combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_they_ask_the_datasource_that_is_provisioned() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    [source] = provisioned["datasources"]
    for path in BOARDS:
        for panel in board(path)["panels"]:
            for target in panel.get("targets", []):
                assert target["datasource"] == {"type": "prometheus", "uid": source["uid"]}
