"""Measures the cluster beside its peers: `python -m bench.cluster [--short] [NAME...]`.

Starts a Kafka and a Redis of its own on this machine. Whole runs are kept in `bench/results/`; a short one is
only printed. Nothing is judged here: a figure states its goal, and what was found.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from rich.console import Console

from bench.cluster import contest, failover, stages
from bench.cluster.entrants import Servers
from bench.measure import Report, Size
from bench.report import RESULTS, save, show
from deploy.local.kafka import Kafka
from deploy.local.process import NotStartedError
from deploy.local.redis import Redis

Part = Callable[[Report, Servers, Size], Coroutine[None, None, None]]

PARTS: dict[str, Part] = {
    "stages": stages.measure,
    "failover": failover.failover,
    "cost": contest.cost,
    "kills": contest.kills,
}
"""Name -> what it measures: all stages with 100 rules; a kill of one worker of two; the work of peers beside
ours; a kill of each."""


def measure(names: Iterable[str], report: Report, size: Size) -> None:
    """Measure these parts, on servers of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Kafka(Path(folder) / "kafka") as kafka,
        Redis(Path(folder) / "redis") as redis,
    ):
        servers = Servers(kafka.address, redis.url, Path(folder))
        for name in names:
            asyncio.run(PARTS[name](report, servers, size))


def main(arguments: list[str]) -> int:
    """Parse the command line and run what it names."""
    parser = argparse.ArgumentParser("python -m bench.cluster")
    parser.add_argument(
        "--short", action="store_true", help="a quick look: less of everything, nothing is kept"
    )
    parser.add_argument("--into", type=Path, default=RESULTS, help="where results are kept (%(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*PARTS, []], help=", ".join(PARTS))
    chosen = parser.parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader at first
    names = chosen.names or list(PARTS)
    report = Report("Cluster: one worker on Kafka and its peers, CPU of their processes; 4 partitions")
    try:
        measure(names, report, Size(chosen.short))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    console = Console()
    show(report, console if console.is_terminal else Console(width=110))
    if not chosen.short and not chosen.names:
        save("cluster", report, chosen.into, "python -m bench.{}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
