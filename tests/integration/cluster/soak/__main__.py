"""`make soak`: three workers through all stages while they, their servers and their network fail.

Prints the figures and writes them to build/soak/figures.json; exits with 1 when anything was lost, doubled or
different from an undisturbed run. For trying out and for the record; a short form runs with the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from deploy.local.process import NotStartedError
from tests.integration.cluster.soak.balance import balance
from tests.integration.cluster.soak.place import Place
from tests.integration.cluster.soak.report import Report
from tests.integration.cluster.soak.run import Wish, run

HOME = Path(__file__).parents[4]
MEMORY = Path("/dev/shm")


def asked(arguments: list[str]) -> tuple[Wish, Path, Path]:
    """(what is asked for, folder of the servers' data, folder of the figures)."""
    parser = argparse.ArgumentParser("make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of events (%(default)g)")
    parser.add_argument("--rate", type=float, default=2000, help="events a second (%(default)g)")
    parser.add_argument("--beat", type=float, default=15, help="seconds between two kills (%(default)g)")
    parser.add_argument("--session", type=float, default=6, help="of a worker, seconds (%(default)g)")
    parser.add_argument("--partitions", type=int, default=6, help="of every stage (%(default)d)")
    parser.add_argument("--patience", type=float, default=300, help="for the backlog, seconds (%(default)g)")
    parser.add_argument(
        "--trial", type=float, default=10, help="seconds to find out the rate; 0: take it as it is"
    )
    parser.add_argument("--folder", type=Path, default=MEMORY if MEMORY.is_dir() else None)
    parser.add_argument("--into", type=Path, default=HOME / "build" / "soak")
    chosen = parser.parse_args(arguments)
    wish = Wish(
        chosen.seconds,
        chosen.rate,
        chosen.beat,
        chosen.session,
        chosen.partitions,
        chosen.patience,
        chosen.trial,
    )
    return wish, chosen.folder, chosen.into


def soak(wish: Wish, base: Path | None, into: Path, console: Console) -> Report:
    """Run one, with servers of its own; the logs of the workers are left in `into`."""
    with (
        tempfile.TemporaryDirectory(dir=base, prefix="soak") as folder,
        Place(Path(folder), wish.partitions, int(wish.session * 1000)) as place,
    ):
        console.print(f"three workers are up; {wish.seconds:g} s of events, a kill every {wish.beat:g} s")
        course = asyncio.run(run(wish, place))
        for worker in place.workers:
            shutil.copy(worker.log, into / f"{worker.name}.log")
        console.print("the workers have stopped; the log is played again without disturbance")
        return asyncio.run(balance(wish, place, course))


def main(arguments: list[str]) -> int:
    """Parse the arguments, run, show; 0 when all is well."""
    wish, base, into = asked(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(width=120, highlight=False)
    into.mkdir(parents=True, exist_ok=True)
    try:
        report = soak(wish, base, into, console)
    except NotStartedError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    (into / "figures.json").write_bytes(
        msgspec.json.format(msgspec.json.encode({**report.figures, "problems": report.problems}))
    )
    console.print("\n".join(report.lines()), markup=False)
    console.print(f"written to {into}/figures.json")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
