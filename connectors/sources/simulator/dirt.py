"""What happens to facts on their way in: repeats, delays, typing errors and their correction, garbage.

The world is clean; here its drafts become records in the order of their arrival. `recordedtime` is added
where a record arrives later than its `time`. Dates without a time, merges and conversions are the
world's own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from connectors.sources.simulator.draft import CRM, Draft, Json
from connectors.sources.simulator.instants import HOUR, MINUTE, midnight
from schemas.time import DAY, SECOND


@dataclass(frozen=True, slots=True)
class DirtMix:
    """Shares of all drafts (or of those of the types named), each drawn by itself. All zero: a clean history.

    duplicates: delivered twice, same id and content. late: calls, visits, reports, payments entered up
    to five days afterwards. orphans: parents (opportunities, contacts, quotes) that arrive hours after
    their children. corrections: of all calls, an outcome mended later. slips: of opportunities, quotes
    and contracts, an amount typed ten times too large and mended later. deletions: of calls, one
    entered by mistake and taken back. garbage: records that no model accepts. strangers: messages and
    visits whose parents never come. future: of calls, dated 37 years ahead.
    """

    duplicates: float = 0.01
    late: float = 0.06
    orphans: float = 0.02
    corrections: float = 0.008
    slips: float = 0.03
    deletions: float = 0.012
    garbage: float = 0.003
    strangers: float = 0.002
    future: float = 0.0003


CLEAN = DirtMix(0, 0, 0, 0, 0, 0, 0, 0, 0)

LATE_TYPES = frozenset(
    {"activity.logged", "visit.completed", "visit.checked_out", "visit.reported", "payment.received"}
)
PARENT_TYPES = frozenset({"opportunity.created", "contact.updated", "quote.created"})
TYPED_AMOUNTS = frozenset({"opportunity.created", "contract.drafted", "quote.created"})


@dataclass(slots=True)
class Intake:
    """Turns drafts into records and hands them out by arrival.

    It has a random source of its own, so the world is the same with and without dirt.
    """

    seed: int
    mix: DirtMix = field(default_factory=DirtMix)
    _rng: Random = field(init=False)
    _queue: list[tuple[int, int, dict[str, Json]]] = field(default_factory=list)
    _count: int = 0
    _extra: int = 0

    def __post_init__(self) -> None:
        self._rng = Random(f"{self.seed}/dirt")

    def take(self, draft: Draft) -> None:
        """Schedule the arrival of a draft and of the dirt that it brings along."""
        arrival = self._arrival(draft)
        happened = draft.time
        if self._mistyped(draft, arrival):
            return
        if draft.day:
            draft.time = midnight(happened)
        record = draft.to_dict(arrival if arrival != draft.time else None)
        self._put(arrival, record)
        if self._draw(self.mix.duplicates):
            self._put(arrival + self._between(SECOND, 2 * DAY), record)
        if draft.type == "activity.logged" and self._draw(self.mix.deletions):
            self._take_back(draft, arrival)
        if draft.type == "activity.logged" and self._draw(self.mix.future):
            self._far_future(draft, arrival)
        if self._draw(self.mix.garbage):
            self._garbage(draft, arrival)
        if self._draw(self.mix.strangers):
            self._stranger(arrival)

    def hand_out(self, until: int) -> Iterator[tuple[int, dict[str, Json]]]:
        """(arrival us, record) of all that arrives up to and including `until`."""
        while self._queue and self._queue[0][0] <= until:
            arrival, _, record = heapq.heappop(self._queue)
            yield arrival, record

    def _arrival(self, draft: Draft) -> int:
        if draft.type in LATE_TYPES and self._draw(self.mix.late):
            return draft.time + min(5 * DAY, round(self._rng.lognormvariate(2.3, 1.0) * HOUR))
        if draft.type in PARENT_TYPES and self._draw(self.mix.orphans):
            return draft.time + self._between(2 * HOUR, 4 * DAY)
        return draft.time

    def _mistyped(self, draft: Draft, arrival: int) -> bool:
        """Enter the draft with a slip and mend it hours later; False when it was entered well."""
        wrong = dict(draft.data)
        if draft.type in TYPED_AMOUNTS and self._draw(self.mix.slips):
            wrong["amount"] = f"{draft.data['amount']}0"
        elif draft.type == "activity.logged" and self._draw(self.mix.corrections):
            wrong["outcome"] = "输入错误"
        else:
            return False
        slip = Draft(draft.id, draft.type, draft.time, draft.subject, wrong)
        self._put(arrival, slip.to_dict(arrival if arrival != draft.time else None))
        mended = arrival + self._between(HOUR, 3 * DAY)
        self._put(mended, self._about(draft, "corrected", mended, draft.data).to_dict())
        return True

    def _take_back(self, draft: Draft, arrival: int) -> None:
        """The same call entered a second time under another id by mistake, and taken back."""
        twin = Draft(self._id(), draft.type, draft.time + MINUTE, draft.subject + "-2", dict(draft.data))
        twin.data["activity"] = twin.subject
        entered = max(arrival, twin.time) + MINUTE
        self._put(entered, twin.to_dict(entered))
        back = entered + self._between(HOUR, 2 * DAY)
        self._put(back, self._about(twin, "deleted", back, {"activity": twin.subject}).to_dict())

    def _about(self, draft: Draft, what: str, at: int, data: dict[str, Json]) -> Draft:
        body = {**data, "event": draft.id}
        return Draft(self._id(), f"{draft.kind}.{what}", at, draft.subject, body)

    def _garbage(self, draft: Draft, arrival: int) -> None:
        record = Draft(self._id(), draft.type, draft.time, draft.subject, dict(draft.data)).to_dict()
        record["id"] = f"bad-{record['id']}"
        self._rng.choice(_SPOILERS)(record)
        self._put(arrival + self._between(SECOND, HOUR), record)

    def _far_future(self, draft: Draft, arrival: int) -> None:
        """A call dated 37 years ahead by a slip of the finger."""
        call = f"{draft.subject}-f"
        ahead = arrival + 37 * 365 * DAY
        slip = Draft(self._id(), draft.type, ahead, call, draft.data | {"activity": call})
        self._put(arrival, slip.to_dict(arrival))

    def _stranger(self, arrival: int) -> None:
        at = arrival + self._between(SECOND, HOUR)
        name = f"{self._rng.randrange(10**6):06d}"
        if self._draw(0.6):
            data: dict[str, Json] = {"message": f"X{name}", "conversation": f"x/{name}", "platform": "wecom"}
            data |= {"external": f"wm-unknown-{name}", "direction": "in"}
            self._put(at, Draft(self._id(), "message.sent", at, f"X{name}", data).to_dict())
        else:
            data = {"visit": f"X{name}", "opportunity": f"unknown-{name}"}
            self._put(at, Draft(self._id(), "visit.planned", at, f"X{name}", data).to_dict())

    def _id(self) -> str:
        self._extra += 1
        return f"dirt-{self._extra:06d}"

    def _put(self, arrival: int, record: dict[str, Json]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (arrival, self._count, record))

    def _draw(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def _between(self, low: int, high: int) -> int:
        return self._rng.randrange(low // SECOND, high // SECOND) * SECOND


def _float_amount(record: dict[str, Json]) -> None:
    """A binary float as money."""
    record.update(type="opportunity.updated", source=CRM, data={"opportunity": "O00001", "amount": 1234.5})


def _no_date(record: dict[str, Json]) -> None:
    record["time"] = "昨天下午"


def _not_a_day(record: dict[str, Json]) -> None:
    record["time"] = "2026-02-30T09:00:00Z"


def _no_entity(record: dict[str, Json]) -> None:
    record.update(type="opportunity.stage_changed", source=CRM, data={"stage": "quote"})


def _list_as_name(record: dict[str, Json]) -> None:
    record.update(type="account.updated", source=CRM, data={"account": "A00001", "name": ["a", "b"]})


def _no_data(record: dict[str, Json]) -> None:
    record["data"] = "null"


def _no_id(record: dict[str, Json]) -> None:
    del record["id"]


_SPOILERS: tuple[Callable[[dict[str, Json]], None], ...] = (
    _float_amount,
    _no_date,
    _not_a_day,
    _no_entity,
    _list_as_name,
    _no_data,
    _no_id,
)
