"""Twenty times kill -9 during 20,000 events of a whole organisation: nothing lost, nothing twice, nobody told
twice.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.integration.embedded.dump import differences, dump
from tests.integration.embedded.kill_worker import load, work
from tests.integration.embedded.test_kill import KILLS, Victim

STREAM = "tests.integration.faults.office:office"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_kills_leave_rows_alerts_and_mails_of_an_undisturbed_run(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "calm").mkdir()
    victim = Victim(tmp_path / "killed", STREAM, random.Random(3))
    ends = [victim.run(kill=True) for _ in range(KILLS)]
    last = victim.run(kill=False)
    victim.close()
    assert set(ends) == {f"ended {-signal.SIGKILL}"}, "the stream ended before the last kill, or by itself"
    assert last == "ended 0"
    work(tmp_path / "calm", load(STREAM))
    calm = dump(tmp_path / "calm")
    assert calm["dlq"] == []
    assert len(calm["views"]) > 1000
    assert len(calm["log:notifications/0"]) > 1000
    assert differences(calm, dump(tmp_path / "killed")) == {}
