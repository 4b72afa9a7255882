"""Prometheus and Alertmanager on this machine, with the project's rules and the given targets."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.local.process import HOST, NotStartedError, ServerProcess, free_port

RULES = Path(__file__).parents[1] / "prometheus" / "rules"

PROMETHEUS = """\
global:
  scrape_interval: 2s
  evaluation_interval: 2s
rule_files:
  - {rules}/*.yml
alerting:
  alertmanagers:
    - static_configs:
        - targets: [{alertmanager}]
scrape_configs:
  - job_name: stagewatch
    static_configs:
      - targets: [{targets}]
"""

ALERTMANAGER = """\
route:
  receiver: here
  group_wait: 0s
receivers:
  - name: here
"""


def _program(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise NotStartedError(f"install the package of {names[0]}")
    return found


class Alertmanager(ServerProcess):
    """Keeps alerts to be looked at; it tells nobody."""

    def prepare(self) -> None:
        """Write the configuration."""
        (self.folder / "alertmanager.yml").write_text(ALERTMANAGER, "utf-8")

    def command(self) -> Sequence[str]:
        """The server."""
        return [
            _program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            f"--cluster.listen-address={HOST}:{free_port()}",
        ]


class Prometheus(ServerProcess):
    """Asks `targets` (host:port) every two seconds and tells `alertmanager` (host:port)."""

    def __init__(self, folder: Path, targets: Sequence[str], alertmanager: str) -> None:
        super().__init__(folder)
        self._targets, self._alertmanager = targets, alertmanager

    def prepare(self) -> None:
        """Write the configuration."""
        text = PROMETHEUS.format(
            rules=RULES, targets=", ".join(self._targets), alertmanager=self._alertmanager
        )
        (self.folder / "prometheus.yml").write_text(text, "utf-8")

    def command(self) -> Sequence[str]:
        """The server."""
        return [
            _program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
        ]
