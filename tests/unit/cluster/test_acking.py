"""Messages are acknowledged in the order of their partition, each once, when all before it are settled."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from stagewatch.worker.acking import InOrder


@dataclass
class Place:
    partition: int
    offset: int


@dataclass
class Came:
    """A message that notes its acknowledgement in `log`."""

    message: Place
    log: list[tuple[int, int]]

    def ack(self) -> None:
        self.log.append((self.message.partition, self.message.offset))


ORDERS = st.lists(st.integers(1, 2), max_size=12).flatmap(
    lambda numbers: st.tuples(st.just(numbers), st.permutations(range(len(numbers))))
)


@given(ORDERS)
def test_only_what_all_before_is_settled_of_is_acknowledged(order: tuple[list[int], list[int]]) -> None:
    numbers, turns = order
    log: list[tuple[int, int]] = []
    acks: InOrder[Came] = InOrder()
    came = [Came(Place(number, offset), log) for offset, number in enumerate(numbers)]
    for event in came:
        acks.took(event)
    for done, turn in enumerate(turns, 1):
        acks.settled(came[turn])
        settled = set(turns[:done])
        for number in (1, 2):
            offsets = [offset for offset, its in enumerate(numbers) if its == number]
            gap = next((place for place, offset in enumerate(offsets) if offset not in settled), len(offsets))
            assert [offset for its, offset in log if its == number] == offsets[:gap]


def test_what_was_shared_out_anew_comes_again() -> None:
    log: list[tuple[int, int]] = []
    acks: InOrder[Came] = InOrder()
    before, after = Came(Place(0, 5), log), Came(Place(0, 5), log)
    acks.took(before)
    acks.forget()
    acks.settled(before)
    assert not log
    acks.took(after)
    acks.settled(after)
    assert log == [(0, 5)]
