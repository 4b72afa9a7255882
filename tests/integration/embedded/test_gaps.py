"""A workspace that was down for days: reminders are made up for once, also those of approvals; replays
agree.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from schemas.envelope import decode_event
from schemas.time import DAY, format_instant
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import entry_of, rule_entry
from tests.unit.account.desk import START, ZONE

RULE = """
rule: big
title: 大合同
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500}
then:
  - notify: {to: ["user:li"]}
  - approval: {of: amount, chain: [{any: ["user:wang"]}], timeout: 2d}
remind: 1d
"""


def opened(path: Path, now: int) -> EmbeddedRuntime:
    return EmbeddedRuntime(path, clock=ManualClock(now), partitions=2)


def work(runtime: EmbeddedRuntime) -> None:
    """As the worker of a server does: what is there, then time."""
    while not runtime.process().idle or runtime.tick():
        pass


def send(runtime: EmbeddedRuntime, number: int, type_: str, at: int, **data: object) -> None:
    record = {
        "specversion": "1.0", "id": f"e{number}", "source": "crm", "type": type_, "data": data,
        "time": format_instant(at),
    }  # fmt: skip
    runtime.append([entry_of(decode_event(record, zone=ZONE), 0)])
    work(runtime)


def begun(path: Path) -> EmbeddedRuntime:
    """Two people, a rule, a contract; then two days pass while it runs."""
    clock = ManualClock(START)
    runtime = EmbeddedRuntime(path, clock=clock, partitions=2)
    for number, person in enumerate(("li", "wang")):
        send(runtime, number, "person.updated", START, person=person, mail=f"{person}@k.example")
    runtime.append([rule_entry("big", RULE, 0)])
    send(runtime, 9, "contract.drafted", START, contract="C1", account="A1", amount=600, currency="CNY")
    for _ in range(48):
        clock.advance(DAY // 24)
        work(runtime)
    return runtime


def told(runtime: EmbeddedRuntime, after: int = -1) -> list[tuple[str, str, int]]:
    """(receiver, reason, day of logical time) of what went out."""
    found = runtime.poll_outputs("notifications", after)
    return [(r.value["receiver"], r.value["reason"], (r.value["at"] - START) // DAY) for r in found]


def test_missed_reminders_are_made_up_for_once(tmp_path: Path) -> None:
    runtime = begun(tmp_path)
    before = told(runtime)
    assert Counter((person, reason) for person, reason, _ in before) == {
        ("li", "fired"): 1, ("li", "reminder"): 2, ("wang", "approval"): 1, ("wang", "reminder"): 1,
    }  # fmt: skip
    runtime.close()

    runtime = opened(tmp_path, START + 13 * DAY)
    work(runtime)
    assert told(runtime, len(before) - 1) == [("wang", "reminder", 12), ("li", "reminder", 13)]
    runtime.close()

    runtime = opened(tmp_path, START + 13 * DAY + DAY // 2)
    work(runtime)
    assert len(told(runtime)) == len(before) + 2
    runtime.close()


def test_an_event_that_comes_before_the_first_tick_changes_nothing(tmp_path: Path) -> None:
    runtime = begun(tmp_path)
    before = len(told(runtime))
    runtime.close()
    runtime = opened(tmp_path, START + 13 * DAY)
    send(runtime, 10, "contract.drafted", START + 13 * DAY, contract="C2", account="A1", amount=1)
    assert told(runtime, before - 1) == [("wang", "reminder", 12), ("li", "reminder", 13)]
    runtime.close()


def test_while_it_runs_no_gap_is_seen(tmp_path: Path) -> None:
    runtime = begun(tmp_path)
    kinds = {record.kind for record in runtime.poll_outputs("intake", limit=10_000)}
    assert "tick" in kinds
    runtime.close()
    runtime = opened(tmp_path, START + 2 * DAY + 300_000_000)
    work(runtime)
    assert all(
        record.value[1] is None or record.value[1].get("what") != "gap"
        for record in runtime.poll_outputs("intake", limit=10_000)
    )
    runtime.close()
