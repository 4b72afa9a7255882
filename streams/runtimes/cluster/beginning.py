"""The first start of a cluster: the files of the workspace come first, whatever lies in the topics already.

    a worker     the files, then BEGIN, to `commands`
    partition 0  of the machine that stamps time: the files to all that it feeds, BEGIN to all like it
    each of them reads its other topics from now on

So what a partition sends on stands behind the files in every log, by the order of commits and not by a
clock. A partition that has begun once has that in its rows. It must not know what the files say.
"""

from __future__ import annotations

from typing import Final

from streams.kernel.contract import SHARED, Record, Step
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.inputs import Inputs
from streams.runtimes.cluster.local import ChangelogStore
from streams.runtimes.cluster.writing import Batch
from streams.runtimes.pipeline import Entry

BEGIN: Final = "begin"
"""Kind of the record behind what the files say."""

META, BEGUN = "meta", "begun"


def begin_entry() -> Entry:
    """To be appended behind what the files say; it may come any number of times."""
    return Entry("commands", SHARED, BEGIN, None, 0)


class Beginning:
    """Keeps the inputs of one partition of a machine that stamps time shut until BEGIN has come.

    waits: it has not. Until then the partition can promise no time: older events may lie unread.
    """

    def __init__(
        self, cluster: Cluster, machine: str, store: ChangelogStore, inputs: Inputs, batch: Batch
    ) -> None:
        self._store, self._inputs, self._batch = store, inputs, batch
        self._own = cluster.own_topic(machine)
        self.waits = cluster.files and store.get(SHARED, META, BEGUN) is None
        if self.waits:
            inputs.only(("commands", self._own))

    def come(self, record: Record) -> bool:
        """BEGIN, from a worker or from partition 0. Whether the other topics are read from now on."""
        if record.topic != self._own:
            self._batch.to_all(Record(self._own, SHARED, BEGIN, None, record.at, record.feed))
            return False
        if not self.waits:
            return False
        self.waits = False
        self._store.apply(Step(rows={(SHARED, META, BEGUN): 1}), 0)
        self._inputs.all()
        return True
