"""Alertmanager's configuration is valid, and sends what is critical another way than the watchdog."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.operations.known import HOME

CONFIG = HOME / "deploy" / "alertmanager" / "alertmanager.yml"


def amtool(*arguments: str) -> str:
    done = subprocess.run(["amtool", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_it_is_valid() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=StagewatchWatchdog", "severity=none"], "watchdog"),
        (["alertname=StagewatchDown", "severity=critical"], "operators"),
        (["alertname=StagewatchDiskLow", "severity=warning"], "operators"),
    ],
)
def test_who_is_told(labels: list[str], receiver: str) -> None:
    assert amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels) == receiver
