"""What the stages without rows make of records that nobody can read: they go on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from stagewatch.worker.stages import logged_of
from streams.runtimes.cluster.codec import PLACE
from streams.runtimes.cluster.config import Cluster

CLUSTER = Cluster({}, Path("/nowhere"), "p")
GOOD = b"account.transition 1 0 0 account"


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [(b"k", b"no json", GOOD), (b"\xff", b"{}", GOOD), (b"k", b"{}", b"rubbish")],
)
def test_a_transition_that_cannot_be_read_is_passed_over(key: bytes, value: bytes, place: bytes) -> None:
    message = SimpleNamespace(topic="p.alerts", partition=0, offset=7, key=key, value=value)
    assert logged_of(CLUSTER, message, [(PLACE, place)]) is None
