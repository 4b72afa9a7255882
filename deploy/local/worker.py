"""A `stagewatch worker` on this machine, and what it tells of itself by HTTP. Knows nothing of its work."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local.asking import text_of
from deploy.local.process import ServerProcess

_SAMPLE = re.compile(r"^(\w+)(\{.*\})? (\S+)$")


class Worker(ServerProcess):
    """A worker of a workspace, with local files of its own. environment: beside ours."""

    seconds_to_stop = 5.0

    def __init__(self, folder: Path, workspace: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._workspace, self._environment = workspace, environment

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        """The worker."""
        where = ["-w", str(self._workspace), "--listen", self.address, "--data", str(self.folder)]
        return [sys.executable, "-m", "stagewatch", "worker", *where, "--log", "json"]

    def environment(self) -> Mapping[str, str]:
        """Ours, and what it was given."""
        return {**os.environ, **self._environment}

    def total(self, metric: str) -> float:
        """The sum over all series of a metric; 0 where there is none, or it does not answer."""
        try:
            return sum(value for name, value in _samples(text_of(f"{self.url}/metrics")) if name == metric)
        except OSError:
            return 0.0


def _samples(page: str) -> Iterator[tuple[str, float]]:
    for line in page.splitlines():
        found = _SAMPLE.match(line)
        if found is not None:
            yield found[1], float(found[3])
