"""Real servers of this machine that tests of several folders share: one Kafka and one Redis per session.

Each test takes a prefix (Kafka) or a database (Redis) of its own; who stops or kills a server starts another.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker for the whole session, in memory where that can be: it starts quicker."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() else tmp_path_factory.mktemp("kafka")
    with tempfile.TemporaryDirectory(dir=base) as folder, Kafka(Path(folder) / "kafka") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis for the whole session."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
