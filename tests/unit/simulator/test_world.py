"""The clean world: nothing is named before it exists, money adds up, and the funnel looks like one."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import cast

from connectors.sources.simulator import Organisation
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.stream import Record
from schemas.time import DAY, parse_instant

Arrivals = list[tuple[int, Record]]
ByType = dict[str, list[Record]]

BORN = {
    "opportunity": "opportunity.created",
    "lead": "lead.created",
    "contract": "contract.drafted",
    "order": "order.placed",
    "contact": "contact.updated",
    "quote": "quote.created",
}


def data(record: Record) -> dict[str, Json]:
    return cast("dict[str, Json]", record["data"])


def moment(record: Record) -> int:
    return parse_instant(str(record["time"]))


def test_nothing_is_named_before_it_exists(clean_year: Arrivals) -> None:
    known: dict[str, set[str]] = {kind: set() for kind in (*BORN, "account")}
    for _, record in clean_year:
        body = data(record)
        if record["type"] == "account.updated":
            aliases = cast("list[dict[str, str]]", body["ids"])
            known["account"] |= {str(body["account"]), *(alias["id"] for alias in aliases)}
        for kind, birth in BORN.items():
            if record["type"] == birth:
                known[kind].add(str(body[kind]))
        for kind, ids in known.items():
            assert kind not in body or body[kind] in ids, record


def test_nobody_unknown_owns_or_does_anything(clean_year: Arrivals) -> None:
    workers = Organisation(7, 25).workers
    for _, record in clean_year:
        for name in ("owner", "by", "person", "deputy"):
            assert data(record).get(name, next(iter(workers))) in workers, record


def test_ids_are_unique_and_arrivals_in_order(clean_year: Arrivals) -> None:
    assert len({(r["source"], r["id"]) for _, r in clean_year}) == len(clean_year)
    times = [arrival for arrival, _ in clean_year]
    assert times == sorted(times)
    assert all(moment(r) == arrival for arrival, r in clean_year if "precision" not in r)


def test_instalments_add_up_to_the_contract(by_type: ByType) -> None:
    for record in by_type["contract.drafted"] + by_type["contract.amended"]:
        parts = cast("list[dict[str, str]]", data(record)["instalments"])
        assert sum(Decimal(p["amount"]) for p in parts) == Decimal(str(data(record)["amount"]))
        assert [p["due_on"] for p in parts] == sorted(p["due_on"] for p in parts)


def test_contracts_above_the_limit_are_signed_off_by_the_cfo(by_type: ByType) -> None:
    cfo = next(w.id for w in Organisation(7, 25).workers.values() if w.role == "cfo")
    asked = {
        cast("dict[str, str]", data(r)["of"])["id"]: cast("list[str]", data(r)["to"])
        for r in by_type["approval.requested"]
    }
    large = [data(r) for r in by_type["contract.drafted"] if Decimal(str(data(r)["amount"])) > 500_000]
    assert len(large) >= 10
    assert all(cfo in asked[str(body["contract"])] for body in large)


def test_visits_are_mostly_reported_within_a_day(by_type: ByType) -> None:
    ended = {data(r)["visit"]: moment(r) for r in by_type["visit.checked_out"] + by_type["visit.completed"]}
    waited = {data(r)["visit"]: moment(r) - ended[data(r)["visit"]] for r in by_type["visit.reported"]}
    in_time = sum(w < DAY for w in waited.values()) / len(ended)
    late = sum(w >= DAY for w in waited.values()) / len(ended)
    assert 0.80 < in_time < 0.92
    assert 0.05 < late < 0.14
    assert in_time + late < 0.99
    assert min(waited.values()) > 0


def test_the_funnel_narrows_as_funnels_do(by_type: ByType) -> None:
    counts = {name: len(records) for name, records in by_type.items()}
    assert 0.42 < counts["lead.qualified"] / counts["lead.created"] < 0.58
    assert 0.65 < counts["lead.converted"] / counts["lead.qualified"] < 0.85
    assert 0.28 < counts["opportunity.won"] / counts["opportunity.created"] < 0.50
    assert counts["opportunity.lost"] > counts["opportunity.won"]
    assert counts["quote.created"] > counts["contract.drafted"] >= counts["contract.signed"]
    assert 0.03 < 1 - counts["quote.approved"] / counts["quote.sent"] < 0.12


def test_the_year_has_all_that_the_rules_watch(by_type: ByType) -> None:
    for name in (
        "account.merged", "account.assigned", "account.released", "account.claimed",
        "lead.converted", "opportunity.reopened", "contract.amended", "contract.renewed",
        "contract.terminated", "quote.revised", "person.away", "payment.received",
        "order.returned", "rate.set", "target.set", "cost.recorded",
    ):  # fmt: skip
        assert by_type[name], name


def test_some_deals_fall_silent_while_open(by_type: ByType) -> None:
    """As the rule of seven days counts: contacts, visits and stages, for deals that were not lost at once."""
    touched: dict[Json, list[int]] = {}
    names = ("opportunity.created", "activity.logged", "visit.completed", "opportunity.stage_changed")
    for name in (*names, "visit.reported", "opportunity.won", "opportunity.lost"):
        for record in by_type[name]:
            touched.setdefault(data(record).get("opportunity"), []).append(moment(record))
    long_enough = [sorted(times) for times in touched.values() if len(times) > 2]
    gaps = [max(after - before for before, after in pairwise(times)) for times in long_enough]
    silent = sum(gap > 14 * DAY for gap in gaps) / len(gaps)
    assert 0.05 < silent < 0.5
