"""`make cluster-demo`: the demo on a whole cluster of this machine, with a worker killed in its midst.

Kafka, Redis, two workers, Prometheus, Alertmanager and mail servers are real; all of
them end with it. It exits with 0 when all that
the demo promises has come; else it says what has not.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Console

from connectors.sources.simulator import Organisation
from deploy.local.kill import ALERT, FIRES_AFTER, Kill
from deploy.local.process import NotStartedError, free_port
from deploy.local.showing import WIDTH, places
from deploy.local.site import Site, look
from stagewatch.cli.options import language
from stagewatch.commands.output import Language
from stagewatch.demo import play
from stagewatch.demo.cluster import OnCluster, Reached
from stagewatch.demo.ground import Ground
from stagewatch.demo.past import make_workspace
from stagewatch.demo.plan import Plan
from stagewatch.demo.words import word
from stagewatch.settings import load_settings

WORKERS, PARTITIONS = 2, 4
BUDGET = 140.0
"""Seconds for all but the settling."""


@contextlib.contextmanager
def ground(console: Console, tongue: Language, root: Path, org: Organisation) -> Iterator[Ground]:
    """The servers, and the organisation's workspace on them."""
    token, begun = secrets.token_urlsafe(24), time.monotonic()
    console.print(word("starting", tongue))
    site = Site(root, WORKERS, {"STAGEWATCH_TOKENS": f"demo={token}"}, {ALERT: FIRES_AFTER})
    workspace, settings = make_workspace(site.workspace, org)
    mail_port = free_port()
    text = workspace.settings.read_text("utf-8") + site.settings(PARTITIONS, mail_port, trial=True)
    workspace.settings.write_text(text, "utf-8")
    settings = load_settings(workspace.settings)
    with site:
        console.print(word("up", tongue, seconds=f"{time.monotonic() - begun:.1f}"))
        console.print(places(look(site)))
        urls = [worker.url for worker in site.workers.values()]
        reached = Reached(urls, token, mail_port, partial(parked, site))
        yield OnCluster(workspace, settings, reached, Kill(site, tongue), tongue)


def parked(site: Site) -> int:
    """Events that wait for an unknown customer, on all workers."""
    return round(sum(worker.total("stagewatch_parked_events") for worker in site.workers.values()))


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="make cluster-demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="another seed is another world")
    parser.add_argument("--past", type=int, default=120, help="days of history")
    parser.add_argument("--days", type=int, default=4, help="days that pass while one watches")
    parser.add_argument("--seconds", type=int, default=30, help="seconds in which they pass")
    parser.add_argument("--lang", choices=("zh", "en"), help="by default as LANG says")
    parser.add_argument("--json", action="store_true", help="figures for programs")
    options = parser.parse_args()
    tongue = language(options.lang)
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, quiet=options.json)
    plan = Plan(options.seed, 10, options.past, options.days, options.seconds, BUDGET)
    wish = play.Wish(plan, None, None, options.json, tongue, partial(ground, console, tongue))
    try:
        return play.run(wish)
    except (NotStartedError, TimeoutError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
