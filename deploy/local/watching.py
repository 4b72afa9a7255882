"""Prometheus and Alertmanager on this machine, with the project's own rules and routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.asking import json_of
from deploy.local.process import HOST, NotStartedError, ServerProcess, free_port, program

DEPLOY = Path(__file__).parents[1]
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
ROUTES = DEPLOY / "alertmanager" / "alertmanager.yml"
MAIL_SERVER = "mail:1025"
"""The mail server that the routes name; here it is another."""

PROMETHEUS = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files:
  - rules/*.yml
alerting:
  alertmanagers:
    - static_configs:
        - targets: [{alertmanager}]
scrape_configs:
  - job_name: stagewatch
    static_configs:
      - targets: [{targets}]
"""


class Alertmanager(ServerProcess):
    """Has the routes of deploy/alertmanager; its mails go to `mail_server` (host:port)."""

    def __init__(self, folder: Path, mail_server: str) -> None:
        super().__init__(folder)
        self._mail_server = mail_server

    def prepare(self) -> None:
        """Write the configuration."""
        routes = ROUTES.read_text("utf-8").replace(MAIL_SERVER, self._mail_server)
        (self.folder / "alertmanager.yml").write_text(routes, "utf-8")

    def command(self) -> Sequence[str]:
        """The server."""
        return [
            program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            f"--cluster.listen-address={HOST}:{free_port()}",
        ]

    def alerts(self) -> set[str]:
        """Names of the alerts that it has got and that have not ended."""
        return {alert["labels"]["alertname"] for alert in json_of(f"http://{self.address}/api/v2/alerts")}


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer."""

    labels: Mapping[str, str]
    value: float


class Prometheus(ServerProcess):
    """Asks `targets` (host:port) every second and tells `alertmanager` (host:port).

    hurried: alert -> how long it must stand before it fires, instead of what its rule says, as in `5s`: for
    whoever wants to see one fire and has no minutes.
    """

    def __init__(
        self, folder: Path, targets: Sequence[str], alertmanager: str, hurried: Mapping[str, str]
    ) -> None:
        super().__init__(folder)
        self._targets, self._alertmanager, self._hurried = targets, alertmanager, hurried

    def prepare(self) -> None:
        """Write the configuration and the rules.

        Raises:
            NotStartedError: an alert shall be hurried that there is not.
        """
        text = PROMETHEUS.format(targets=", ".join(self._targets), alertmanager=self._alertmanager)
        (self.folder / "prometheus.yml").write_text(text, "utf-8")
        (self.folder / "rules").mkdir(exist_ok=True)
        unknown = set(self._hurried)
        for path in RULES:
            groups = yaml.safe_load(path.read_text("utf-8"))
            for rule in (rule for group in groups["groups"] for rule in group["rules"]):
                if (name := rule.get("alert")) in self._hurried:
                    rule["for"] = self._hurried[name]
                    unknown.discard(name)
            (self.folder / "rules" / path.name).write_text(yaml.safe_dump(groups, sort_keys=False), "utf-8")
        if unknown:
            raise NotStartedError(
                f"there is no alert {', '.join(sorted(unknown))} in {DEPLOY / 'prometheus'}"
            )

    def command(self) -> Sequence[str]:
        """The server."""
        return [
            program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
        ]

    def query(self, expression: str) -> list[Sample]:
        """The series that an expression gives just now. Raises OSError when it is refused."""
        found = self._ask("query", query=expression)
        return [Sample(one["metric"], float(one["value"][1])) for one in found["result"]]

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        alerts = self._ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def health(self) -> dict[str, str]:
        """Name of a rule -> whether it could be worked out: `ok`, `err`, `unknown` before the first time."""
        groups = self._ask("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _ask(self, what: str, **parameters: str) -> dict[str, Any]:
        answer: dict[str, Any] = json_of(f"http://{self.address}/api/v1/{what}", **parameters)["data"]
        return answer
