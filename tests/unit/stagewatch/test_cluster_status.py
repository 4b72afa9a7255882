"""What the status of a cluster makes of its workers' answers: added up; owners, gaps and restores named."""

from __future__ import annotations

from typing import Any

import pytest

from stagewatch.commands.clusterstatus import gathered, tell
from stagewatch.metrics import SECOND, Metrics
from stagewatch.service.asking import Answer, Samples, read_samples
from stagewatch.settings import ClusterSettings
from stagewatch.worker_metrics import WorkerMetrics
from streams.runtimes.cluster.telling import Stand

NOW = 1_700_000_000 * SECOND
ONE, TWO, GONE = "http://10.0.0.1:8421", "http://10.0.0.2:8421", "http://10.0.0.3:8421"
WHOLE = {"state": "whole", "done": 9, "total": 9, "owner": "", "open": {"alerts": 4}}


def stand(machine: str, partition: int, state: str = "running", *, lag: int = 0, age: int = 0) -> Stand:
    return Stand(machine, partition, state, NOW - age * SECOND, 30, 120, lag, 1, 0, 5)


def answer(url: str, *stands: Stand, dead: int = 0, failed: int = 0, ready: bool = True) -> Answer:
    metrics = Metrics("0", process=False)
    told = WorkerMetrics(metrics, partitions=2)
    told.stands(stands, NOW)
    for _ in range(dead):
        metrics.dead("identity", "SW-EVENT-001")
    metrics.delivery("email", "delivered", 0.1)
    for _ in range(failed):
        metrics.delivery("email", "failed", 0.1)
        metrics.alarm("email", True)
    body, _ = metrics.render()
    reasons = () if ready else ("Kafka is away and the outbox is full",)
    return Answer(url, ready, reasons, ("3 entries wait in the outbox",), read_samples(body.decode()))


def found(*answers: Answer, lists: dict[str, Any] | None = None) -> dict[str, Any]:
    about = {ONE: {"url": ONE, "roles": ["machines", "views"]}}
    return gathered(ClusterSettings(prefix="acme", partitions=2), answers, about, lists or WHOLE)


def both() -> dict[str, Any]:
    first = answer(
        ONE, stand("account", 0, lag=40, age=7), stand("identity", 0), stand("identity", 1), dead=2
    )
    second = answer(TWO, stand("account", 1, "restoring", lag=5, age=90), failed=1, ready=False)
    return found(first, second, Answer(GONE, problem="Connection refused"))


def test_machines_are_added_up_over_workers() -> None:
    account = both()["machines"]["account"]
    assert account == {
        "partitions": 2,
        "owners": {"0": ONE, "1": TWO},
        "unowned": [],
        "restoring": [{"partition": 1, "worker": TWO, "done": 30, "total": 120}],
        "backlog": 45,
        "lag_seconds": 90,
        "watermark_age_seconds": 90,
        "held_keys": 2,
    }


def test_what_nobody_has_is_named() -> None:
    machines = both()["machines"]
    assert machines["identity"]["unowned"] == []
    assert machines["inbox"] == {
        "partitions": 2, "owners": {}, "unowned": [0, 1], "restoring": [], "backlog": 0, "lag_seconds": None,
        "watermark_age_seconds": None, "held_keys": 0,
    }  # fmt: skip


def test_the_rest_is_added_up() -> None:
    whole = both()
    assert (whole["cluster"], whole["waits"], whole["dead_letters"]) == ("acme", 20, 2)
    assert whole["deliveries"] == {"delivered": 2, "failed": 1}
    assert whole["channels_in_alarm"] == ["email"]
    assert whole["lists"] == WHOLE


def test_each_worker_says_how_it_is() -> None:
    first, second, gone = both()["workers"]
    assert first == {
        "url": ONE, "roles": ["machines", "views"], "ready": True, "reasons": [], "problem": None,
        "warnings": ["3 entries wait in the outbox"], "partitions": {"account": 1, "identity": 2},
    }  # fmt: skip
    assert (second["ready"], second["roles"]) == (False, [])
    assert (gone["problem"], gone["ready"], gone["partitions"]) == ("Connection refused", None, {})


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["Cluster acme", "not ready", "no answer: Connection refused", "1 (25%)", "90.0 s", "whole"]),
        ("zh", ["集群 acme", "未就绪", "无响应: Connection refused", "1 (25%)", "完整", "需要管理员的渠道"]),
    ],
)
def test_people_are_told(capsys: pytest.CaptureFixture[str], language: Any, says: list[str]) -> None:
    tell(both(), language)
    text = capsys.readouterr().out
    for part in (*says, "machines, views", "Kafka is away and the outbox is full", "alerts 4", "email"):
        assert part in text, part


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({"state": "filling", "done": 1, "total": 4, "owner": "w1", "open": {}}, "being filled 25%, w1; 0"),
        ({"state": "away", "problem": "Redis: no route"}, "Redis is away: Redis: no route"),
        ({"state": "lost", "done": 0, "total": 0, "owner": "", "open": {"alerts": 0}}, "lost; alerts 0"),
    ],
)
def test_lists_that_are_not_whole(
    capsys: pytest.CaptureFixture[str], lists: dict[str, Any], says: str
) -> None:
    tell(found(answer(ONE), lists=lists), "en")
    assert says in capsys.readouterr().out


def test_samples_are_summed_and_compared() -> None:
    text = 'stagewatch_a{x="1",y="p"} 2\nstagewatch_a{x="1",y="q"} 5\nstagewatch_a{x="2",y="p"} 1\nother 9\n'
    samples = Samples(read_samples(text))
    assert (samples.total("stagewatch_a"), samples.greatest("stagewatch_a")) == (8, 5)
    assert samples.by("stagewatch_a", "x") == {"1": 7, "2": 1}
    assert samples.greatest_by("stagewatch_a", "x") == {"1": 5, "2": 1}
    assert (samples.total("other"), samples.greatest("stagewatch_b")) == (None, None)
