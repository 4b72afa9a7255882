"""A house per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.run.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A new workspace with a mail server; nothing runs yet."""
    made = House(tmp_path / "ws")
    yield made
    made.close()
