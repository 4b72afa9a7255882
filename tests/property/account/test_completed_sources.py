"""Grace and sources that say they are complete: they decide when a verdict is given, never which one."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.runtimes.memory import entry_of, settings_entry
from streams.runtimes.pipeline import Entry
from tests.property.account import histories as h
from tests.property.account.histories import BEGIN, END, TICK, Item, entries, expected, left, told
from tests.property.account.pictures import DAY, ZONE
from tests.property.account.test_same_output import one_by_one, outputs, run, watermarks

ABSENCES = ("silent-calls", "silent-all", "after-every", "after-restart", "after-match", "before")
WITHIN = {"s": 2 * DAY, "t": DAY}
"""How late two sources may be; all events are of the first."""

Said = tuple[int, int, str]
"""At which tick, complete to which, which source."""

ticks = st.integers(0, 80)
said = st.lists(st.tuples(ticks, ticks, st.sampled_from("st")), max_size=8)


def settled() -> Entry:
    sources = {name: {"arrives_within": within, "types": []} for name, within in WITHIN.items()}
    return settings_entry({"zone": ZONE.key, "sources": sources}, BEGIN - DAY)


def completions(words: Sequence[Said]) -> list[Entry]:
    """One of them a microsecond and a half tick after everything else."""
    found = []
    for n, (tick, to, source) in enumerate(words):
        at = BEGIN + tick * TICK + TICK // 2 + n
        data = {"source": source, "to": format_instant(BEGIN + to * TICK)}
        record = {
            "specversion": "1.0",
            "id": f"d{n}",
            "source": source,
            "type": "source.completed",
            "data": data,
        }
        found.append(entry_of(decode_event({**record, "time": format_instant(at)}, zone=ZONE), at))
    return found


def in_time(given_entries: Sequence[Entry], words: Sequence[Said]) -> list[Entry]:
    return [settled(), *sorted([*given_entries, *completions(words)], key=lambda entry: entry.at)]


@examples(max_examples=60)
@given(h.histories(messy=True), said)
def test_verdicts_are_the_same_in_the_end(items: list[Item], words: list[Said]) -> None:
    over = END - max(WITHIN.values())
    found = left(told(h.run(in_time(entries(items, ABSENCES), words))))
    wanted = expected(items, ABSENCES)
    assert {k: n for k, n in found.items() if k[2] <= over} == {
        k: n for k, n in wanted.items() if k[2] <= over
    }


@examples(max_examples=30)
@given(h.histories(messy=True), said, st.sampled_from([2, 5]), watermarks)
def test_neither_partitions_nor_watermarks_matter(
    items: list[Item], words: list[Said], partitions: int, marks: list[int]
) -> None:
    given_entries = in_time(one_by_one(items), words)
    plain = outputs(run(given_entries))
    assert outputs(run(given_entries, 1, marks)) == plain
    assert outputs(run(given_entries, partitions, marks)) == plain
