"""A process that is measured: its CPU time, all threads and children that live, user and system."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.local.process import ServerProcess

TICKS = os.sysconf("SC_CLK_TCK")


class Measured(ServerProcess):
    """A server process whose CPU time is read."""

    seconds_to_stop = 20.0

    def cpu(self) -> float:
        """CPU time (s) over its life."""
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """CPU time (s) of a process over its life."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
