"""What the benches feed in: mixed events of a sales organisation, believable sets of rules. Seeded, no clock.

The rules are copies of the shipped packs, one per region, tier, stage or threshold, as an organisation writes
them: their conditions discriminate. Nothing is measured here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import yaml

from connectors.sources.simulator.bench import bench_events
from schemas.envelope import Event, decode_event
from schemas.time import SECOND, parse_instant
from streams.kernel.contract import SHARED, SHARED_CHANGE
from streams.runtimes.memory import entry_of, rule_entry, settings_entry
from streams.runtimes.pipeline import Entry

START = parse_instant("2026-01-05T00:00:00Z")
"""Business time (us) of the first event."""

STEP = 10 * SECOND
"""Between two events (us): at 2,000 accounts each has about four events a day."""

ACCOUNTS = 2_000
REGIONS = ("华东", "华南", "华北", "华中", "西南", "东北")
TIERS = "SABC"
STAGES = ("opportunity", "quote", "contract")
LARGEST = 900_000
REPS = 97
TEAMS = 10
ZONE = ZoneInfo("Asia/Shanghai")

PATIENCE = "14d"
"""After which an approval asks again: nobody in the stream decides any, a day would be a flood."""

Doc = dict[str, Any]
Leaf = dict[str, object]
Rules = list[tuple[str, str]]
"""(rule id, its YAML text)."""


# -- events ----------------------------------------------------------------------------------------------


def events(
    count: int, accounts: int = ACCOUNTS, *, seed: int = 7, step: int = STEP, known: bool = False
) -> Iterator[Event]:
    """Mixed events, `step` us apart; accounts carry a region, and large amounts are rare as in life."""
    for number, raw in enumerate(bench_events(count, accounts, seed, known=known)):
        event = decode_event(raw, zone=ZONE)
        data = event.data
        if event.type == "account.updated":
            data = {**data, "region": region_of(data["account"])}
        elif "amount" in data:
            data = {**data, "amount": str(int(data["amount"]) ** 3 // LARGEST**2)}
        yield msgspec.structs.replace(event, time=START + number * step, data=data)


def region_of(account: str) -> str:
    """The region of an account of the mix."""
    return REGIONS[int(account[1:]) % len(REGIONS)]


def entries(count: int, accounts: int = ACCOUNTS, *, seed: int = 7, known: bool = False) -> list[Entry]:
    """The events as entries that arrive at their own time. known: see `bench_events`."""
    return [entry_of(event, event.time) for event in events(count, accounts, seed=seed, known=known)]


def opening_entries(account: int, deals: int = 1) -> list[Entry]:
    """An account and its opportunities as entries."""
    return [entry_of(event, event.time) for event in opening(account, deals)]


def opening(account: int, deals: int = 1) -> list[Event]:
    """An account and its opportunities, at the beginning."""
    name, rep = f"A{account}", f"rep{account % REPS}"
    data = {
        "account": name,
        "name": name,
        "tier": TIERS[account % 4],
        "region": region_of(name),
        "owner": rep,
    }
    found = [Event(f"a-{account}", "bench", "account.updated", START, data)]
    for deal in range(deals):
        data = {
            "opportunity": deal_of(account, deal),
            "account": name,
            "amount": str(1000 * (deal % 300 + 1)),
            "stage": "opportunity",
            "owner": rep,
            "name": name,
        }
        found.append(Event(f"o-{account}-{deal}", "bench", "opportunity.created", START, data))
    return found


def deal_of(account: int, deal: int = 0) -> str:
    """The id of an account's opportunity; the first one is that of the mix."""
    return f"O{account}" if deal == 0 else f"O{account}-{deal}"


# -- what everybody shares -------------------------------------------------------------------------------


def directory() -> list[Entry]:
    """Settings, directors of the regions, managers of the teams and the reps, in force from the beginning."""
    return [
        settings_entry({"zone": "Asia/Shanghai", "currency": "CNY"}, 0),
        *(_person(data) for data in people()),
    ]


def people() -> list[Doc]:
    """Everybody, as the data of `person.updated`."""
    found = [_worker(f"dir{n}", ["sales_director"], region=region) for n, region in enumerate(REGIONS)]
    found.append(_worker("cfo", ["cfo"]))
    for team in range(TEAMS):
        place = {"region": REGIONS[team % len(REGIONS)], "manager": f"dir{team % len(REGIONS)}"}
        found.append(_worker(f"mgr{team}", ["sales_manager"], team=f"team{team}", **place))
    for rep in range(REPS):
        team = rep % TEAMS
        place = {"region": REGIONS[team % len(REGIONS)], "manager": f"mgr{team}"}
        found.append(_worker(f"rep{rep}", ["sales_rep"], team=f"team{team}", **place))
    return found


def people_file() -> str:
    """The people as a workspace's `people.yaml`."""
    return yaml.safe_dump({"people": people()}, allow_unicode=True, sort_keys=False)


def _worker(name: str, roles: list[str], **more: str) -> Doc:
    return {"person": name, "name": name, "mail": f"{name}@example.com", "roles": roles, **more}


def _person(data: Doc) -> Entry:
    event = {"id": f"p-{data['person']}", "src": "bench", "type": "person.updated", "time": 0, "data": data}
    return Entry("commands", SHARED, SHARED_CHANGE, {"what": "person", "event": event}, 0)


def rules_in(rules: Sequence[tuple[str, str]]) -> list[Entry]:
    """Entries that put rules in force from the beginning."""
    return [rule_entry(rule, text, 0) for rule, text in rules]


# -- rules -----------------------------------------------------------------------------------------------


def packs() -> dict[str, Doc]:
    """The shipped rules: id -> document."""
    found: dict[str, Doc] = {}
    for entry in sorted(files("rules").joinpath("packs").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml") and not entry.name.endswith(".test.yaml"):
            for doc in yaml.safe_load_all(entry.read_text(encoding="utf-8")):
                found[doc["rule"]] = doc
    return found


def rules(count: int) -> Rules:
    """0, up to 10 (the shipped ones), 100 (the mix) or a multiple of 100 (the mix for each team)."""
    if count <= 10:
        return [(name, text_of(doc)) for name, doc in packs().items()][:count]
    mix = [doc for docs in _mix() for doc in docs]
    if count == len(mix):
        return [(doc["rule"], text_of(doc)) for doc in mix]
    copies = [
        _variant(doc, f"t{team}", [_eq("owner.team", f"team{team}")])
        for team in range(count // len(mix))
        for doc in mix
    ]
    return [(doc["rule"], text_of(doc)) for doc in copies]


def _mix() -> Iterator[list[Doc]]:
    """Ninety-four copies of the packs and six of a rule on stages: a hundred, over all triggers."""
    pack = packs()
    for number, region in enumerate(REGIONS):
        here, there = _eq("account.region", region), f"r{number}"
        yield [
            _silent(pack["stale-opportunity"], f"{there}-{stage}", days, [here, _eq("stage", stage)])
            for stage, days in zip(STAGES, (7, 10, 14), strict=True)
        ]
        yield [
            _variant(
                pack["key-account-silent"], f"{there}-{tier}", [_eq("region", region), _eq("tier", tier)]
            )
            for tier in "SA"
        ]
        yield [
            _variant(pack["contract-over-500k"], f"{there}-large", [here, _gt("amount", 700_000)]),
            _variant(pack["contract-over-500k"], f"{there}-small", [here, _eq("account.tier", "C")]),
            _variant(pack["quote-needs-manager"], f"{there}-s", [here, _gt("amount", 800_000)]),
            _variant(pack["quote-needs-manager"], f"{there}-c", [here, _eq("account.tier", "C")]),
            _variant(pack["quote-sent-unapproved"], there, [here]),
            _variant(pack["visit-report-24h"], there, [here, _eq("account.tier", "S")]),
            _entering(there, here),
        ]
        yield [
            _variant(pack["large-deal-decisive"], f"{there}-{stage}", [here, _eq("stage", stage)])
            for stage in ("quote", "contract")
        ]
    for tier in TIERS:
        here = _eq("account.tier", tier)
        yield [_variant(pack[name], tier, [here]) for name in ("contract-ending", "instalment-due")]
        yield [
            _variant(pack["instalment-overdue"], tier, [here]),
            _variant(pack["visit-report-24h"], f"{tier}-east", [here, _eq("account.region", REGIONS[0])]),
        ]


def _entering(name: str, here: Leaf) -> Doc:
    return {
        "rule": f"enters-contract-{name}",
        "title": "商机进入合同阶段",
        "watch": "opportunity",
        "when": {"enters": "contract"},
        "where": {"all": [here, _gt("amount", 600_000)]},
        "then": [{"notify": {"to": ["owner.manager"], "via": ["email"]}}],
    }


def _silent(doc: Doc, name: str, days: int, more: list[Leaf]) -> Doc:
    made = _variant(doc, name, more)
    made["when"]["silent"]["for"] = f"{days}d"
    return made


def _variant(doc: Doc, name: str, more: list[Leaf]) -> Doc:
    """A copy of a rule with a name of its own and further conditions."""
    made = copy.deepcopy(doc)
    made["rule"] = f"{doc['rule']}-{name}".lower()
    old = [doc["where"]] if "where" in doc else []
    made["where"] = {"all": [*copy.deepcopy(old), *more]}
    for action in made["then"]:
        if "approval" in action:
            action["approval"]["timeout"] = PATIENCE
    return made


def _eq(field: str, value: str) -> Leaf:
    return {"field": field, "op": "eq", "value": value}


def _gt(field: str, value: int) -> Leaf:
    return {"field": field, "op": "gt", "value": value}


def text_of(doc: Doc) -> str:
    """The rule as YAML."""
    return yaml.safe_dump(doc, allow_unicode=True, sort_keys=False)
