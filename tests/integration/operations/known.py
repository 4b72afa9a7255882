"""Which series there are, and which a query asks for. The queries themselves are Prometheus' affair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stagewatch.metrics import Metrics
from stagewatch.worker_metrics import WorkerMetrics

HOME = Path(__file__).parents[3]
PROMETHEUS = HOME / "deploy" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))

OF_PROMETHEUS = frozenset({"up"})
"""Series that Prometheus makes itself."""

_ENDINGS = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
    "gauge": ("",),
}
_TEXT = re.compile(r'"[^"]*"')
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_MATCHERS = re.compile(r"\{[^}]*\}")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def series() -> set[str]:
    """All series that a process or a worker can show."""
    metrics = Metrics("0")
    WorkerMetrics(metrics, partitions=2)
    return {
        family.name + ending
        for family in metrics.registry.collect()
        for ending in _ENDINGS.get(family.type, ("",))
    }


def rules() -> Iterator[dict[str, Any]]:
    """All rules of all files, in order."""
    for path in RULE_FILES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def recorded() -> set[str]:
    """What the recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def asked(expression: str) -> set[str]:
    """The series that an expression names: ours, and `up`.

    >>> sorted(asked('sum by (topic) (rate(stagewatch_x_total{a="stagewatch_b"}[5m])) / up'))
    ['stagewatch_x_total', 'up']
    """
    bare = _MATCHERS.sub("", _LABELS.sub("", _TEXT.sub('""', expression)))
    names = set(_NAME.findall(bare))
    return {name for name in names if "stagewatch_" in name or name in OF_PROMETHEUS}


def unknown(expression: str) -> set[str]:
    """What an expression asks for and nobody shows."""
    return asked(expression) - series() - recorded() - OF_PROMETHEUS
