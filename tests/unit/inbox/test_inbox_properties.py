"""Whatever arrives in whatever order: nothing is sent twice, an end is told at most once per firing, all is
exact.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.time import DAY
from streams.machines.inbox.notice import Notice
from tests.unit.inbox.world import HOUR, Inbox, notice

TELLING, ENDING = (
    ["fired", "task", "approval", "reminder"],
    ["resolved", "withdrawn", "voided", "closed", "acted"],
)

arrivals: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    name=st.integers(0, 12).map(str),
    kind=st.sampled_from(TELLING + ENDING),
    alert=st.sampled_from(["a1", "a2"]),
    item=st.sampled_from([None, "k1"]),
    address=st.sampled_from(["li@example.com", None]),
    remind=st.sampled_from([None, "1d", "36h"]),
)
steps = st.lists(st.tuples(arrivals, st.integers(0, 60)), max_size=25)


def named(fields: dict[str, Any]) -> Notice:
    """The notice; its id belongs to its alert, as all ids of notices do."""
    return notice(**fields | {"name": f"{fields['alert']}-{fields['name']}"})


def run(script: list[tuple[dict[str, Any], int]], pieces: int) -> list[dict[str, Any]]:
    """Each arrival, then its hours of time, in so many pieces; all that went out."""
    inbox, out = Inbox(), []
    for fields, hours in script:
        out += inbox.take(named(fields))
        for _ in range(pieces):
            out += inbox.advance(hours * HOUR // pieces)
    assert inbox.errors() == []
    return out


@given(steps)
def test_no_id_goes_out_twice_and_the_clock_may_come_as_often_as_it_likes(
    script: list[tuple[dict[str, Any], int]],
) -> None:
    out = run(script, 1)
    ids = [record["id"] for record in out]
    assert len(set(ids)) == len(ids)
    assert run(script, 5) == out


@given(steps)
def test_an_end_is_told_no_more_often_than_something_was_told(
    script: list[tuple[dict[str, Any], int]],
) -> None:
    told = 0
    for record in run(script, 1):
        if record["reason"] in TELLING:
            told += 1
        elif record["reason"] in ENDING:
            assert told > 0
    assert all(record["address"] for record in run(script, 1))


@given(steps)
def test_after_everything_is_closed_there_is_silence_and_then_nothing_is_kept(
    script: list[tuple[dict[str, Any], int]],
) -> None:
    inbox = Inbox()
    for fields, hours in script:
        inbox.take(named(fields))
        inbox.advance(hours * HOUR)
    inbox.take(*(notice(f"end-{alert}", "closed", alert=alert) for alert in ("a1", "a2")))
    assert inbox.advance(61 * DAY) == []
    assert inbox.store.next_due() is None
    assert list(inbox.store.scan("person:li", "a/a1")) == []
