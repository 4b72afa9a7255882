"""What the dashboards ask Prometheus: panel by panel, as Grafana would. It asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))
WINDOW = "5m"
"""What Grafana's `$__rate_interval` becomes."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel. board: the file's name; unit: Grafana's name of it, or empty."""

    board: str
    panel: str
    unit: str
    expression: str


def queries(path: Path) -> Iterator[Query]:
    """The queries of a dashboard, in the order of its panels."""
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", WINDOW)
            yield Query(path.stem, panel["title"], unit, expression)


def all_queries() -> Iterator[Query]:
    """The queries of all dashboards."""
    for path in FILES:
        yield from queries(path)


_OTHERS = 'alertname=~"Stagewatch.*", alertname!="StagewatchWatchdog", alertstate="firing"'

MAY_BE_EMPTY: Mapping[str, str] = {
    f"sum by (channel) (increase(stagewatch_delivery_alarms_total[{WINDOW}]))": "no channel has met an alarm",
    f"sum by (machine, code) (increase(stagewatch_dead_letters_total[{WINDOW}]))": "nothing was refused",
    "(stagewatch_partition_restored_records / (stagewatch_partition_restore_records > 0))"
    " and (stagewatch_partition_restoring == 1)": "no partition is being restored",
    "max(stagewatch_view_filled_records) / (max(stagewatch_view_fill_records) > 0)": "no list was lost",
    f"ALERTS{{{_OTHERS}}}": "nothing fires",
}
"""Query -> why it has no answer in good health."""
