"""Asks a running process how it is: `/readyz` and `/metrics` over HTTP, read back into numbers.

A process that does not answer is an answer too. It must not know what the numbers mean.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

SECONDS = 3.0
"""How long an answer is waited for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series and its value."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said. problem: why it could not be asked; then nothing else is known."""

    url: str
    ready: bool | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    problem: str | None = None


def read_samples(text: str) -> tuple[Sample, ...]:
    """The series of Prometheus' text form that are ours.

    >>> read_samples('stagewatch_ready 1.0')
    (Sample(name='stagewatch_ready', labels={}, value=1.0),)
    """
    return tuple(
        Sample(found.name, dict(found.labels), found.value)
        for family in text_string_to_metric_families(text)
        for found in family.samples
        if found.name.startswith("stagewatch_")
    )


def ask(url: str, seconds: float = SECONDS) -> Answer:
    """Ask the process at `url` (http://host:port)."""
    parts = urllib.parse.urlsplit(url)
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
        try:
            said = json.loads(_get(connection, "/readyz"))
            samples = read_samples(_get(connection, "/metrics").decode())
        finally:
            connection.close()
        reasons, warnings = tuple(map(str, said["reasons"])), tuple(map(str, said.get("warnings", ())))
        return Answer(url, bool(said["ready"]), reasons, warnings, samples)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return Answer(url, problem=str(error) or type(error).__name__)


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


class Samples:
    """Sums and greatest values over the series of one or many processes."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_name: dict[str, list[Sample]] = {}
        for sample in samples:
            self._by_name.setdefault(sample.name, []).append(sample)

    def total(self, name: str) -> float | None:
        """The sum over all series of a name; None when there is none."""
        found = self._by_name.get(name)
        return None if found is None else sum(sample.value for sample in found)

    def greatest(self, name: str) -> float | None:
        """The greatest value of a name; None when there is none."""
        return max((sample.value for sample in self._by_name.get(name, ())), default=None)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Label value -> sum, in the order of the values."""
        found: dict[str, float] = {}
        for sample in self._by_name.get(name, ()):
            value = sample.labels.get(label, "")
            found[value] = found.get(value, 0) + sample.value
        return dict(sorted(found.items()))

    def greatest_by(self, name: str, label: str) -> dict[str, float]:
        """Label value -> greatest value."""
        found: dict[str, float] = {}
        for sample in self._by_name.get(name, ()):
            value = sample.labels.get(label, "")
            found[value] = max(found.get(value, sample.value), sample.value)
        return dict(sorted(found.items()))

    def places(self, name: str) -> dict[tuple[str, int], float]:
        """(machine, partition) -> value."""
        return {
            (sample.labels["machine"], int(sample.labels["partition"])): sample.value
            for sample in self._by_name.get(name, ())
        }
