"""Balances the books of a soak that is over: what was sent, what came out, what should have.

It changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from schemas.topics import DLQ, RECEIPTS
from streams.runtimes.cluster.config import Cluster
from streams.topology import NOTIFICATIONS
from streams.views.port import OPEN_STATES
from streams.views.redis import Link, RedisViewReader
from tests.integration.cluster.soak.ledger import TRANSITIONS, Said, committed, said, sheets
from tests.integration.cluster.soak.place import Place
from tests.integration.cluster.soak.report import (
    Report,
    of_faults,
    of_latency,
    of_recovery,
    recoveries,
    told_twice,
)
from tests.integration.cluster.soak.run import Course, Wish


async def balance(wish: Wish, place: Place, course: Course) -> Report:
    """All figures and all that is wrong."""
    report = Report()
    _of_events(report, wish, course)
    faults = course.faults.done
    report.figures |= of_faults(faults)
    if place.without is not None:
        report.figures["network cut"] = f"left out: {place.without}"
    found = await _of_log(report, place.cluster, course)
    _of_lists(report, place, found)
    await _of_mails(report, place, course, found)
    report.claim("dead letters", await _letters(place.cluster))
    report.figures["event to task"] = of_latency(course.watch.probes)
    report.figures |= of_recovery(recoveries(course.watch.probes, faults))
    return report


def _of_events(report: Report, wish: Wish, course: Course) -> None:
    sent = len(course.sender.sent)
    drained = course.drained
    report.figures |= {
        "events": sent,
        "events a second asked for": wish.rate,
        "events a second offered": course.rate,
        "events a second taken": sent / course.took,
        "batches sent again by their source": course.sender.repeated,
        "backlog worked off after the end, seconds": drained,
    }
    report.claim("the backlog was not worked off", [] if drained is not None else [f"in {wish.patience:g} s"])


async def _of_log(report: Report, cluster: Cluster, course: Course) -> Said:
    """Every event once, every output and row as in an undisturbed run; the outputs that were found."""
    made = sheets(cluster)
    taken = sum((sheet.taken for sheet in made if sheet.machine == "account"), Counter[str]())
    wanted = {place: values for sheet in made for place, values in sheet.wanted.items()}
    found = await said(cluster, sorted({topic for topic, _, _ in wanted} | set(TRANSITIONS)))
    rows = [f"{one.machine}-{one.number} {address}" for one in made for address in one.different]
    repeats = [place for sheet in made for place in sheet.repeats_changed]
    report.figures |= {
        "events lost": report.claim("events lost", set(course.sender.sent) - set(taken)),
        "events that came again": sum(taken.values()) - len(taken),
        "accounts whose alerts would be others without them": len(repeats),
        "outputs": sum(map(len, found.values())),
        "outputs lost": report.claim("outputs lost", _missing(wanted, found)),
        "outputs doubled or false": report.claim("outputs doubled or false", _missing(found, wanted)),
        "outputs in another order": report.claim("outputs in another order", _reordered(wanted, found)),
        "rows and waits": sum(sheet.rows for sheet in made),
        "rows and waits that differ": report.claim("rows that differ", rows),
    }
    return found


def _missing(there: Said, here: Said) -> list[str]:
    """What is `there` more often than `here`."""
    return [
        f"{place[0]} {place[1]} {value.decode()[:80]}"
        for place, values in there.items()
        for value in (Counter(values) - Counter(here.get(place, ()))).elements()
    ]


def _reordered(one: Said, other: Said) -> list[str]:
    return [
        f"{place[0]} {place[1]}"
        for place, values in one.items()
        if values != (its := other.get(place, [])) and Counter(values) == Counter(its)
    ]


def _of_lists(report: Report, place: Place, found: Said) -> None:
    """The lists in Redis show what stands open by the transitions."""
    with Link(place.redis.url, place.cluster.prefix) as link:
        shown = {topic: RedisViewReader(link).count_open(topic) for topic in TRANSITIONS}
    states: dict[tuple[str, str], tuple[int, str]] = {}
    for (topic, _, _), values in found.items():
        for value in map(msgspec.json.decode, values if topic in TRANSITIONS else ()):
            item = (topic, value.get("item") or value["alert"])
            states[item] = max(states.get(item, (-1, "")), (value["n"], value["state"]))
    opened = Counter(topic for (topic, _), (_, state) in states.items() if state in OPEN_STATES[topic])
    report.figures["alerts, tasks and approvals in Redis"] = sum(shown.values())
    report.claim(
        "lists that differ",
        [f"{t}: {shown[t]}, not {opened[t]}" for t in TRANSITIONS if shown[t] != opened[t]],
    )


async def _of_mails(report: Report, place: Place, course: Course, found: Said) -> None:
    messages = {
        str(msgspec.json.decode(value)["id"])
        for (topic, _, _), values in found.items()
        if topic == NOTIFICATIONS
        for value in values
    }
    counts = place.mails.counts
    within, beyond = told_twice(place.mails.copies(), course.faults.done, await receipts(place.cluster))
    report.figures |= {
        "mails": sum(counts.values()),
        "mails lost": report.claim("mails lost", messages - set(counts)),
        "mails twice, killed between the 250 and the receipt": len(within),
        "mails twice beyond that window": report.claim("mails twice beyond the window", beyond),
    }
    report.claim("mails of no message", set(counts) - messages)


async def receipts(cluster: Cluster) -> Mapping[str, list[float]]:
    """Message -> when it was settled, seconds since the epoch."""
    settled: dict[str, list[float]] = {}
    for number in range(cluster.partitions):
        async for record in committed(cluster, RECEIPTS, number):
            settled.setdefault((record.key or b"").decode(), []).append(record.timestamp / 1000)
    return settled


async def _letters(cluster: Cluster) -> list[str]:
    return [
        f"{topic.name}/{number}/{record.offset}"
        for topic in cluster.topics()
        if topic.name.endswith(DLQ)
        for number in range(cluster.partitions)
        async for record in committed(cluster, topic.name, number)
    ]
