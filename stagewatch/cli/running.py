"""Commands that make, fill and run a workspace: init, run, import, simulate, status."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import Json, Lang, WorkspaceDir, end, epilog, language

HERE = Path(".")
REDIS = "redis://127.0.0.1:6379/0"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=epilog(
            "stagewatch init my-sales",
            "stagewatch init my-cluster --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379/0",
        ),
        rich_help_panel="Workspace",
    )(init)
    app.command(
        epilog=epilog(
            "stagewatch run -w my-sales",
            "stagewatch run -w trial --port 0 --time-scale 3600   # an hour passes each second",
        ),
        rich_help_panel="Workspace",
    )(run)
    app.command(
        epilog=epilog(
            "stagewatch worker -w my-sales",
            "stagewatch worker -w my-sales --roles machines --listen 127.0.0.1:0",
        ),
        rich_help_panel="Workspace",
    )(worker)
    app.command(
        "import",
        epilog=epilog(
            "stagewatch import -w my-sales events.jsonl",
            "stagewatch import -w my-sales --mapping mappings/crm.yaml deals.csv accounts.csv",
            "stagewatch import -w my-sales --until 2026-06-30 year.jsonl",
        ),
        rich_help_panel="Workspace",
    )(import_)
    app.command(
        epilog=epilog(
            "stagewatch simulate --seed 7 --days 365 --out year.jsonl",
            "stagewatch simulate --days 30 --start 2026-01-05 --size 40 --out month.jsonl",
        ),
        rich_help_panel="Workspace",
    )(simulate)
    app.command(
        epilog=epilog("stagewatch status -w my-sales", "stagewatch status -w my-cluster --json"),
        rich_help_panel="Workspace",
    )(status)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made when it is not there.")],
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT,...", help="Of a cluster: its brokers, apart by commas.")
    ] = None,
    redis: Annotated[str, typer.Option(metavar="URL", help="Of a cluster: its Redis.")] = REDIS,
    as_json: Json = False,
) -> None:
    """Make a workspace: settings, the shipped rules with their tests, people, mappings.

    With --kafka its settings name a cluster, and all commands speak to that.
    """
    from stagewatch.commands import workspaces

    end(workspaces.init(directory, kafka, redis, as_json))


def run(
    workspace: WorkspaceDir = HERE,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of the settings'; 0 takes a free one.")
    ] = None,
    time_scale: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, metavar="N", help="Logical time runs N times as fast: for trials."
        ),
    ] = None,
    log: Annotated[str, typer.Option(metavar="json|console|auto", help="How log lines look.")] = "auto",
    log_level: Annotated[str, typer.Option(metavar="LEVEL", help="debug, info, warning, error.")] = "info",
) -> None:
    """Run the workspace: take events by HTTP, fire rules, send mails, until SIGTERM or Ctrl-C.

    Changes of rules/, people.yaml and stages in stagewatch.toml take effect while it runs.
    """
    from stagewatch.commands import running

    end(running.run(workspace, port, time_scale, log, log_level))


def worker(
    workspace: WorkspaceDir = HERE,
    roles: Annotated[
        str, typer.Option(metavar="ROLES", help="What it does: some of intake, machines, views, delivery.")
    ] = "intake,machines,views,delivery",
    listen: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="Instead of the settings'; port 0 is free.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of local files; each worker has its own.")
    ] = None,
    log: Annotated[str, typer.Option(metavar="json|console|auto", help="How log lines look.")] = "auto",
    log_level: Annotated[str, typer.Option(metavar="LEVEL", help="debug, info, warning, error.")] = "info",
) -> None:
    """Run a worker of the cluster that [cluster] names, until SIGTERM or Ctrl-C.

    Workers share the partitions among themselves; one more or less is taken up at once.
    """
    from stagewatch.commands import working

    end(working.run(workspace, roles, listen, data, log, log_level))


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="JSONL, CSV or Excel files.")],
    workspace: WorkspaceDir = HERE,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", "-m", help="How columns become events (CSV and Excel).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out what came later; a day means its end.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where rejected rows go; default in data/.")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Bring history in, every row accounted for. Nobody is told about the past; what still stands is listed.

    Importing the same files again changes nothing. Exit code 1: a row was rejected or a file unreadable.
    """
    from stagewatch.commands import importing

    end(importing.run(workspace, files, mapping, until, rejects, as_json, language(lang)))


def simulate(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="JSONL of CloudEvents; - is stdout.")
    ],
    seed: Annotated[int, typer.Option(help="The same seed is the same world.")] = 7,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Length of the history.")] = 90,
    start: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day; default: so that it ends today.")
    ] = None,
    size: Annotated[int, typer.Option(min=5, max=500, help="People of the organisation.")] = 25,
    clean: Annotated[bool, typer.Option("--clean", help="Without late, doubled and wrong records.")] = False,
) -> None:
    """Write the history of a simulated sales organisation, dirt included."""
    from stagewatch.commands import simulating

    end(simulating.run(out, seed, days, start, size, clean))


def status(
    workspace: WorkspaceDir = HERE,
    worker: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Of a cluster: a worker beside those that Redis knows."),
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """How the workspace stands: server, log, open alerts, messages, what is parked or refused.

    With [cluster] in its settings: workers, owners and lag of partitions, restores, waits, lists in Redis.
    Exit code 1: no worker answers.
    """
    from stagewatch.commands import workspaces

    end(workspaces.status(workspace, worker or [], as_json, language(lang)))
