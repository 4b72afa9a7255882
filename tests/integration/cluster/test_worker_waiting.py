"""A worker that waits for Kafka ends when it is told to; its logs hide the passwords of the cluster."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from stagewatch.commands.running import secrets_of
from stagewatch.settings import load_settings
from stagewatch.workspace.paths import Workspace
from tests.integration.cluster.workers import Worker, workspace
from tests.integration.run.house import until

NOWHERE = "127.0.0.1:1"

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def test_a_worker_that_waits_for_kafka_ends_when_told(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "a", workspace(tmp_path / "ws", "w", NOWHERE, 1))
    worker.start()
    try:
        until(lambda: "Kafka is waited for" in worker.log.read_text("utf-8"), "it waits for Kafka")
        worker.signal(signal.SIGTERM)
        until(lambda: not worker.running, "its end", worker.seconds_to_stop)
    finally:
        worker.kill()


def test_the_passwords_of_the_cluster_never_stand_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace(workspace(tmp_path / "ws", "w", NOWHERE, 1))
    monkeypatch.setenv("STAGEWATCH_KAFKA_PASSWORD", "kafka-hunter2")
    monkeypatch.setenv("STAGEWATCH_REDIS_PASSWORD", "redis-hunter2")
    assert {"kafka-hunter2", "redis-hunter2"} <= set(secrets_of(place, load_settings(place.settings)))
