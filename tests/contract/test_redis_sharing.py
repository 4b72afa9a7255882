"""Claims, rate limits, members and entities in a real Redis; time is an argument, so none of it waits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import pytest

from streams.kernel.contract import StorageError
from streams.views.redis import Link, RedisView, RedisViewReader
from streams.views.redis.entities import Change, Entity, RedisEntities
from streams.views.redis.sharing import Bucket, Claims, Members
from tests.contract.redis_server import RedisServer, redis_server
from tests.contract.view_contract import transition

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def link(server: RedisServer) -> Iterator[Link]:
    server.command("FLUSHALL")
    with Link(server.url, "acme") as made:
        yield made


def test_a_claim_is_one_owners_until_it_ends(link: Link) -> None:
    claims = Claims(link, "delivery")
    assert claims.claim("m1", "w1", NOW + SECOND, NOW)
    assert claims.claim("m1", "w1", NOW + 2 * SECOND, NOW)
    assert not claims.claim("m1", "w2", NOW + 3 * SECOND, NOW + 2 * SECOND - 1)
    assert claims.claim("m1", "w2", NOW + 3 * SECOND, NOW + 2 * SECOND)
    assert not claims.claim("m1", "w1", NOW + 9 * SECOND, NOW + 2 * SECOND)
    assert Claims(link, "links").claim("m1", "w1", NOW + SECOND, NOW)


def test_a_released_claim_is_free_and_only_its_owner_releases_it(link: Link) -> None:
    claims = Claims(link, "delivery")
    claims.claim("m1", "w1", NOW + SECOND, NOW)
    assert not claims.release("m1", "w2")
    assert claims.release("m1", "w1")
    assert not claims.release("m1", "w1")
    assert claims.claim("m1", "w2", NOW + SECOND, NOW)


def test_claims_of_a_kind_are_listed_with_their_ends(link: Link) -> None:
    claims = Claims(link, "links")
    Claims(link, "delivery").claim("m1", "w1", NOW + SECOND, NOW)
    claims.end("w9")
    wanted = {f"l{number}": NOW + number for number in range(1200)}
    for ident, until in wanted.items():
        claims.claim(ident, "w1", until, NOW)
    assert dict(claims.standing()) == wanted
    assert list(Claims(link, "lin*").standing()) == []


def test_claims_of_an_owner_that_has_ended_are_free(link: Link) -> None:
    claims = Claims(link, "delivery")
    claims.claim("m1", "w1", NOW + 60 * SECOND, NOW)
    claims.claim("m2", "w2", NOW + 60 * SECOND, NOW)
    claims.end("w1")
    assert not claims.claim("m2", "w3", NOW + 60 * SECOND, NOW)
    assert claims.claim("m1", "w3", NOW + 60 * SECOND, NOW)
    assert not claims.claim("m1", "w2", NOW + 60 * SECOND, NOW)


def test_redis_forgets_old_claims(link: Link, server: RedisServer) -> None:
    Claims(link, "delivery").claim("m1", "w1", NOW + 60 * SECOND, NOW)
    left = int(server.command("PTTL", "{acme}:claim:delivery:m1"))
    assert 650_000 < left <= 660_000


def test_of_many_at_once_one_gets_the_claim(link: Link) -> None:
    claims = Claims(link, "delivery")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: claims.claim("m", f"w{n}", NOW + SECOND, NOW), range(40)))
    assert won.count(True) == 1


def test_a_bucket_gives_its_burst_and_then_its_rate(link: Link) -> None:
    bucket = Bucket(link, "email", per_second=2, burst=3)
    assert [bucket.take(NOW) for _ in range(5)] == [0, 0, 0, 500_000, 500_000]
    assert bucket.take(NOW + 499_999) == 1
    assert bucket.take(NOW + 500_000) == 0
    assert bucket.take(NOW + 500_000, count=3) == 1_500_000
    assert bucket.take(NOW + 60 * SECOND, count=3) == 0
    assert bucket.take(NOW + 60 * SECOND) == 500_000


def test_workers_share_a_bucket_and_a_slow_clock_gains_nothing(link: Link, server: RedisServer) -> None:
    with Link(server.url, "acme") as other:
        ahead, behind = Bucket(link, "email", 1, 2), Bucket(other, "email", 1, 2)
        assert ahead.take(NOW + 60 * SECOND) == 0
        assert behind.take(NOW) == 0
        assert behind.take(NOW + SECOND) == SECOND
        assert ahead.take(NOW + 61 * SECOND) == 0
    assert Bucket(link, "sms", 1, 2).take(NOW) == 0


def test_many_at_once_never_take_more_than_there_is(link: Link) -> None:
    bucket = Bucket(link, "email", per_second=0.1, burst=7)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: bucket.take(NOW), range(40)))
    assert waits.count(0) == 7


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5)])
def test_a_bucket_that_could_never_give_is_refused(link: Link, rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="rate above 0"):
        Bucket(link, "x", rate, burst)
    with pytest.raises(ValueError, match="3 of at most 2"):
        Bucket(link, "x", 1, 2).take(NOW, count=3)


def test_who_announces_itself_is_alive_until_it_ends_or_leaves(link: Link) -> None:
    members = Members(link)
    members.announce("w2", {"url": "http://127.0.0.1:2", "roles": ["machines"]}, NOW + 5)
    members.announce("w1", {"url": "http://127.0.0.1:1"}, NOW + 5)
    members.announce("w1", {"url": "http://127.0.0.1:9"}, NOW + 9)
    assert members.alive(NOW) == {
        "w1": {"url": "http://127.0.0.1:9"},
        "w2": {"url": "http://127.0.0.1:2", "roles": ["machines"]},
    }
    assert list(members.alive(NOW + 5)) == ["w1"]
    members.leave("w1")
    assert members.alive(NOW) == {}


def change(at: int, place: int, home: str = "account:A", row: dict[str, object] | None = None) -> Change:
    return Change("opportunity", "O1", home, at, place, row)


def test_the_latest_change_of_an_entity_stands_in_whatever_order(link: Link) -> None:
    changes = [
        change(NOW, 7, row={"s": "lead"}),
        change(NOW, 8, row={"s": "quote"}),
        change(NOW + 5, 9, row={"s": "contract"}),
        change(NOW + 5, 10),  # moved away: the old home deletes it
        change(NOW + 5, 2, home="account:B", row={"s": "won"}),  # and the new one writes it
    ]
    for number, order in enumerate(permutations(changes)):
        entities = RedisEntities(link)
        moved = [Change("opportunity", f"O{number}", c.home, c.at, c.place, c.row) for c in (*order, *order)]
        assert 2 <= entities.project(moved) <= 5
        right = Entity("opportunity", f"O{number}", "account:B", NOW + 5, {"s": "won"})
        assert entities.get("opportunity", f"O{number}") == right
    assert RedisEntities(link).of("account:A") == []


def test_a_deleted_entity_is_gone_and_an_old_row_does_not_bring_it_back(link: Link) -> None:
    entities = RedisEntities(link)
    assert entities.project([change(NOW, 1, row={"s": "lead"}), change(NOW + 1, 2)]) == 2
    assert entities.project([change(NOW, 1, row={"s": "lead"})]) == 0
    assert (entities.get("opportunity", "O1"), entities.of("account:A")) == (None, [])
    entities.project([change(NOW + 2, 3, row={"s": "new"})])
    assert [entity.row for entity in entities.of("account:A")] == [{"s": "new"}]


def test_the_entities_of_an_account_by_pages(link: Link) -> None:
    entities = RedisEntities(link)
    names = [("lead", "x"), ("opportunity", "1"), ("opportunity", "2"), ("visit", "客")]
    entities.project(
        Change(kind, name, "account:A", NOW, n, {"n": n}) for n, (kind, name) in enumerate(names)
    )
    found, after = [], None
    while page := entities.of("account:A", limit=3, after=after):
        found += page
        after = (page[-1].kind, page[-1].id)
    assert [(entity.kind, entity.id, entity.row["n"]) for entity in found] == [
        (kind, name, n) for n, (kind, name) in enumerate(names)
    ]


def test_no_redis_is_a_storage_fault_and_tells_no_password() -> None:
    options = {"password": "hunter2", "username": "worker"}
    link = Link("unix:///nowhere/redis.sock", "acme", options)
    with link, pytest.raises(StorageError) as caught:
        Claims(link, "delivery").claim("m", "w", 2, 1)
    assert "hunter2" not in str(caught.value) + repr(link)


def test_a_login_is_needed_where_redis_wants_one(server: RedisServer) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    told = re.search(r"ACL SETUSER stagewatch on >SECRET ~\{stagewatch\}:\* (.*)", page)
    assert told is not None
    server.command("ACL", "SETUSER", "worker", "on", ">hunter2", "~{acme}:*", *told[1].split())
    with Link(server.url, "acme", {"username": "worker", "password": "hunter2"}) as link:
        assert Claims(link, "delivery").claim("m", "w", 2, 1)
        assert Bucket(link, "email", 1, 1).take(NOW) == 0
        Members(link).announce("w1", {}, NOW)
        view = RedisView(link, epoch=0)
        assert list(view.fill([transition("a", 1)], "w1", lambda: 0, 1))[-1].state == "whole"
        assert [item.id for item in RedisViewReader(link).items("alerts")] == ["a"]
        assert RedisEntities(link).project([change(NOW, 1, row={})]) == 1
        view.clear()
    with Link(server.url, "acme", {"username": "worker", "password": "wrong-one"}) as wrong:
        with pytest.raises(StorageError) as caught:
            Claims(wrong, "delivery").claim("m", "w", 2, 1)
        assert "wrong-one" not in str(caught.value)
    foreign = Link(server.url, "other", {"username": "worker", "password": "hunter2"})
    with foreign, pytest.raises(StorageError):
        Claims(foreign, "delivery").claim("m", "w", 2, 1)
