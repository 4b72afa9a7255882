"""Which shared rows of the identity machine are of one partition only; merges are not. No logic."""

from __future__ import annotations

from typing import Final

from streams.kernel.repartition import Sharing
from streams.machines.identity.names import COUNT, PARK, PARKED

SHARING: Final = Sharing(by_key=frozenset({PARKED}), counted={(COUNT, PARKED): PARK})
