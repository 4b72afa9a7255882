"""Rows of memory drivers taken over into more or fewer partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.kernel.contract import Store
from streams.kernel.repartition import Marks, Repartition, marks_of, put_rows
from streams.runtimes.memory import MemoryRuntime
from streams.stores.memory import MemoryStore
from streams.topology import MACHINES, MachineSpec

Stores = dict[tuple[str, int], MemoryStore]


def one_machine(spec: MachineSpec, old: Sequence[Store], partitions: int, marks: Marks) -> list[MemoryStore]:
    """The rows of a machine over so many partitions."""
    new = [MemoryStore() for _ in range(partitions)]
    way = Repartition(spec.sharing, partitions, marks, fed=spec.fed_by is not None)
    for store in old:
        for number, row in way.take(store.walk()):
            put_rows(new[number], [row])
    for number, row in way.shared():
        put_rows(new[number], [row])
    return new


def repartitioned(
    old: Mapping[tuple[str, int], Store],
    partitions: int,
    machines: Sequence[MachineSpec] = MACHINES,
) -> Stores:
    """The rows of all machines over so many partitions."""
    marks = marks_of(old.values(), -1)
    found: Stores = {}
    for spec in machines:
        mine = [store for (machine, _), store in sorted(old.items()) if machine == spec.name]
        for number, store in enumerate(one_machine(spec, mine, partitions, marks)):
            found[(spec.name, number)] = store
    return found


def moved(runtime: MemoryRuntime, partitions: int) -> MemoryRuntime:
    """A runtime that goes on where this one is, over so many partitions."""
    runtime.pipeline.checkpoint()
    return MemoryRuntime(partitions, runtime.zone, stores=repartitioned(runtime.stores, partitions))
