"""Which shared rows of the inbox machine may differ between partitions: the gap that each heard of last."""

from __future__ import annotations

from typing import Final

from streams.kernel.repartition import Sharing
from streams.machines.gaps import GAP, LAST, latest

SHARING: Final = Sharing(joined={(GAP, LAST): latest})
