"""Two situations that always happen in the demo, whatever its seed, arranged by events of their own.

Decided by link: a contract above the limit is drafted; each approver's mail is opened and its form is sent;
it is signed, and as it ends soon, its renewal becomes a task.
Late report: a visit ends without a report, the alert fires, then the report of that day is entered.
What becomes of them is up to the rules; a story only waits for it and notes each step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from connectors.sources.simulator import Organisation
from schemas.time import DAY, SECOND, format_instant
from stagewatch.demo.mailbox import Mail
from stagewatch.demo.sender import Record, Sender

ACCOUNT: Final = "A-DEMO"
CONTRACT: Final = "HT-DEMO"
VISIT: Final = "W-DEMO"
NAME: Final = "上海远景示范科技有限公司"
HOUR: Final = 3600 * SECOND
TERM: Final = 20 * DAY
"""So soon the contract ends that its renewal is due at once."""
SEEN_SECONDS: Final = 1.5
"""So long a step stays to be read before the next one."""

T = TypeVar("T")
Tell = Callable[[str, str], None]
"""Who, and the name of the words for what he does."""


@dataclass(slots=True)
class Story:
    """Steps and how far it has come; facts for the summary. `wake` is called after whatever happens."""

    name: str
    steps: tuple[str, ...]
    done: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    _happened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """It has come to its end."""
        return self.done == len(self.steps)

    def step(self, name: str) -> None:
        """A step was taken."""
        self.done = max(self.done, self.steps.index(name) + 1)

    def wake(self) -> None:
        """Something happened."""
        self._happened.set()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until something is found, and true; it is returned."""
        while not (value := found()):
            self._happened.clear()
            await self._happened.wait()
        return value

    async def state(self, name: str) -> None:
        """Wait until the alert is in that state."""
        await self.until(lambda: self.facts.get("state") == name)


@dataclass(slots=True)
class World:
    """What stories see and may do. now: the workspace's clock, us."""

    sender: Sender
    now: Callable[[], int]
    tell: Tell
    post: Callable[[Sequence[Record]], Awaitable[None]]
    mails: list[Mail]


class Stories:
    """Both stories. `transition` and `wake` tell them what happened; `run` plays them."""

    def __init__(self, org: Organisation) -> None:
        self.decide = Story("decide", ("drafted", "asked", "first", "second", "end", "task"))
        self.late = Story("late", ("visit", "fired", "mailed", "report", "end"))
        team = org.teams[0]
        self._rep, self._visitor = team.reps[0], team.reps[-1]

    @property
    def all(self) -> tuple[Story, Story]:
        """In the order of the screen."""
        return self.decide, self.late

    def own(self, value: Mapping[str, Any]) -> bool:
        """Whether a transition belongs to a story."""
        return (value["entity"], value["key"]) in (("contract", CONTRACT), ("visit", VISIT))

    def about(self, mail: Mail) -> bool:
        """Whether a mail does."""
        return mail.alert in (self.decide.facts.get("alert"), self.late.facts.get("alert"))

    def transition(self, topic: str, value: Mapping[str, Any]) -> None:
        """A state change of an alert, task or approval."""
        if not self.own(value):
            return
        story = self.decide if value["entity"] == "contract" else self.late
        if topic == "alerts" and story.facts.get("alert", value["alert"]) == value["alert"]:
            story.facts |= {name: str(value[name]) for name in ("alert", "rule", "state", "reason")}
        if topic != "alerts":
            story.facts[topic.removesuffix("s")] = str(value["state"])
        story.wake()

    def wake(self) -> None:
        """A mail arrived."""
        for story in self.all:
            story.wake()

    async def run(self, world: World) -> None:
        """Play both to their ends."""
        account = {"account": ACCOUNT, "name": NAME, "tier": "A", "owner": self._rep}
        await world.post([_event(world, 0, "account.updated", **account)])
        async with asyncio.TaskGroup() as group:
            group.create_task(self._late(world))
            group.create_task(self._decide(world))

    # -- decided by the links of mails ---------------------------------------------------------------------

    async def _decide(self, world: World) -> None:
        story = self.decide
        await asyncio.sleep(2 * SEEN_SECONDS)
        ends = format_instant(world.now() + TERM)[:10]
        contract = {"contract": CONTRACT, "version": 1, "account": ACCOUNT, "owner": self._rep}
        money = {"amount": "680000", "currency": "CNY", "ends_on": ends, "name": "试点项目合同"}
        await world.post([_event(world, 1, "contract.drafted", **contract, **money)])
        story.step("drafted")
        opened = 0
        for step in ("first", "second"):
            mail = await story.until(partial(self._asked, world, opened))
            story.step("asked")
            await asyncio.sleep(SEEN_SECONDS)
            await self._answer(world, mail)
            opened = world.mails.index(mail) + 1
            story.step(step)
        await story.state("resolved")
        story.step("end")
        await asyncio.sleep(SEEN_SECONDS)
        signed = {"contract": CONTRACT, "version": 1, "signed_on": format_instant(world.now())[:10]}
        await world.post([_event(world, 4, "contract.signed", **signed)])
        await story.until(lambda: story.facts.get("task"))
        story.step("task")

    def _asked(self, world: World, first: int) -> Mail | None:
        """The next mail of the contract's alert that has a link to agree."""
        alert = self.decide.facts.get("alert")
        mails = world.mails[first:]
        return next((mail for mail in mails if mail.alert == alert and mail.approve is not None), None)

    async def _answer(self, world: World, mail: Mail) -> None:
        """Open the link (which decides nothing), then send its form."""
        link, sender = mail.approve or "", world.sender
        opened = await sender.open(link)
        world.tell(mail.to, "opens")
        answered = await sender.answer(link, "同意 / agreed")
        self.decide.facts.setdefault("links", []).append({"by": mail.to, "get": opened, "post": answered})

    # -- withdrawn by a late report ------------------------------------------------------------------------

    async def _late(self, world: World) -> None:
        story = self.late
        ended = world.now()
        about = {"visit": VISIT, "account": ACCOUNT, "by": self._visitor}
        await world.post([_event(world, 2, "visit.checked_out", **about)])
        story.step("visit")
        await story.state("firing")
        story.step("fired")
        await story.until(lambda: any(mail.alert == story.facts["alert"] for mail in world.mails))
        story.step("mailed")
        await asyncio.sleep(2 * SEEN_SECONDS)
        written = ended + 3 * HOUR
        entered = world.now()
        world.tell(self._visitor, "reports")
        report = _event(world, 3, "visit.reported", **about, outcome="客户有意向，下周报价")
        report |= {"time": format_instant(written), "recordedtime": format_instant(entered)}
        await world.post([report])
        story.step("report")
        story.facts |= {"happened": report["time"], "entered": report["recordedtime"]}
        await story.state("withdrawn")
        story.step("end")


def _event(world: World, number: int, type_: str, **data: Any) -> Record:
    return {
        "specversion": "1.0",
        "id": f"demo-{number}",
        "source": "crm/simulated",
        "type": type_,
        "time": format_instant(world.now()),
        "data": data,
    }
