"""A seeded sales organisation that writes a believable history with its dirt and then lives on.

    org = Organisation(seed=7, size=25)
    for record in history(org, start, end): ...      # CloudEvents dicts in order of arrival
    for arrival, record in live(org, end, since=start): ...

Randomness comes from the seed alone; no clock, no I/O.
"""

from connectors.sources.simulator.bench import bench_events
from connectors.sources.simulator.dirt import CLEAN, DirtMix
from connectors.sources.simulator.draft import NAMESPACES
from connectors.sources.simulator.organisation import Organisation
from connectors.sources.simulator.stream import history, live, people, scale_for, stream

__all__ = [
    "CLEAN",
    "NAMESPACES",
    "DirtMix",
    "Organisation",
    "bench_events",
    "history",
    "live",
    "people",
    "scale_for",
    "stream",
]
