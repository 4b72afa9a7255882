"""Ten thousand alerts at once, a rule that matches everything: bounded, in order, and safe to kill midway."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from schemas.time import DAY
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.pipeline import WAITS_PER_TURN
from tests.integration.embedded.dump import differences, dump
from tests.integration.faults.desk import EVERYTHING, STALE, START, Desk, deals, event, person

COUNT = 10_000
BATCHES_BEFORE_KILL = 7


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which 10,000 opportunities fall silent at the same instant."""
    directory = tmp_path_factory.mktemp("armed")
    desk = Desk(directory, [STALE])
    desk.send([person(), *deals(COUNT)])
    assert desk.runtime.armed >= COUNT
    desk.runtime.close()
    return directory


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def fire(directory: Path, batches: list[Committed]) -> None:
    """Seven days later; `batches` takes what each transaction did."""
    desk = Desk(directory, now=START)
    desk.runtime.subscribe(batches.append)
    desk.advance(7 * DAY)
    desk.runtime.close()


class Killing(list[Committed]):
    """Ends this process, without any warning, after some transactions."""

    def append(self, batch: Committed) -> None:
        super().append(batch)
        if len(self) == BATCHES_BEFORE_KILL:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def calm(armed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Committed]]:
    directory = copied(armed, tmp_path_factory.mktemp("calm") / "workspace")
    batches: list[Committed] = []
    fire(directory, batches)
    return directory, batches


def test_ten_thousand_alerts_at_once_come_in_bounded_transactions(calm: tuple[Path, list[Committed]]) -> None:
    batches = calm[1]
    alerts = [out for batch in batches for out in batch.outputs if out.topic == "alerts"]
    mails = [out for batch in batches for out in batch.outputs if out.topic == "notifications"]
    assert len({out.value["alert"] for out in alerts}) == len(alerts) == COUNT
    assert len({out.value["id"] for out in mails}) == len(mails) == COUNT
    assert len(batches) > COUNT // 1000
    assert max(len(batch.outputs) for batch in batches) <= 4 * WAITS_PER_TURN
    assert [batch.entries for batch in batches if batch.entries] == [1], "the position passed the tick once"
    assert {out.value["due"] for out in alerts} == {START + 7 * DAY}


def test_killed_in_the_middle_of_ten_thousand_alerts(
    tmp_path: Path, armed: Path, calm: tuple[Path, list[Committed]]
) -> None:
    directory = copied(armed, tmp_path / "workspace")
    child = os.fork()
    if child == 0:
        fire(directory, Killing())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    desk = Desk(directory, now=START + 7 * DAY)
    assert 0 < len(desk.outputs()) < COUNT
    assert desk.runtime.backlog == 1
    desk.settle()
    assert len(desk.outputs()) == COUNT
    desk.runtime.close()
    assert differences(dump(calm[0]), dump(directory)) == {}


def test_a_rule_that_matches_everything_alerts_for_each_event_and_stops_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [EVERYTHING])
    calls = [
        event(f"a{n}", "activity.logged", START - 1, activity=f"a{n}", opportunity=f"O{n % 100}")
        for n in range(900)
    ]
    desk.send([*deals(100, START - 2), *calls, *calls[:50]])
    alerts = desk.outputs()
    assert [value["state"] for value in alerts].count("firing") == 1000
    assert len({value["alert"] for value in alerts}) == 1000
    assert desk.runtime.backlog == 0
    desk.runtime.close()
    assert dump(tmp_path)["dlq"] == []
