"""Python's cyclic garbage collector, set for a process that keeps many small rows in memory.

Cached rows have no cycles, yet a full collection walks all of them: hundreds of milliseconds, again and
again. To be called once by the composition root of a process; nothing else may touch the collector.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 10_000, 1_000_000, 1_000_000


def spare_old_objects() -> None:
    """From now on only young objects are looked at; what exists already is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def collect_when_idle() -> int:
    """Collect what has come since the last time, for moments when nobody waits (every ten minutes or so).

    What is left is never looked at again. Returns the number of objects freed.
    """
    freed = gc.collect()
    gc.freeze()
    return freed
