"""Events of an import that were there already are counted, by import, whatever the number of partitions."""

from __future__ import annotations

import pytest

from schemas.time import DAY
from streams.machines.account.repeats import counted
from tests.unit.account.desk import Desk, instant


def known(desk: Desk, hist: str) -> int:
    stores = [store for (machine, _), store in desk.runtime.stores.items() if machine == "account"]
    return counted(stores, instant(hist))


def bring(desk: Desk, hist: str) -> None:
    """An import: two customers, a deal, a correction, a person, an absence."""
    more = {"hist_": hist, "arrives_": hist}
    for number in range(2):
        desk.event("1d", "account.updated", account=f"A{number}", name="x", id_=f"a{number}", **more)
    desk.event("1d", "opportunity.created", opportunity="O1", account="A1", amount=5, id_="o", **more)
    desk.event("2d", "opportunity.corrected", opportunity="O1", event="o", amount=6, id_="c", **more)
    desk.event("1d", "person.updated", person="zhao", id_="p", **more)
    desk.event(
        "1d", "person.away", person="zhao", **{"from": "2026-03-04", "to": "2026-03-05"}, id_="w", **more
    )


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_second_time_everything_is_known(partitions: int) -> None:
    desk = Desk(partitions=partitions)
    for hist, found in (("9d", 0), ("10d", 6), ("11d", 6)):
        bring(desk, hist)
        assert known(desk, hist) == found
    assert known(desk, "10d") == 6


def test_what_is_new_is_not_counted_nor_are_repeats_of_now() -> None:
    desk = Desk()
    bring(desk, "9d")
    desk.event("3d", "lead.created", lead="L1", hist_="10d", arrives_="10d")
    desk.event("1d", "account.updated", account="A1", name="x", id_="a1", arrives_="11d")
    assert known(desk, "10d") == 0


def test_counts_of_old_imports_are_forgotten() -> None:
    desk = Desk()
    for day in range(9, 14):
        bring(desk, f"{day}d")
    assert known(desk, "12d") == known(desk, "13d") == 6
    assert known(desk, "11d") == 0
    assert instant("13d") - instant("11d") > DAY
