"""Commands that move a workspace: migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import Json, Lang, WorkspaceDir, end, epilog, language

HERE = Path(".")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=epilog(
            "stagewatch migrate -w my-sales --to cluster   # [cluster] of its settings says where",
            "stagewatch migrate -w my-sales --to embedded --into my-sales-again",
            "stagewatch migrate -w my-sales --to embedded --into larger --partitions 16",
            "stagewatch migrate -w my-cluster --to cluster --into larger-cluster",
            "stagewatch migrate -w my-sales --take-back --from embedded   # use the old one again",
        ),
        rich_help_panel="Upkeep",
    )(migrate)


def migrate(
    workspace: WorkspaceDir = HERE,
    to: Annotated[
        str | None, typer.Option(metavar="embedded|cluster", help="What it becomes.", show_default=False)
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The workspace that it becomes; default: the same, of the other kind."
        ),
    ] = None,
    came_from: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="embedded|cluster", help="What it is; default: by --to, or by its settings."
        ),
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=64, metavar="N", help="Of a new workspace; a cluster's are in [cluster]."),
    ] = None,
    back: Annotated[
        bool, typer.Option("--take-back", help="Use the source of a move again; its target must not run.")
    ] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Move a workspace into a cluster or back, or either into other partitions. Nothing may run meanwhile.

    Rules, rows, open alerts, deadlines, the log and what was not sent are copied. The source stays as it was
    but for a mark, and is refused from then on. Broken off, the same command starts again.
    """
    if back is (to is not None):
        raise typer.BadParameter("give --to, or --take-back")
    from stagewatch.commands import migrating

    if back:
        end(migrating.take_back(workspace, came_from, as_json))
    else:
        ask = migrating.Ask(workspace, to, into, came_from, partitions)
        end(migrating.migrate(ask, as_json, language(lang)))
