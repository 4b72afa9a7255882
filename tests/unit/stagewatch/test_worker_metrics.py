"""What a worker tells Prometheus: one series per partition that it has, none for those it gave away."""

from __future__ import annotations

from schemas.errors import StreamError
from stagewatch.metrics import SECOND, Metrics
from stagewatch.worker_metrics import WorkerMetrics
from streams.kernel.contract import Record
from streams.kernel.driver import Dead
from streams.runtimes.cluster.telling import Done, Stand
from streams.views.redis.view import Standing

NOW = 1_700_000_000 * SECOND


def worker() -> WorkerMetrics:
    return WorkerMetrics(Metrics("0", process=False), partitions=8)


def value(told: WorkerMetrics, name: str, **labels: str) -> float | None:
    found: float | None = told.metrics.registry.get_sample_value(f"stagewatch_{name}", labels)
    return found


def stand(partition: int, machine: str = "account", state: str = "running", **more: int) -> Stand:
    numbers = {"clock": NOW - 2 * SECOND, "restored": 7, "restore_end": 9, "lag": 0, "held": 1,
               "sweeping": 1, "armed": 3, **more}  # fmt: skip
    return Stand(machine, partition, state, **numbers)


def test_partitions_and_their_machine() -> None:
    told = worker()
    slow = stand(2, lag=40, clock=NOW - 9 * SECOND)
    told.stands([stand(0), slow, stand(1, "identity", "restoring", clock=-1)], NOW)
    place = {"machine": "account", "partition": "2"}
    assert value(told, "partition_owned", **place) == 1
    assert value(told, "partition_backlog_records", **place) == 40
    assert value(told, "partition_watermark_age_seconds", **place) == 9
    assert value(told, "partition_restoring", **place) == 0
    restoring = {"machine": "identity", "partition": "1"}
    assert value(told, "partition_restoring", **restoring) == 1
    assert value(told, "partition_restored_records", **restoring) == 7
    assert value(told, "partition_restore_records", **restoring) == 9
    assert value(told, "partition_watermark_age_seconds", **restoring) == 0
    assert value(told, "lag_seconds", machine="account") == 9
    assert value(told, "watermark_age_seconds", machine="account") == 9
    assert value(told, "held_keys", machine="account") == 2
    assert value(told, "backlog_records", topic="account") == 40
    assert value(told, "waits_armed") == 9
    assert value(told, "partitions") == 8


def test_a_clock_that_stands_without_records_is_age_and_not_lag() -> None:
    told = worker()
    told.stands([stand(0), stand(1, clock=NOW - 60 * SECOND)], NOW)
    assert value(told, "lag_seconds", machine="account") == 0
    assert value(told, "watermark_age_seconds", machine="account") == 60


def test_a_partition_that_was_given_away_leaves_no_series() -> None:
    told = worker()
    told.stands([stand(0), stand(1)], NOW)
    told.stands([stand(0), stand(1, state="closed")], NOW)
    assert value(told, "partition_owned", machine="account", partition="0") == 1
    assert value(told, "partition_owned", machine="account", partition="1") is None
    assert value(told, "partition_restore_records", machine="account", partition="1") is None
    told.stands([], NOW)
    assert value(told, "partition_owned", machine="account", partition="0") is None
    assert value(told, "waits_armed") == 0


def test_a_batch_its_refusals_and_its_transaction() -> None:
    told = worker()
    refused = Dead(Record("sales.events", "account:1", "event", {}, NOW), StreamError("SW-STREAM-012"))
    told.done(Done("account", 1, 12, [], [refused], ["SW-EVENT-001"], [SECOND], 0.02), {"alerts": 4})
    told.transaction("account", "fenced")
    assert value(told, "events_total", topic="alerts") == 4
    assert value(told, "batch_records_sum") == 12
    assert value(told, "dead_letters_total", machine="account", code="SW-STREAM-012") == 1
    assert value(told, "dead_letters_total", machine="account", code="SW-EVENT-001") == 1
    assert value(told, "wait_lateness_seconds_sum") == 1
    assert value(told, "transactions_total", machine="account", result="committed") == 1
    assert value(told, "transactions_total", machine="account", result="fenced") == 1


def test_the_view_and_the_servers() -> None:
    told = worker()
    told.view(Standing("filling", 30, 100, "w1"))
    told.server("redis", up=True)
    told.server("kafka", up=False)
    assert value(told, "view_whole") == 0
    assert value(told, "view_filled_records") == 30
    assert value(told, "view_fill_records") == 100
    assert value(told, "server_up", server="redis") == 1
    assert value(told, "server_up", server="kafka") == 0
    assert told.warnings == [
        "kafka does not answer",
        "the lists in Redis are not whole: filling, 30 of 100 records",
    ]
    told.server("kafka", up=True)
    told.view(Standing("whole", 100, 100))
    assert told.warnings == []
    assert value(told, "view_whole") == 1


def test_a_partition_that_is_opened_again_and_again_is_told_of_until_it_commits_or_goes() -> None:
    told = worker()
    for place in (("account", 1), ("inbox", 0)):
        for _ in range(3):
            assert told.warnings == [w for w in told.warnings if not w.startswith(f"{place[0]}-")]
            told.stuck(*place, "no room")
    assert told.warnings == ["account-1 does not get on: no room", "inbox-0 does not get on: no room"]
    told.done(Done("account", 1, 1, [], [], [], [], 0.1), {})
    assert told.warnings == ["inbox-0 does not get on: no room"]
    told.owned([("account", 1)])
    assert told.warnings == []
