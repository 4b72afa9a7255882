"""The bench of the store alone (`bench.store`, no machine of ours runs), with its lines as figures."""

from __future__ import annotations

import subprocess
import sys

from bench.measure import Report, Size

SHORT = ("rows", "pipeline", "deals")
ALL = (*SHORT, "waits", "keys")
WIDTH = 62
"""Where the value begins in a line of `bench.store`."""


def run(size: Size) -> Report:
    """Run it as often as there are rounds; every line is a figure."""
    report = Report("Store: rows, log and commits of the embedded runtime alone (wall time)")
    found: dict[tuple[str, str], list[float]] = {}
    for name in SHORT if size.short else ALL:
        for _ in range(1 if name in ("waits", "keys") else size.rounds):
            command = [sys.executable, "-m", "bench.store", name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for line in output.splitlines():
                value, _, unit = line[WIDTH:].strip().partition(" ")
                number = float(value.replace(",", ""))
                found.setdefault((line[:WIDTH].strip(), unit or "ratio or count"), []).append(number)
    for (what, unit), values in found.items():
        report.add(what, unit, *values, digits=0 if min(values) >= 1000 else 2)
    return report
