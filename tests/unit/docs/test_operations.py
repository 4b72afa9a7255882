"""What the page on clusters says of topics, metrics and settings is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.topics import DAY, TOPICS, Topic, all_topics
from stagewatch.metrics import Metrics
from stagewatch.settings import parse_settings
from stagewatch.worker_metrics import WorkerMetrics

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
SUFFIXES = {"counter": "_total"}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def kept(topic: Topic) -> str:
    if topic.compacted:
        return "the newest of each key"
    days = topic.kept // DAY
    return "for good" if topic.kept < 0 else f"{days} day" + ("s" if days > 1 else "")


def test_the_topics_are_those_of_the_table() -> None:
    told = re.findall(r"^\| `(\S+)` \| (.*?) \| (.*?) \|$", section("Topics"), re.MULTILINE)
    assert told == [(topic.name, topic.key, kept(topic)) for topic in TOPICS]


def test_access_names_only_topics_that_exist_and_leaves_none_out() -> None:
    """That the rights are enough and no more, is tried on a real broker."""
    rows = re.findall(r"^\| (\w+) \| topics? `P` \+ (.*?) \| (\w+) \|$", section("Access"), re.MULTILINE)
    named = {name for _, names, _ in rows for name in re.findall(r"`([\w.]+)`", names)}
    topics = [topic.name for topic in all_topics(("identity", "account", "inbox"), ("identity",))]
    assert [name for name in named if not any(topic.startswith(name) for topic in topics)] == []
    assert [topic for topic in topics if not any(topic.startswith(name) for name in named)] == []
    assert {operation for _, _, operation in rows} == {"Read", "Write"}


def test_every_metric_of_a_worker_is_told_with_its_help() -> None:
    metrics = Metrics("0", process=False)
    shared = {family.name for family in metrics.registry.collect()}
    WorkerMetrics(metrics, partitions=1)
    own = [
        (family.name + SUFFIXES.get(family.type, ""), family.type, family.documentation)
        for family in metrics.registry.collect()
        if family.name not in shared
    ]
    told = re.findall(r"^\| `(stagewatch_\w+)` \| (\w+) \| .*?\| (.*) \|$", PAGE, re.MULTILINE)
    assert told == own


def test_the_settings_shown_can_be_read() -> None:
    shown = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    cluster = parse_settings(shown[1]).need_cluster()
    assert cluster.kafka.encrypted
    assert cluster.redis.encrypted
