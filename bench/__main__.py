"""Runs the benches: `python -m bench [--short] [NAME...]`, without names all of them.

Each runs in a process of its own, so that none inherits memory or garbage of another. Whole runs are kept in
`bench/results/`; a short one is only printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import msgspec
from rich.console import Console

from bench.measure import Report, Size
from bench.report import RESULTS, save, show
from streams.runtimes.collector import spare_old_objects

BENCHES = {
    "kernel": "all machines in memory: events/s by number of rules, and where the time goes",
    "embedded": "durable, all machines: events/s from append to committed outputs",
    "latency": "from HTTP request to alert visible in the view, 1,000 events/s",
    "waits": "a million armed waits: bytes, time to reopen, first one fired",
    "scale": "cost of an event with a million entities, with 10,000 deals of one account",
    "edits": "a thousand changes of live rules: memory, time, what they leave behind",
    "replay": "backtest, replay of a log, views rebuilt; durable-rules against the native matcher",
    "storage": "rows, log and commits of the store alone",
}
"""Name -> what it measures; each is a module with `run(size) -> Report`."""


def main(arguments: list[str]) -> int:
    """Parse the command line and run what it names; the number of benches that failed."""
    names = "\n".join(f"  {name:<10} {what}" for name, what in BENCHES.items())
    parser = argparse.ArgumentParser(
        "python -m bench", epilog=names, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--short", action="store_true", help="a quick look: less of everything, nothing is kept"
    )
    parser.add_argument("--into", type=Path, default=RESULTS, help="where results are kept (%(default)s)")
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHES, []])
    chosen = parser.parse_args(arguments)
    if chosen.report is not None:
        spare_old_objects()
        report: Report = import_module(f"bench.{chosen.names[0]}").run(Size(chosen.short))
        chosen.report.write_bytes(msgspec.json.encode(report))
        return 0
    return sum(not _run(name, chosen.short, chosen.into) for name in chosen.names or BENCHES)


def _run(name: str, short: bool, into: Path) -> bool:
    """One bench in a process of its own; False when it failed."""
    with tempfile.TemporaryDirectory() as directory:
        found = Path(directory) / "report.json"
        command = [
            sys.executable,
            "-m",
            "bench",
            name,
            "--report",
            str(found),
            *(["--short"] if short else []),
        ]
        if subprocess.run(command, check=False).returncode:
            return False
        report = msgspec.json.decode(found.read_bytes(), type=Report)
    console = Console()
    show(report, console if console.is_terminal else Console(width=110))
    if not short:
        save(name, report, into)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
