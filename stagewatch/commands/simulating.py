"""`stagewatch simulate`: the seeded sales organisation as a file of events."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import msgspec

from connectors.sources.simulator import CLEAN, Organisation, history
from connectors.sources.simulator.instants import ZONE
from schemas.time import DAY, day_start, parse_date, start_of_day
from stagewatch.commands.arguments import wrong

YEARS = range(1900, 2200)
"""In which a history may begin."""


def _day(text: str, zone: ZoneInfo) -> int:
    day = parse_date(text)
    if day.year not in YEARS:
        raise wrong("--start", f"a day from {YEARS[0]} to {YEARS[-1]}", text, "choose another day")
    return day_start(day, zone)


def run(out: Path, seed: int, days: int, start: str | None, size: int, clean: bool) -> int:
    """Write the history; the exit code."""
    zone = ZoneInfo(ZONE)
    today = start_of_day(time.time_ns() // 1000, zone)
    begin = today - days * DAY if start is None else _day(start, zone)
    records = history(
        Organisation(seed=seed, size=size), begin, begin + days * DAY, dirt=CLEAN if clean else None
    )
    encode = msgspec.json.Encoder().encode
    count = 0
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = sys.stdout.buffer if out == Path("-") else stack.enter_context(out.open("wb"))
        for record in records:
            file.write(encode(record) + b"\n")
            count += 1
    sys.stderr.write(f"{count:,} events of {days} days, seed {seed}\n")
    return 0
