"""The identity machine in the pipeline: topics, stamps, several partitions."""

from __future__ import annotations

from typing import Any

from streams import topology
from streams.kernel.contract import Record
from streams.machines.identity import names
from streams.machines.identity.machine import IdentityMachine
from streams.machines.keys import kind_of, split_key
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.memory import MemoryStore
from streams.topology import MachineSpec
from tests.unit.identity.cluster import MARCH, SECOND, event
from tests.unit.identity.ledger import Ledger, LedgerKey

PARTITIONS = 4
MACHINES = (
    MachineSpec("identity", IdentityMachine, (*topology.INTAKE, names.RESOLVE)),
    MachineSpec("ledger", lambda _: Ledger(), (names.SALES_EVENTS,), fed_by="identity"),
)


def test_topics_are_those_of_the_topology() -> None:
    assert (names.RESOLVE, names.SALES_EVENTS) == (topology.RESOLVE, topology.SALES_EVENTS)


def run(records: list[tuple[str, dict[str, Any]]]) -> tuple[Pipeline, list[Record]]:
    """The pipeline after these records, and all that flowed between its machines."""
    seen: list[Record] = []
    pipeline = Pipeline(lambda machine, number: MemoryStore(), PARTITIONS, MACHINES)
    pipeline.flow = lambda topic, number, record: seen.append(record)
    for n, (key, value) in enumerate(records):
        assert pipeline.take(Entry("crm.activity", key, "event", value, MARCH + n * SECOND))
    return pipeline, seen


def test_a_year_of_one_customer_ends_at_one_key() -> None:
    records = [
        ("quote:Q1", event("quote.created", "e1", quote="Q1", opportunity="O1")),
        ("lead:L1", event("lead.created", "e2", lead="L1")),
        ("opportunity:O1", event("opportunity.created", "e3", opportunity="O1", lead="L1")),
        ("lead:L1", event("lead.converted", "e4", lead="L1", account="A1", opportunity="O1")),
        ("account:A1", event("account.merged", "e5", account="A1", into="A2")),
        ("quote:Q1", event("quote.sent", "e6", quote="Q1", opportunity="O1")),
    ]
    pipeline, _ = run(records)
    assert pipeline.dead == []
    kept: dict[str, list[str]] = {}
    for part in pipeline.machines["ledger"]:
        state = part.store.get("account:A2", "state", "")
        for entity, ids in LedgerKey.of(state).events.items() if state else ():
            kept[kind_of(entity.replace("|", ":"))] = sorted(ids)
    assert kept == {"quote": ["e1", "e6"], "lead": ["e2", "e4"], "opportunity": ["e3"], "account": ["e5"]}


def test_the_same_input_gives_the_same_records() -> None:
    records = [
        ("lead:L1", event("lead.created", "e2", lead="L1")),
        ("activity:X1", event("activity.logged", "e3", activity="X1", lead="L1")),
        ("lead:L1", event("lead.converted", "e4", lead="L1", account="A1")),
    ]
    first, second = run(records)[1], run(records)[1]
    assert first == second
    assert len(first) > len(records)


def test_keys_are_read_as_they_are_written() -> None:
    assert split_key("opportunity:/a/b") == ("opportunity", "", "a/b")
