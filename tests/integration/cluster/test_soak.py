"""The soak in short, as `make soak` runs it: workers, Kafka, Redis and the network fail."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cluster.soak.faults import CUT, KINDS, Fault, plan
from tests.integration.cluster.soak.mails import Mail
from tests.integration.cluster.soak.namespace import lacking
from tests.integration.cluster.soak.report import recoveries, told_twice
from tests.integration.cluster.soak.watching import Probe
from tests.integration.cluster.workers import HOME

SHORT = {"seconds": 24, "rate": 120, "beat": 5, "session": 2, "partitions": 3, "trial": 0, "patience": 100}
NOTHING = (
    "events lost",
    "outputs lost",
    "outputs doubled or false",
    "rows and waits that differ",
    "mails lost",
)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_different_whatever_fails(tmp_path: Path) -> None:
    words = [word for name, value in SHORT.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.integration.cluster.soak", *words, "--into", str(tmp_path)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert figures["problems"] == []
    assert {name: figures[name] for name in NOTHING} == dict.fromkeys(NOTHING, 0)
    kinds = set(KINDS) if lacking() is None else set(KINDS) - {CUT}
    assert {kind for kind in kinds if not figures[kind]} == set()
    assert figures["mails"] > 50


def test_every_fault_comes_once_and_a_kill_at_every_beat() -> None:
    planned = plan(600, 15)
    assert [one.kind for one in planned].count("worker killed") == 39
    assert {one.kind for one in planned} == set(KINDS)
    assert {one.kind for one in plan(SHORT["seconds"], SHORT["beat"])} == set(KINDS)
    assert all(later.at - earlier.at >= 2.5 for earlier, later in itertools.pairwise(planned))


def test_a_fault_is_over_when_nothing_is_late_any_more() -> None:
    faults = [Fault("worker killed", "a", 10, 12), Fault("Redis flushed", "", 30, 30)]
    probes = [Probe(8, 8.1), Probe(9.5, 14), Probe(13, 16), Probe(31, 31.2)]
    assert recoveries(probes, faults) == {"worker killed": [6], "Redis flushed": [0]}


@pytest.mark.parametrize(
    ("killed", "receipts", "excused"),
    [(5.2, [], True), (5.2, [5.1], False), (4.5, [], True), (3.0, [], False), (None, [], False)],
)
def test_a_second_mail_is_excused_only_by_a_kill_between_the_250_and_the_receipt(
    killed: float | None, receipts: list[float], excused: bool
) -> None:
    copies = [[Mail("m", "a", 5.0), Mail("m", "b", 9.0)]]
    faults = [] if killed is None else [Fault("worker killed", "a", killed, killed)]
    within, beyond = told_twice(copies, faults, {"m": [*receipts, 9.1]})
    assert (within, beyond) == ((["m"], []) if excused else ([], ["m"]))
