"""A workspace is moved into a cluster and back: links that were used stay used, no mail goes out twice.

A real mail server counts; people open the links of mails that another place has sent.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from stagewatch.workspace.paths import Workspace
from streams.stores.sqlite_db import Database
from tests.integration.cluster.houses import ClusterHouse, called
from tests.integration.cluster.test_commands import receipts_of
from tests.integration.run.house import House, until
from tests.integration.run.test_run import drafted, links

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

GRANTED, USED = "已记录您的决定", "链接已使用过"


@pytest.fixture
def houses(kafka: Kafka, redis_server: Redis, tmp_path: Path) -> Iterator[tuple[House, ClusterHouse, House]]:
    made = (
        House(tmp_path / "alone"),
        ClusterHouse(tmp_path / "cluster", kafka, redis_server),
        House(tmp_path / "again"),
    )
    yield made
    for house in made:
        house.close()


def approve(house: House, link: str) -> str:
    """What the page says after a click on its button."""
    return house.client.post(link, data={"comment": "fine"}).text


def sent(house: House) -> list[tuple[str, str, str]]:
    """What became of the messages about the one alert, as `explain` says; nothing while it cannot."""
    _, listed, _ = called(house.root, "alerts", "list", "--all", "--json")
    explained = [called(house.root, "explain", one["id"], "--json") for one in json.loads(listed)["alerts"]]
    messages = [one for code, out, _ in explained if code == 0 for one in json.loads(out)["messages"]]
    return sorted((one["id"], one["receiver"], one["state"]) for one in messages)


def move(old: House, new: House, to: str) -> dict[str, int]:
    """Move; what the command says."""
    code, out, err = called(
        old.root, "migrate", "-w", str(old.root), "--to", to, "--into", str(new.root), "--json"
    )
    assert code == 0, err
    found: dict[str, int] = json.loads(out)
    return found


def forget_what_was_told(root: Path) -> None:
    """As if the server had died between the mails and their receipts in the log."""
    database = Database(Workspace.find(root).data)
    database.write("INSERT OR IGNORE INTO outbox_settled SELECT id FROM outbox WHERE state = ?", [("sent",)])
    database.commit()
    database.connection.close()


def test_links_stay_used_and_no_mail_goes_twice(houses: tuple[House, ClusterHouse, House]) -> None:
    alone, cluster, again = houses
    alone.run()
    assert alone.post(drafted()).is_success
    first = links(until(lambda: alone.inbox.to("wang.fang"), "the first mail")[0])[0]
    assert GRANTED in approve(alone, first)
    second = links(until(lambda: alone.inbox.to("qian.ye"), "the second mail")[0])[0]
    until(lambda: all(state == "sent" for *_, state in sent(alone)), "all is sent")
    alone.end()
    forget_what_was_told(alone.root)
    before = sent(alone)
    told = move(alone, cluster, "cluster")
    assert (told["receipts"], told["links"], told["messages"]) == (len(before), 1, 0)
    cluster.run()
    until(lambda: sent(cluster) == before, "the receipts are listed", 60)
    assert USED in approve(cluster, first)
    assert GRANTED in approve(cluster, second)
    until(lambda: len(sent(cluster)) == len(before) + len(cluster.inbox.mails) > len(before), "the result")
    until(lambda: all(state == "sent" for *_, state in sent(cluster)), "it is sent")
    assert len(asyncio.run(receipts_of(cluster.cluster))) == len(before) + len(cluster.inbox.mails)
    after = sent(cluster)
    cluster.worker.stop()
    told = move(cluster, again, "embedded")
    assert (told["receipts"], told["links"]) == (len(after), 2)
    again.run()
    assert sent(again) == after
    assert USED in approve(again, second)
    assert again.inbox.mails == []
    shutil.rmtree(cluster.worker.folder)
