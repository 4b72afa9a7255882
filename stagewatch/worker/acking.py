"""Acknowledges messages in the order of their partition, whatever the order in which they are settled.

Faust's own reckoning must not be asked for more: in a partition of which nothing was committed it passes over
what lies before the first acknowledged message, and always over the first message behind the mark of a
transaction. A worker that died then would have lost them. It must not know what a message is.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Spot(Protocol):
    """Where a message is."""

    partition: int
    offset: int


class Acked(Protocol):
    """What came, as of Faust's events."""

    @property
    def message(self) -> Spot:
        """Its place."""
        ...

    def ack(self) -> object:
        """It need not come again, nor what came before it."""
        ...


E = TypeVar("E", bound=Acked)


class InOrder(Generic[E]):
    """Messages of one topic that came and were not acknowledged."""

    def __init__(self) -> None:
        self._open: dict[int, dict[int, E]] = {}
        self._done: set[tuple[int, int]] = set()

    def took(self, event: E) -> None:
        """A message came; those of a partition come in order."""
        spot = event.message
        self._open.setdefault(spot.partition, {})[spot.offset] = event

    def settled(self, event: E) -> None:
        """Nothing is left to do for it. Ignored after `forget`: the message comes again."""
        number = event.message.partition
        waiting = self._open.get(number, {})
        if event.message.offset in waiting:
            self._done.add((number, event.message.offset))
        while waiting and (number, first := next(iter(waiting))) in self._done:
            self._done.discard((number, first))
            waiting.pop(first).ack()

    def forget(self) -> None:
        """Partitions were shared out anew: what was not acknowledged comes again, to whoever has it now."""
        self._open.clear()
        self._done.clear()
