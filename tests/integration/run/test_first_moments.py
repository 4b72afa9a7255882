"""Who listens to a server hears its first moments too, and an import's past ends where it began."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sources.simulator import Organisation
from schemas.time import DAY
from stagewatch.demo.past import import_past, make_workspace, write_past
from stagewatch.demo.plan import Plan
from stagewatch.service.server import Run, Server
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.progress import Committed
from streams.stores.log import Logged
from streams.topology import NOTIFICATIONS
from tests.integration.run.house import until

pytestmark = pytest.mark.timeout(60)


async def test_nothing_is_unheard_and_nobody_is_told_of_the_past(tmp_path: Path) -> None:
    org = Organisation(7, 10)
    workspace, settings = make_workspace(tmp_path / "ws", org)
    file = tmp_path / "past.jsonl"
    write_past(file, org, Plan(past=45), lambda *_: None)
    past = import_past(workspace, settings, file, lambda *_: None)
    assert past.told == 0
    assert past.standing["alerts"]

    heard: list[Logged] = []

    def told(batch: Committed) -> None:
        heard.extend(batch.outputs)

    clock = ManualClock(past.ended + 3 * DAY)
    async with Server(workspace, settings, Run(port=0, clock=clock, environment={}, heard=told)):
        until(lambda: [one for one in heard if one.topic == NOTIFICATIONS], "what fell due in three days")

    fired = {
        one.value["alert"]: one.at
        for one in heard
        if one.topic == "alerts" and one.value["state"] == "firing"
    }
    assert {one.value["alert"] for one in heard if one.topic == NOTIFICATIONS} <= fired.keys()
    assert min(fired.values()) > past.ended
