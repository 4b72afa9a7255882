"""Workers under load and a real Prometheus: all that is asked is answered, an alert goes all its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Set
from pathlib import Path

import pytest
import yaml

from connectors.sources.simulator import Organisation, history
from deploy.local.__main__ import workspace
from deploy.local.boards import MAY_BE_EMPTY, all_queries
from deploy.local.process import NotStartedError
from deploy.local.site import Site
from deploy.local.watching import Prometheus
from schemas.time import DAY
from stagewatch.demo.past import make_workspace
from stagewatch.demo.sender import Sender
from stagewatch.workspace.rulefiles import read_rules
from tests.integration.operations.known import asked, recorded, rules

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(150)]

TOKEN = "t0ken-of-senders-0123456789abcdef"
ALERT = "StagewatchDown"
RULES = "stagewatch_rules_active"
SECONDS = 60.0

NO_SUCH_SERIES = {
    "stagewatch_dead_letters_total": "nothing was refused",
    "stagewatch_delivery_alarm": "no channel has met an alarm",
}
"""Series of rules that are not there in good health, and why."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What `make cluster` starts, for the people of the simulator."""
    folder = tmp_path_factory.mktemp("site")
    made = Site(folder, 2, {"STAGEWATCH_TOKENS": f"test={TOKEN}"}, {ALERT: "2s"})
    make_workspace(made.workspace, Organisation(7, 10))
    workspace(made, 2)
    with made:
        yield made


@pytest.fixture
async def loaded(site: Site) -> Site:
    """The same, when its rules are in force, a month of events has come in and mails have gone out."""
    count = len(read_rules([site.workspace / "rules"]).rules)
    soon(lambda: {"rules"} - {"rules" for _ in site.prometheus.query(f"min({RULES}) >= {count}")})
    now = time.time_ns() // 1000
    records = list(history(Organisation(7, 10), now - 30 * DAY, now))
    urls = [worker.url for worker in site.workers.values()]
    async with Sender(urls, TOKEN) as sender:
        posted = await sender.post(records)
    assert len(posted.taken) > 500
    soon(lambda: {"mails"} - {"mails" for _ in site.mail.mails()})
    return site


def soon(missing: Callable[[], Set[str]]) -> None:
    """Wait until nothing is missing any more."""
    deadline = time.monotonic() + SECONDS
    while found := missing():
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def unanswered(prometheus: Prometheus) -> set[str]:
    """Queries of dashboards and names of recording rules without any data."""
    wanted = {query.expression for query in all_queries()} | recorded()
    return {expression for expression in wanted if not prometheus.query(expression)}


async def test_all_that_is_asked_has_answers_and_an_alert_arrives(loaded: Site) -> None:
    prometheus, alertmanager, mail = loaded.prometheus, loaded.alertmanager, loaded.mail
    soon(lambda: unanswered(prometheus) - MAY_BE_EMPTY.keys())
    named = {name for rule in rules() if "alert" in rule for name in asked(rule["expr"])}
    assert {name for name in named if not prometheus.query(name)} <= NO_SUCH_SERIES.keys()
    assert prometheus.health() == {rule.get("alert") or rule["record"]: "ok" for rule in rules()}
    soon(lambda: prometheus.firing() ^ {"StagewatchWatchdog"})  # a scrape may once have been too slow

    next(iter(loaded.workers.values())).kill()
    soon(lambda: {ALERT} - prometheus.firing())
    soon(lambda: {ALERT} - alertmanager.alerts())
    soon(lambda: {ALERT} - {word for one in mail.mails() for word in str(one["Subject"]).split()})


def test_only_queries_that_there_are_may_be_empty() -> None:
    assert MAY_BE_EMPTY.keys() <= {query.expression for query in all_queries()}


def test_an_alert_can_be_hurried(tmp_path: Path) -> None:
    Prometheus(tmp_path, ["127.0.0.1:1"], "127.0.0.1:2", {ALERT: "3s"}).prepare()
    written = [
        rule
        for path in (tmp_path / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]
    changed = [rule for rule in written if rule not in list(rules())]
    assert [(rule["alert"], rule["for"]) for rule in changed] == [(ALERT, "3s")]
    assert len(written) == len(list(rules()))


def test_an_alert_that_there_is_not_cannot_be_hurried(tmp_path: Path) -> None:
    with pytest.raises(NotStartedError, match="StagewatchUp"):
        Prometheus(tmp_path, [], "127.0.0.1:2", {"StagewatchUp": "3s"}).prepare()
