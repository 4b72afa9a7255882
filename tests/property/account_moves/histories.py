"""Random histories with merges, conversions and re-parentings, and the same ones without any move.

A plan is a list of small numbers; `tell` makes events of it. `settled` names from the start what each
entity names in the end, and the survivor instead of what was merged into it, so that no move is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGIN = 1_772_409_600_000_000
ACCOUNTS = ("A1", "A2", "A3")
DEALS = ("O1", "O2", "O3")
LEADS = ("L1", "L2")

CALL = "{type: activity.logged, where: {field: kind, op: eq, value: call}}"
PROPOSAL = "{type: activity.logged, where: {field: kind, op: eq, value: proposal}}"
KEY = "where: {field: account.tier, op: eq, value: A}"
RICH = "where: {field: amount, op: gte, value: 100}"
TASK = "then: [{task: {to: owner, title: 跟进, due: 2d}}]"
RULES = {
    "stale": f"watch: opportunity\nwhen: {{silent: {{of: [activity.logged], for: 3d}}}}\n{TASK}",
    "stale-key": f"watch: opportunity\nwhen: {{silent: {{of: [{CALL}], for: 2d}}}}\n{KEY}",
    "stale-wide": ("watch: opportunity\nwhen: {silent: {of: [activity.logged], for: 4d, include: account}}"),
    "quiet-account": "watch: account\nwhen: {silent: {of: [activity.logged], for: 2d}}",
    "rich": f"watch: opportunity\nwhen: {{holds: {{for: 1d}}}}\n{RICH}",
    "key": f"watch: opportunity\nwhen: {{holds: {{}}}}\n{KEY}",
    "called": "watch: account\nwhen: {holds: {for: 1d}}\nwhere: {field: calls, op: gte, value: 2}",
    "deal-called": "watch: opportunity\nwhen: {holds: {}}\nwhere: {field: calls, op: gte, value: 2}",
    "quote": f"watch: quote\nwhen: {{event: quote.created}}\n{KEY}",
    "big-quote": (
        "watch: quote\nwhen: {event: quote.created}\nwhere: {field: opportunity.amount, op: gte, value: 100}"
    ),
    "answer": (
        f"watch: opportunity\nwhen: {{missing_after: {{after: {CALL}, expect: {PROPOSAL}, within: 1d}}}}"
    ),
    "stage": "watch: opportunity\nwhen: {enters: [quote]}",
    "lead": f"watch: lead\nwhen: {{silent: {{of: [activity.logged], for: 2d}}}}\n{TASK}",
}


def rule_text(name: str) -> str:
    """The rule as YAML."""
    return f"rule: {name}\ntitle: {name}\n{RULES[name]}\n"


@dataclass(frozen=True)
class Told:
    """One event: us after BEGIN at which it happens and arrives, type, native id, data."""

    time: int
    at: int
    type: str
    native: str
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.type.partition(".")[0]


@dataclass
class Story:
    """Events in order of arrival. merged: account -> the one it was merged into."""

    events: list[Told] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)

    def survivor(self, account: str) -> str:
        """The account that it is in the end."""
        while account in self.merged:
            account = self.merged[account]
        return account


Move = tuple[int, int, int, int, int]
"""What happens, three choices, hours since the last."""

moves = st.tuples(
    st.integers(0, 13), *(st.integers(0, 5) for _ in range(3)), st.sampled_from((0, 0, 1, 5, 11, 30, 50))
)
plans = st.lists(moves, min_size=1, max_size=25)


def tell(plan: Sequence[Move]) -> Story:
    """The history of a plan."""
    story = Story()
    for account in ACCOUNTS:
        story.events.append(Told(0, 0, "account.updated", account, {"account": account, "tier": "B"}))
    at = 0
    for what, a, b, c, hours in plan:
        at += hours * HOUR + 1
        Teller(story, at, a, b, c).tell(what)
    return story


@dataclass
class Teller:
    """Adds one event to a story. b, c: which deal and which lead; late: us before its arrival."""

    story: Story
    at: int
    a: int
    b: int
    c: int

    def tell(self, what: int) -> None:
        """The event of that number; a deal or lead that nobody knows yet is created first."""
        if what in DEALS_FIRST and not self.knows("opportunity", self.deal):
            self.change_deal()
        elif what in LEADS_FIRST and not self.knows("lead", self.lead):
            self.create_lead()
        else:
            TELLERS[what](self)

    @property
    def account(self) -> str:
        return ACCOUNTS[self.a % 3]

    @property
    def deal(self) -> str:
        return DEALS[self.b % 3]

    @property
    def lead(self) -> str:
        return LEADS[self.c % 2]

    def knows(self, kind: str, native: str) -> bool:
        return (kind, native) in self.story.known

    def add(self, type_: str, native: str, late: int = 0, data: Mapping[str, object] | None = None) -> None:
        kind = type_.partition(".")[0]
        self.story.known.add((kind, native))
        self.story.events.append(Told(self.at - late, self.at, type_, native, {kind: native, **(data or {})}))

    def new(self) -> str:
        return f"n{len(self.story.events)}"

    def change_deal(self) -> None:
        end = "updated" if self.knows("opportunity", self.deal) else "created"
        data = {"account": self.account, "amount": 50 + 25 * self.c, "owner": "li"}
        self.add(f"opportunity.{end}", self.deal, data=data)

    def change_stage(self) -> None:
        self.add("opportunity.stage_changed", self.deal, data={"stage": "quote" if self.c % 2 else "offer"})

    def follow_up(self) -> None:
        data = {"opportunity": self.deal, "kind": ("call", "proposal", "demo")[self.c % 3]}
        self.add("activity.logged", self.new(), (0, 0, 7)[self.a % 3] * HOUR, data)

    def call_customer(self) -> None:
        self.add("activity.logged", self.new(), data={"account": self.account, "kind": "call"})

    def call_about_deal_at_customer(self) -> None:
        data = {"account": self.account, "opportunity": self.deal, "kind": "call"}
        self.add("activity.logged", self.new(), data=data)

    def quote(self) -> None:
        self.add("quote.created", self.new(), data={"opportunity": self.deal})

    def rank(self) -> None:
        self.add("account.updated", self.account, data={"account": self.account, "tier": "AB"[self.c % 2]})

    def create_lead(self) -> None:
        self.add("lead.created", self.lead, data={"owner": "li"})

    def call_lead(self) -> None:
        self.add("activity.logged", self.new(), data={"lead": self.lead, "kind": "call"})

    def convert(self) -> None:
        linked = {"opportunity": self.deal} if self.knows("opportunity", self.deal) and self.c > 3 else {}
        self.add("lead.converted", self.lead, data={"account": self.account, **linked})

    def merge(self) -> None:
        account, into, story = self.account, ACCOUNTS[self.b % 3], self.story
        if story.survivor(account) == account and story.survivor(into) != account:
            self.add("account.merged", account, data={"into": into})
            story.merged[account] = into


TELLERS: tuple[Callable[[Teller], None], ...] = (
    Teller.change_deal, Teller.change_deal, Teller.change_stage, Teller.follow_up, Teller.follow_up,
    Teller.follow_up, Teller.call_customer, Teller.call_about_deal_at_customer, Teller.quote, Teller.rank,
    Teller.create_lead, Teller.call_lead, Teller.convert, Teller.merge,
)  # fmt: skip
DEALS_FIRST, LEADS_FIRST = (2, 3, 4, 5, 7, 8), (11, 12)
"""What needs a deal, what needs a lead."""


def settled(story: Story) -> Story:
    """The same history as if everything had named from the start what it names in the end."""
    last = {(e.kind, e.native): story.survivor(e.data["account"]) for e in story.events
            if "account" in e.data and e.kind != "account"}  # fmt: skip
    new = Story()
    for event in story.events:
        account = last.get((event.kind, event.native))
        if event.kind == "account" and (event.native in story.merged or event.type == "account.merged"):
            continue
        named = event if account is None else replace(event, data={**event.data, "account": account})
        new.events.append(named)
    return new


def entries(story: Story) -> list[Any]:
    """What a runtime is given, rules and people first. Events keep the id that they have in the whole
    history.
    """
    given = [rule_entry(name, rule_text(name), BEGIN - DAY) for name in RULES]
    for person, manager in (("li", "wang"), ("wang", None)):
        data = {"person": person, "manager": manager, "mail": f"{person}@example.com", "active": True}
        given.append(_entry(f"p-{person}", "person.updated", BEGIN - DAY, BEGIN - DAY, data))
    for event in story.events:
        name = f"{event.type}-{event.native}-{event.at}"
        given.append(_entry(name, event.type, BEGIN + event.time, BEGIN + event.at, event.data))
    return given


def _entry(name: str, type_: str, time: int, at: int, data: dict[str, Any]) -> Any:
    record = {
        "specversion": "1.0",
        "id": name,
        "source": "crm",
        "type": type_,
        "time": format_instant(time),
        "data": data,
    }
    return entry_of(decode_event(record, zone=ZONE), at)


def run(story: Story, partitions: int) -> MemoryRuntime:
    """A runtime that took the history."""
    runtime = MemoryRuntime(partitions, ZONE)
    runtime.put_all(entries(story))
    return runtime
