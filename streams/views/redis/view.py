"""The Redis view: takes transitions, knows whether it is whole, and is filled again from the topics when not.

A marker key says that the view is whole, for one epoch of the log. Flushing Redis, losing its disk or moving
to another epoch takes the marker away: `project` then reports it, one worker claims the filling and hands in
all transitions from the beginning, while everybody goes on projecting and serving what is there. Filling may
be broken off at any point: taking a transition twice changes nothing. Reads no topic and no clock itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import msgspec

from streams.stores.log import Logged
from streams.views.port import KEPT, columns_of, id_of, is_open, is_transition, receivers_of
from streams.views.redis.link import Argument, Link
from streams.views.redis.reader import FORMER, VIEW, index_of

PAGE = 500
"""Transitions of one script: some milliseconds of Redis."""

CLEARED = 1000
"""Keys that are looked at in one go when some are taken away."""

LEASE = 30_000_000
"""How long (us) a filling stays with a worker that is not heard of."""

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Projected:
    """new: transitions that were not known. whole: False when the view must be filled."""

    new: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How the view stands: `done` of `total` records while filling; owner: who fills it."""

    state: Literal["whole", "filling", "lost"]
    done: int = 0
    total: int = 0
    owner: str = ""


class TakenError(Exception):
    """The filling belongs to nobody or to another worker now: Redis was lost again, or the lease ran out."""


class RedisView:
    """`streams.views.port.View` over Redis. epoch: of the positions; may be shared by threads.

    keep: closed items of each topic, those that closed last.

    Example:
        view = RedisView(link, epoch=0)
        if not view.project(batch).whole and (filling := view.begin_filling("w1", now, total=10_000)):
            for page in pages_from_the_beginning:
                filling.page(page, now)
            filling.finish()
    """

    def __init__(self, link: Link, epoch: int, keep: int = KEPT) -> None:
        self._link = link
        self._epoch = epoch
        self._keep = keep

    def project(self, transitions: Iterable[Logged]) -> Projected:
        """Take transitions; a batch of up to PAGE all or none. Records of other topics are passed over.

        Raises:
            StorageError: Redis cannot be reached; hand the same transitions in again.
        """
        return self._project(transitions, "")

    def standing(self) -> Standing:
        """Whether the view is whole, being filled, or lost."""
        state, done, total, owner = self._link.run("marker", VIEW, ["standing", self._epoch])
        if not state:
            return Standing("lost")
        return Standing("filling" if owner else "whole", int(done), int(total), owner.decode())

    def begin_filling(self, owner: str, now: int, total: int) -> Filling | None:
        """Claim the filling; None when the view is whole or another worker fills it. now: us.

        owner: unique among living workers; its own claim of before is taken up again. total: records to come.
        """
        arguments: list[Argument] = ["begin", self._epoch, owner, now, now + LEASE, total]
        return Filling(self, owner) if self._link.run("marker", VIEW, arguments) else None

    def fill(
        self, transitions: Iterable[Logged], owner: str, clock: Callable[[], int], total: int
    ) -> Iterator[Standing]:
        """Fill the view from all transitions, if it needs that and nobody else does; yields the progress.

        Raises:
            TakenError: as `Filling.page`. StorageError: Redis cannot be reached.
        """
        filling = self.begin_filling(owner, clock(), total)
        if filling is None:
            return
        records = iter(transitions)
        while page := list(islice(records, PAGE)):
            filling.page(page, clock())
            yield self.standing()
        filling.clear_former(clock)
        filling.finish()
        yield self.standing()

    def forget(self) -> None:
        """Take the marker away: the view is filled again, over what it holds."""
        self._link.run("marker", VIEW, ["forget", self._epoch])

    def clear(self) -> None:
        """Throw the view away, some keys at a time."""
        self.forget()
        for _ in self._clearing(VIEW):
            pass

    def _clearing(self, begin: str) -> Iterator[None]:
        """Take all keys of such a beginning away; in between, others are served."""
        cursor = b"0"
        while cursor:
            cursor = self._link.run("clear", begin, [cursor, CLEARED])
            yield

    def _project(self, transitions: Iterable[Logged], owner: str) -> Projected:
        records = (_row(record) for record in transitions if is_transition(record))
        new, whole = 0, True
        while True:
            page = list(islice(records, PAGE))
            heads, values = _encode([head for head, _ in page]), [value for _, value in page]
            answer = self._link.run("project", VIEW, [self._epoch, owner, self._keep, heads, *values])
            if answer == -1:
                raise TakenError
            new, whole = new + answer[0], bool(answer[1])
            if len(page) < PAGE:
                return Projected(new, whole)


class Filling:
    """A claimed filling: hand in pages from the beginning of the topics, then finish."""

    def __init__(self, view: RedisView, owner: str) -> None:
        self._view = view
        self._owner = owner

    def page(self, transitions: Iterable[Logged], now: int, count: int | None = None) -> None:
        """Take the next transitions and renew the claim. count: of the page, if not all are transitions.

        Raises:
            TakenError: the claim is lost; begin again from the beginning.
        """
        page = list(transitions)
        self._view._project(page, self._owner)
        self._mark("page", now + LEASE, len(page) if count is None else count)

    def clear_former(self, clock: Callable[[], int]) -> None:
        """Take the keys of former layouts away, as many at a time as `clear`. Raises TakenError as `page`."""
        for begin in FORMER:
            for _ in self._view._clearing(begin):
                self._mark("page", clock() + LEASE, 0)

    def finish(self) -> None:
        """All transitions were handed in: the view is whole. Raises TakenError as `page`."""
        self._mark("finish", 0, 0)

    def _mark(self, what: str, until: int, count: int) -> None:
        view = self._view
        if not view._link.run("marker", VIEW, [what, view._epoch, self._owner, until, count]):
            raise TakenError


def _row(record: Logged) -> tuple[list[object], bytes]:
    """What the script needs to know of a transition, and its value."""
    value, topic = record.value, record.topic
    indexes = ["all", *(index_of(name, found) for name, found in columns_of(topic, value).items())]
    if is_open(topic, value):
        indexes.append("open")
    indexes += sorted(index_of("receiver", receiver) for receiver in receivers_of(value))
    n, at, position = str(int(value["n"])), str(record.at), str(record.position)
    return [topic, id_of(record), n, at, position, "data" in value, indexes], _encode(value)
