"""`make cluster`: a whole cluster on 127.0.0.1 that stays up until Ctrl-C, and where to look at it.

Kafka, Redis, a mail catcher, two workers, Prometheus and Alertmanager, with their data in build/cluster. For
trying out.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from deploy.local.kafka import HOME
from deploy.local.process import NotStartedError
from deploy.local.showing import WIDTH, places
from deploy.local.site import Site, look
from stagewatch.cli.options import language
from stagewatch.commands.output import Language
from stagewatch.demo.words import word

FOLDER = HOME / "build" / "cluster"


def workspace(site: Site, partitions: int) -> Path:
    """The workspace, made when it is not there, that names these servers."""
    folder = site.workspace
    settings = folder / "stagewatch.toml"
    if not settings.exists():
        made = [sys.executable, "-m", "stagewatch", "init", str(folder)]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    own = settings.read_text("utf-8").partition("\n[mail]\n")[0]
    names = site.settings(partitions, site.mail.port, trial=False)
    settings.write_text(f"{own.rstrip()}\n{names}", "utf-8")
    return folder


def run(site: Site, partitions: int, tongue: Language) -> None:
    """Start everything, say where it is, wait for a signal, stop it."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    begun = time.monotonic()
    console.print(word("starting", tongue))
    place = workspace(site, partitions)
    with site:
        console.print(word("up", tongue, seconds=f"{time.monotonic() - begun:.1f}"))
        shown = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
        console.print(places(look(site)))
        console.print(word("next", tongue))
        for command in TRY:
            console.print(f"  {command.format(where=shown)}", style="cyan", soft_wrap=True)
        console.print(word("stops", tongue))
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        console.print(word("stopping", tongue))


TRY = (
    ".venv/bin/stagewatch status -w {where}",
    ".venv/bin/stagewatch simulate --days 30 -o build/month.jsonl",
    ".venv/bin/stagewatch import build/month.jsonl -w {where}",
    ".venv/bin/stagewatch alerts list -w {where}",
)


def end(number: int, frame: FrameType | None) -> None:
    """SIGTERM and a closed terminal end it as Ctrl-C does."""
    raise KeyboardInterrupt


def hurried(text: str) -> tuple[str, str]:
    """`StagewatchDown=5s` -> (alert, time). Raises ValueError."""
    name, _, after = text.partition("=")
    if not name or not after:
        raise ValueError(text)
    return name, after


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where data and logs lie")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=4, help="of every stage; fixed by the first run")
    parser.add_argument(
        "--alert-after", type=hurried, action="append", default=[], metavar="ALERT=5s",
        help="let an alert of operations fire sooner than its rule says, to see it",
    )  # fmt: skip
    parser.add_argument("--lang", choices=("zh", "en"), help="by default as LANG says")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        site = Site(options.folder.resolve(), options.workers, {}, dict(options.alert_after))
        run(site, options.partitions, language(options.lang))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
