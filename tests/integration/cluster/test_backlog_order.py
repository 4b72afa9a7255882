"""The outcome of a history on a cluster does not depend on how fast each identity partition was.

Quotes and customers come through partitions of their own; what a quote means depends on its customer of then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploy.local.kafka import Kafka
from schemas.canonical import partition_of
from schemas.envelope import decode_event
from schemas.time import DAY, SECOND, format_instant
from streams.kernel.contract import SHARED
from streams.runtimes.memory import entry_of, rule_entry
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS, SINKS
from tests.integration.cluster.scenarios import Outputs, Scenario, Step, in_embedded, in_memory, said
from tests.integration.cluster.trial import Trial, cluster_of

PARTITIONS, CUSTOMERS, VISITS = 3, 8, 6
BEGIN = 1_700_000_000 * SECOND
END = BEGIN + 30 * DAY

RULE = """\
rule: quote-of-the-best
title: Quote of one of the best
watch: quote
when: {event: quote.sent}
where: {field: account.tier, op: eq, value: A}
then: [{notify: {to: ["user:li"]}}]
"""

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(60)]


def entry(name: str, type_: str, at: int, hist: int | None, **data: object) -> Entry:
    record = {
        "specversion": "1.0", "id": name, "source": "crm", "type": type_, "data": data,
        "time": format_instant(at),
    }  # fmt: skip
    return entry_of(decode_event(record, zone=ZoneInfo("UTC")), at, hist=hist)


def history(hist: int | None = END) -> list[Entry]:
    """Customers who rise and fall, and a quote at each of their heights."""
    found = []
    for visit in range(VISITS):
        for n in range(CUSTOMERS):
            at = BEGIN + visit * DAY + n * DAY // 24
            account, tier = f"a{n}", "AB"[(visit + n) % 2]
            found.append(entry(f"u{visit}-{n}", "account.updated", at, hist, account=account, tier=tier))
            quote = {"quote": f"q{visit}-{n}", "account": account, "amount": 7}
            found.append(entry(f"s{visit}-{n}", "quote.sent", at + SECOND, hist, **quote))
    return found


def feed_of(one: Entry) -> int:
    return 0 if one.key == SHARED else partition_of(one.key, PARTITIONS)


async def outputs(trial: Trial, *topics: str) -> Outputs:
    found: Outputs = {}
    for record in await trial.read(*topics):
        found.setdefault((record.topic, record.key), []).append(said(record.value))
    return found


async def imported(kafka: Kafka, folder: Path, feeds: Sequence[int]) -> Outputs:
    """What comes of the history when one feed after the other is worked off as a whole, and the account
    partitions are opened anew in between.
    """
    cluster = cluster_of(kafka.address, folder, "order" + "".join(map(str, feeds)), PARTITIONS)
    async with Trial(cluster) as trial:
        await trial.put(rule_entry("quote-of-the-best", RULE, BEGIN - SECOND))
        for feed in feeds:
            await trial.append(one for one in history() if feed_of(one) == feed)
            await trial.settle()
            await trial.close("account")
            await trial.open("account")
        assert await outputs(trial, ALERTS) == {}
        await trial.advance(END)
        return await outputs(trial, *SINKS)


async def test_a_history_has_one_outcome_whatever_feed_is_ahead(kafka: Kafka, tmp_path: Path) -> None:
    steps: tuple[Step, ...] = (rule_entry("quote-of-the-best", RULE, BEGIN - SECOND), *history(), END)
    (tmp_path / "embedded").mkdir()
    expected = in_embedded(Scenario("history", steps), tmp_path / "embedded", PARTITIONS)
    assert expected == in_memory(Scenario("history", steps), PARTITIONS)
    assert sum(len(values) for (topic, _), values in expected.items() if topic == ALERTS) > VISITS
    orders = ([0, 1, 2], [2, 1, 0])
    found = await asyncio.gather(
        *(imported(kafka, tmp_path / str(n), order) for n, order in enumerate(orders))
    )
    assert found == [expected, expected]
