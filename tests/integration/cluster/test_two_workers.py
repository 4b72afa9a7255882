"""Two workers as people meet them: edits while they run, links and commands while one of them goes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from tests.integration.cluster.houses import ClusterHouse, HouseWorker, called
from tests.integration.run.house import until
from tests.integration.run.test_run import drafted, links

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(180)]

RULE = "rule: small\ntitle: Small\nwatch: contract\nwhen: {{event: contract.drafted}}\n" + (
    "where: {{field: amount, op: lt, value: {value}}}\nthen: [{{notify: {{to: [owner]}}}}]\n"
)


@pytest.fixture
def house(kafka: Kafka, redis_server: Redis, tmp_path: Path) -> Iterator[ClusterHouse]:
    made = ClusterHouse(tmp_path / "ws", kafka, redis_server)
    yield made
    made.close()


@pytest.fixture
def other(house: ClusterHouse) -> Iterator[HouseWorker]:
    """The second worker of the house, running."""
    made = HouseWorker(house.root.with_name("other"), house.root)
    house.run()
    made.start()
    yield made
    if made.running:
        made.stop()


def client(worker: HouseWorker) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://{worker.address}", timeout=20)


def in_force(house: ClusterHouse, *wanted: tuple[str, int]) -> None:
    """Wait until the rules are, in these versions."""

    def there() -> bool:
        code, out, _ = called(house.root, "rules", "list", "--json")
        rows = json.loads(out)["rules"] if code == 0 else []
        return set(wanted) <= {(row["rule"], row["version"]) for row in rows}

    until(there, f"{wanted}", 60)


def asked(house: ClusterHouse, contract: str) -> dict[str, Any]:
    """The approval that a contract waits for."""

    def found() -> dict[str, Any] | None:
        rows = json.loads(called(house.root, "approvals", "list", "--json")[1])["approvals"]
        return next((row for row in rows if row["key"] == contract), None)

    return until(found, f"the approval of {contract}", 60)


def mail_about(house: ClusterHouse, address: str, count: int) -> EmailMessage:
    mails = until(lambda: house.inbox.to(address)[count - 1 :], f"mail {count} to {address}", 60)
    return mails[0]


def receipts_are_there(house: ClusterHouse, contract: str) -> None:
    """A worker that dies between the 250 of a mail and its receipt may send it twice: not what is tested."""
    alert = asked(house, contract)["alert"]

    def there() -> bool:
        code, out, _ = called(house.root, "explain", alert, "--json")
        messages = json.loads(out)["messages"] if code == 0 else []
        return bool(messages) and all(message["state"] == "sent" for message in messages)

    until(there, f"the receipts about {contract}", 60)


def approved(house: ClusterHouse, item: str, by: str) -> None:
    """A person says yes at the command line, and is answered."""
    code, out, err = called(house.root, "approvals", "approve", item, "--by", by, "--json")
    assert code == 0, err
    assert json.loads(out)["status"] == "done"


def test_edits_links_and_commands_while_workers_go(house: ClusterHouse, other: HouseWorker) -> None:
    assert house.post(drafted(1)).is_success
    first = mail_about(house, "wang.fang@example.com", 1)

    # a person's address and a rule are changed while it runs, the rule back at once
    rule = house.root / "rules" / "small.yaml"
    rule.write_text(RULE.format(value=1), "utf-8")
    in_force(house, ("small", 1))
    people = house.root / "people.yaml"
    people.write_text(people.read_text("utf-8").replace("wang.fang@example.com", "wang@example.org"), "utf-8")
    rule.write_text(RULE.format(value=2), "utf-8")
    in_force(house, ("small", 2))
    rule.write_text(RULE.format(value=1), "utf-8")
    in_force(house, ("small", 3))
    assert house.post(drafted(2)).is_success
    mail_about(house, "wang@example.org", 1)

    receipts_are_there(house, "HT1")
    receipts_are_there(house, "HT2")

    # who made the link is killed; it is opened elsewhere while the partitions are taken over
    house.worker.kill()
    with client(other) as web:
        link = links(first)[0]
        assert web.get(link).status_code == 200
        assert web.post(link, data={"comment": "fine"}).is_success
        again = web.post(link, data={"comment": "fine"})
        assert "qian.ye" not in again.text
    mail_about(house, "qian.ye@example.com", 1)
    approved(house, asked(house, "HT2")["id"], "wang.fang")
    mail_about(house, "qian.ye@example.com", 2)

    receipts_are_there(house, "HT1")
    receipts_are_there(house, "HT2")

    # the other one stops in good order while commands come
    house.run()
    going = threading.Thread(target=other.stop)
    going.start()
    for contract in ("HT1", "HT2"):
        approved(house, asked(house, contract)["id"], "qian.ye")
    going.join()

    rows = json.loads(called(house.root, "approvals", "list", "--all", "--json")[1])["approvals"]
    assert sorted((row["key"], row["state"]) for row in rows) == [("HT1", "approved"), ("HT2", "approved")]
    ids = [str(mail["Message-ID"]) for mail in house.inbox.mails]
    assert len(ids) == len(set(ids))
