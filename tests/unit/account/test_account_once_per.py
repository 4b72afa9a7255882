"""`once_per`: one alert per rule and record in a length of time, or as long as it stands."""

from __future__ import annotations

from tests.unit.account.desk import Desk
from tests.unit.account.test_account_life import BIG, CALLED, amount, call, deal


def test_once_per_spares_and_is_free_again_exactly_then() -> None:
    desk = Desk(CALLED + "once_per: 3d\n")
    deal(desk)
    for at in ("1d", "2d", "4d - 1us", "4d", "5d"):
        call(desk, at)
    assert [(when, state) for when, state, _ in desk.story()] == [
        ("1d", "firing"), ("2d", "suppressed"), ("3d 23h 59m 59s 999999us", "suppressed"), ("4d", "firing"),
        ("5d", "suppressed"),
    ]  # fmt: skip
    assert len(desk.notices("fired")) == 2


def test_once_per_episode_spares_as_long_as_the_alert_stands() -> None:
    desk = Desk(CALLED + "once_per: episode\n")
    deal(desk)
    for at in ("1d", "2d"):
        call(desk, at)
    first = desk.rows("alerts")[0]
    assert desk.command("3d", "ack", first, by="li")["ok"]
    call(desk, "4d")
    assert desk.command("5d", "resolve", first, by="li", seen=None)["ok"]
    for at in ("6d", "7d"):
        call(desk, at)
    assert [(when, state) for when, state, _ in desk.story()] == [
        ("1d", "firing"), ("2d", "suppressed"), ("3d", "acknowledged"), ("4d", "suppressed"),
        ("5d", "resolved"), ("6d", "firing"), ("7d", "suppressed"),
    ]  # fmt: skip
    assert len(desk.notices("fired")) == 2


def test_once_per_episode_is_what_holds_does_by_itself() -> None:
    stories = []
    for text in (BIG, BIG + "once_per: episode\n"):
        desk = Desk(text)
        deal(desk)
        for at, value in (("1d", 200), ("2d", 1), ("3d", 300), ("4d", 100)):
            amount(desk, at, value)
        stories.append(desk.story())
    assert stories[0] == stories[1]
    assert [(when, state) for when, state, _ in stories[1]] == [
        ("0d", "firing"), ("2d", "resolved"), ("3d", "firing"),
    ]  # fmt: skip
