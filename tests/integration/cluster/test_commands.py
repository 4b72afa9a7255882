"""The command line works against a cluster as against a server of one process: one script, the same answers.

Apart from positions, numbers of dead letters and times of day. Real servers on both sides; nothing is sent
but through the command line and HTTP.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from streams.machines.inbox.receipt import KIND as RECEIPT
from streams.runtimes.cluster.config import Cluster
from streams.topology import NOTICES
from tests.integration.cluster.houses import ClusterHouse, called
from tests.integration.cluster.trial import read_all
from tests.integration.run.house import TOKEN, House, event, until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(420)]

PLACES = frozenset({"log", "position", "number", "rejects_file", "dlq"})
NEAR = timedelta(days=3)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CODE = re.compile(r"SW-[A-Z]+-\d+")
RULE = """\
rule: big-contract
title: Big contract
watch: contract
when: {event: contract.drafted}
where: {field: amount, op: gte, value: 900000}
then:
  - notify: {to: [owner]}
  - task: {to: owner, due: 2d, title: Look at it}
"""


def tidy(value: Any) -> Any:
    """Without what is another time of day or another place each time."""
    if isinstance(value, dict):
        return {name: "" if name in PLACES else tidy(found) for name, found in value.items()}
    if isinstance(value, list):
        return [tidy(one) for one in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return "now" if abs(datetime.fromisoformat(value) - datetime.now(UTC)) < NEAR else value
    if isinstance(value, int) and abs(value / 1e6 - time.time()) < NEAR.total_seconds():
        return "now"
    return value


class Script:
    """Speaks to a house and keeps what is answered."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self._folder = house, folder
        self.said: list[tuple[str, Any]] = []

    def tell(self, *words: str, code: int = 0) -> Any:
        """What the command answers, for now."""
        found, out, err = called(self.house.root, *words, "--json")
        assert found == code, f"{words}: {found}\n{out}\n{err}"
        return json.loads(out)

    def ask(self, *words: str, code: int = 0) -> Any:
        """What the command answers is kept."""
        found = self.tell(*words, code=code)
        self.said.append((" ".join(words), tidy(found)))
        return found

    def refused(self, *words: str) -> None:
        """It must be refused; with which codes is kept."""
        code, out, err = called(self.house.root, *words)
        assert code == 1, f"{words}: {out}"
        self.said.append((" ".join(words), CODE.findall(err)))

    def stale(self, command: dict[str, Any]) -> None:
        """What was decided on what is no longer so must be refused."""
        headers = {"Authorization": f"Bearer ops-{TOKEN}"}
        answer = self.house.client.post("/v1/commands", json=command, headers=headers)
        found = answer.json()["errors"][0]
        self.said.append(("stale", (answer.status_code, found["code"], CODE.findall(found["found"]))))

    def known(self, entity: str) -> bool:
        """Whether an event has named it."""
        asked = ("explain", "--rule", "key-account-silent", "--entity", entity)
        return called(self.house.root, *asked, "--json")[0] == 0

    def in_force(self, version: int, state: str = "on") -> None:
        """Wait until the rule of ours is."""

        def there() -> bool:
            rows = self.tell("rules", "list")["rules"]
            return ("big-contract", version, state) in [(r["rule"], r["version"], r["state"]) for r in rows]

        until(there, f"version {version} {state}", 60)

    # -- the script ------------------------------------------------------------------------------------------

    def play(self) -> None:
        rule = self.house.root / "rules" / "big-contract.yaml"
        rule.write_text(RULE, "utf-8")
        self.house.run()
        self.in_force(1)
        self.post_deals()
        self.act()
        self.explain()
        self.letters()
        self.history()
        rule.write_text(RULE.replace("900000", "800000"), "utf-8")
        self.in_force(2)
        rule.write_text(RULE.replace("900000", "800000") + "enabled: false\n", "utf-8")
        self.in_force(3, "off")
        self.ask("rules", "list")
        self.backtest()
        self.ask("rebuild-views")

    def post_deals(self) -> None:
        # what comes at the same instant at two partitions has no order: names first
        names = [event(n, "account.updated", account=f"A{n}", name=f"Acme {n}") for n in (1, 2)]
        assert self.house.post(*names).is_success
        contract = {"contract": "C1", "account": "A1", "owner": "li.lei", "amount": 950000, "currency": "CNY"}
        deals = (
            event(3, "contract.drafted", **contract),
            event(4, "activity.logged", opportunity="O9", kind="call"),
        )
        until(lambda: self.known("account:A1") and self.known("account:A2"), "the customers", 60)
        assert self.house.post(*deals).is_success
        until(
            lambda: len(self.house.listed("approvals")) == 1 and len(self.house.listed("tasks")) == 1, "items"
        )
        until(lambda: len(self.house.inbox.mails) >= 2, "mails", 60)
        self.ask("parked")
        for topic in ("alerts", "tasks", "approvals"):
            self.ask(topic, "list")
        self.ask("alerts", "list", "--rule", "big-contract", "--person", "li.lei", "--entity", "contract:C1")
        self.ask("alerts", "list", "--state", "resolved", "--state", "firing", "--limit", "1")

    def act(self) -> None:
        alert = self.ask("alerts", "list", "--rule", "big-contract")["alerts"][0]["id"]
        self.ask("alerts", "ack", alert[:10], "--by", "li.lei", "--text", "seen")
        self.stale({"command": "resolve", "alert": alert, "by": "li.lei", "seen": 1})
        self.refused("alerts", "ack", "nothing-like-it", "--by", "li.lei")
        task = self.ask("tasks", "list")["tasks"][0]["id"]
        self.ask("tasks", "done", task, "--by", "li.lei")
        self.refused("tasks", "cancel", task, "--by", "li.lei")
        approval = self.ask("approvals", "list")["approvals"][0]
        self.refused("approvals", "approve", approval["id"], "--by", "li.lei")
        self.ask(
            "approvals", "reject", approval["id"], "--by", approval["receivers"][0], "--text", "too dear"
        )
        for topic in ("alerts", "tasks", "approvals"):
            self.ask(topic, "list", "--all")

    def explain(self) -> None:
        alert = self.tell("alerts", "list", "--rule", "big-contract", "--all")["alerts"][0]["id"]

        def delivered() -> bool:
            found = self.tell("explain", alert)["messages"]
            return bool(found) and all(one["state"] == "sent" for one in found)

        until(delivered, "the messages are sent", 60)
        found = self.ask("explain", alert)
        assert found["event"]["log"].startswith("sales.events/")
        self.ask("explain", "--rule", "big-contract", "--entity", "contract:C1")
        self.refused("explain", "--rule", "big-contract", "--entity", "contract:C77")

    def letters(self) -> None:
        bad = event(5, "account.merged", account="A5", into="A5")
        self.house.post(bad)
        until(lambda: self.tell("dlq", "list")["letters"], "the dead letter", 60)
        number = str(self.ask("dlq", "list")["letters"][0]["number"])
        shown = json.loads(called(self.house.root, "dlq", "show", number)[1])
        self.said.append(("dlq show", tidy([shown["error"], shown["record"]["value"]])))
        again = self.tell("dlq", "replay", number, code=1)["failed_again"]
        self.said.append(("dlq replay", [letter["error"]["code"] for letter in again]))
        assert CODE.findall(called(self.house.root, "dlq", "replay", number)[2]) == ["SW-STREAM-026"]
        self.ask("dlq", "list")
        self.ask("dlq", "list", "--all")

    def history(self) -> None:
        mails = len(self.house.inbox.mails)
        path = self._folder / "past.jsonl"
        old = [
            event(10, "quote.created", quote="Q1", account="A2", owner="li.lei"),
            event(11, "contract.drafted", contract="C2", account="A2", owner="li.lei", amount=990000),
            event(12, "opportunity.created", opportunity="O2", account="A2", owner="li.lei", amount=5),
            event(13, "payment.received", payment="P1", amount="much"),
        ]
        lines = [json.dumps({**one, "time": f"2026-01-0{n}T08:00:00Z"}) for n, one in enumerate(old, 1)]
        path.write_text("\n".join([*lines, "no json"]), "utf-8")
        found = self.tell("import", str(path), code=1)
        assert (found["events"], found["known"], found["rejected"], found["told"]) == (3, 0, 2, 0)
        self.said.append(("import", tidy(found)))
        path.write_text("\n".join(lines[:3]), "utf-8")
        assert self.tell("import", str(path))["known"] == 3
        self.ask("alerts", "list", "--account", "A2")
        letters = tidy(self.tell("dlq", "list")["letters"])
        self.said.append(("letters", sorted(letters, key=lambda letter: str(letter["key"]))))
        assert len(self.house.inbox.mails) == mails, "history tells nobody"

    def backtest(self) -> None:
        rule = self._folder / "tried.yaml"
        rule.write_text(RULE.replace("900000", "100"), "utf-8")
        found = self.tell("backtest", "--rules", str(rule), "--workspace", str(self.house.root))
        assert found["alerts"] == 2
        self.said.append(("backtest", tidy({name: found[name] for name in ("rules", "alerts", "lines")})))


@pytest.fixture
def houses(kafka: Kafka, redis_server: Redis, tmp_path: Path) -> Iterator[tuple[House, ClusterHouse]]:
    alone, cluster = House(tmp_path / "alone"), ClusterHouse(tmp_path / "cluster", kafka, redis_server)
    yield alone, cluster
    alone.close()
    cluster.close()


def test_the_same_commands_give_the_same_answers(houses: tuple[House, ClusterHouse], tmp_path: Path) -> None:
    said = []
    for house in houses:
        script = Script(house, tmp_path)
        try:
            script.play()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{house.log()[-4000:]}") from error
        said.append(script.said)
    for alone, cluster in zip(*said, strict=True):
        assert cluster == alone
    books_balance(houses[1])


def books_balance(house: ClusterHouse) -> None:
    """Each mail has one receipt in the log; the dead letters that wait are counted."""
    receipts = asyncio.run(receipts_of(house.cluster))
    assert len(receipts) == len(set(receipts)) == len(house.inbox.mails)
    waiting = "stagewatch_dlq_records 3.0"  # the merge that failed again, and two rows
    until(lambda: waiting in house.client.get("/metrics").text, "the letters are counted", 60)


async def receipts_of(cluster: Cluster) -> list[str]:
    """The messages of all receipts that went to inboxes."""
    return [r.value["message"] async for r in read_all(cluster, [NOTICES]) if r.kind == RECEIPT]
