"""What only the Redis view has: it may be lost, is noticed to be, and is filled again from the topics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from streams.kernel.contract import StorageError
from streams.stores.log import Logged
from streams.views.redis import Link, RedisView, RedisViewReader
from streams.views.redis.reader import VIEW
from streams.views.redis.view import CLEARED, LEASE, PAGE, Projected, Standing, TakenError
from tests.contract.redis_server import RedisServer, redis_server
from tests.contract.view_contract import RedisHarness, transition

LEFT = "return #redis.call('KEYS', ARGV[1])"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def harness(server: RedisServer) -> Iterator[RedisHarness]:
    made = RedisHarness(server.url)
    yield made
    made.close()


def alerts(number: int) -> list[Logged]:
    return [transition(f"{n:04}", 1, at=1_700_000_000_000_000 + n) for n in range(number)]


def test_a_view_that_nobody_filled_is_lost_until_it_is_filled(harness: RedisHarness) -> None:
    view, now = harness.view, count(1)
    records = alerts(PAGE + 3)
    assert view.standing() == Standing("lost")
    assert view.project(records[:2]) == Projected(2, whole=False)
    steps = list(view.fill(iter(records), "w1", lambda: next(now), len(records)))
    total = len(records)
    assert steps == [
        Standing("filling", PAGE, total, "w1"),
        Standing("filling", total, total, "w1"),
        Standing("whole", total, total),
    ]
    assert view.project(records) == Projected(0, whole=True)
    assert list(view.fill(iter(records), "w2", lambda: 0, total)) == []
    assert harness.reader.count_open("alerts") == total


def test_a_flush_is_noticed_and_filled_while_others_project_and_read(
    harness: RedisHarness, server: RedisServer
) -> None:
    view, records = harness.view, alerts(10)
    assert list(view.fill(records, "w1", lambda: 0, 10))[-1].state == "whole"
    server.command("FLUSHALL")
    late = transition("late", 1, at=1_700_000_000_000_099)
    assert view.project([late]) == Projected(1, whole=False)
    filling = view.begin_filling("w1", 0, 11)
    assert filling is not None
    filling.page(records[:5], 1)
    assert [item.id for item in harness.reader.items("alerts", limit=3)] == ["late", "0004", "0003"]
    assert view.project([transition("0007", 2, "resolved")]) == Projected(1, whole=False)
    filling.page([*records[5:], late], 2)
    filling.finish()
    assert view.standing().state == "whole"
    assert harness.reader.count_open("alerts") == 10
    assert [row["state"] for row in harness.reader.history("alerts", "0007")] == ["firing", "resolved"]


def test_a_flush_during_the_filling_ends_it(harness: RedisHarness, server: RedisServer) -> None:
    filling = harness.view.begin_filling("w1", 0, 4)
    assert filling is not None
    filling.page(alerts(2), 1)
    server.command("FLUSHALL")
    with pytest.raises(TakenError):
        filling.page(alerts(4)[2:], 2)
    assert harness.reader.items("alerts") == []
    with pytest.raises(TakenError):
        filling.finish()
    assert harness.view.standing() == Standing("lost")


def test_one_worker_fills_and_another_takes_over_when_it_is_silent(harness: RedisHarness) -> None:
    view = harness.view
    first = view.begin_filling("w1", 1_000, 4)
    assert first is not None
    first.page(alerts(2), 2_000)
    assert view.begin_filling("w2", 1_999 + LEASE, 4) is None
    second = view.begin_filling("w2", 2_000 + LEASE, 4)
    assert second is not None
    with pytest.raises(TakenError):
        first.page(alerts(2), 2_001 + LEASE)
    second.page(alerts(4), 2_002 + LEASE)
    second.finish()
    assert view.standing() == Standing("whole", 4, 4)


def test_a_worker_that_came_back_takes_up_its_own_claim(harness: RedisHarness) -> None:
    assert harness.view.begin_filling("w1", 0, 4) is not None
    assert harness.view.begin_filling("w1", 1, 4) is not None


def test_another_epoch_is_filled_anew(harness: RedisHarness) -> None:
    list(harness.view.fill(alerts(2), "w1", lambda: 0, 2))
    moved = RedisView(harness.link, epoch=1)
    assert moved.standing() == Standing("lost")
    assert list(moved.fill(alerts(3), "w1", lambda: 0, 3))[-1] == Standing("whole", 3, 3)
    assert harness.view.project([]) == Projected(0, whole=False)


def test_a_forgotten_view_serves_and_is_filled_again(harness: RedisHarness) -> None:
    list(harness.view.fill(alerts(2), "w1", lambda: 0, 2))
    harness.view.forget()
    assert harness.view.standing() == Standing("lost")
    assert harness.reader.count_open("alerts") == 2


def test_clearing_takes_the_keys_of_this_system_only(harness: RedisHarness, server: RedisServer) -> None:
    with Link(server.url, "other") as link:
        RedisView(link, epoch=0).project(alerts(1200))
        harness.view.project(alerts(1200))
        harness.view.clear()
        assert harness.reader.items("alerts") == []
        keys = server.command("KEYS", "*").splitlines()
        assert keys
        assert all(key.startswith("{other}:" + VIEW) for key in keys)
        RedisView(link, epoch=0).clear()


def test_filling_takes_the_keys_of_former_layouts_away_and_no_others(
    harness: RedisHarness, server: RedisServer
) -> None:
    script = "for n = 1, 3 * ARGV[1] do redis.call('SET', KEYS[1] .. n, 'x') end"
    with Link(server.url, "stagewatch") as link:
        for prefix in ("{stagewatch}:view1:", "{other}:view1:", "{stagewatch}:view10:"):
            server.command("EVAL", script, "1", prefix, str(CLEARED))
        renewed = count(1)
        view = RedisView(link, epoch=0)
        assert list(view.fill(alerts(2), "w1", lambda: next(renewed), 2))[-1].state == "whole"
        assert next(renewed) > 9  # Redis was asked for so many keys in several steps
        assert int(server.command("EVAL", LEFT, "0", "{stagewatch}:view1:*")) == 0
        assert int(server.command("EVAL", LEFT, "0", "{stagewatch}:view10:*")) == 3 * CLEARED
        assert int(server.command("EVAL", LEFT, "0", "{other}:view1:*")) == 3 * CLEARED
        assert RedisViewReader(link).count_open("alerts") == 2


def test_a_batch_that_failed_half_way_can_be_handed_in_again(
    harness: RedisHarness, server: RedisServer
) -> None:
    index = "{acme}:" + VIEW + "z:alerts:severity=critical"
    server.command("SET", index, "no index")
    batch = [*alerts(3), transition("bad", 1, severity="critical")]
    with pytest.raises(StorageError):
        harness.view.project(batch)
    server.command("DEL", index)
    assert harness.view.project(batch).new == 1
    assert [item.id for item in harness.reader.items("alerts", severity="critical")] == ["bad"]
    assert harness.reader.count_open("alerts") == 4


def test_a_redis_that_is_away_is_a_storage_fault_and_comes_back() -> None:
    with redis_server() as server, Link(server.url, "acme") as link:
        view, reader = RedisView(link, epoch=0), RedisViewReader(link)
        list(view.fill(alerts(1), "w1", lambda: 0, 1))
        server.stop()
        with pytest.raises(StorageError):
            view.project(alerts(2))
        with pytest.raises(StorageError):
            reader.items("alerts")
        server.start()
        assert view.project(alerts(2)) == Projected(2, whole=False)
        assert reader.count_open("alerts") == 2
