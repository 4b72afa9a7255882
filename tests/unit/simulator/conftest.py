"""A year of the simulated organisation, once clean and once with its dirt, for all tests of this folder."""

from __future__ import annotations

from collections import defaultdict

import pytest

from connectors.sources.simulator import CLEAN, Organisation, stream
from connectors.sources.simulator.stream import Record
from schemas.time import DAY, parse_instant

START = parse_instant("2025-01-06T00:00:00Z")
Arrivals = list[tuple[int, Record]]


def arrivals(seed: int, days: int, *, clean: bool) -> Arrivals:
    """(arrival, record) of the first `days`."""
    got: Arrivals = []
    for pair in stream(Organisation(seed, 25), START, dirt=CLEAN if clean else None):
        if pair[0] >= START + days * DAY:
            break
        got.append(pair)
    return got


@pytest.fixture(scope="session")
def clean_year() -> Arrivals:
    return arrivals(7, 365, clean=True)


@pytest.fixture(scope="session")
def dirty_year() -> Arrivals:
    return arrivals(7, 365, clean=False)


@pytest.fixture(scope="session")
def by_type(clean_year: Arrivals) -> dict[str, list[Record]]:
    """The clean year's records by event type."""
    grouped: dict[str, list[Record]] = defaultdict(list)
    for _, record in clean_year:
        grouped[str(record["type"])].append(record)
    return grouped
