"""Commands for whoever keeps it running: parked, dlq, confirm-clock, rebuild-views."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import MOST, Json, Lang, Limit, WorkspaceDir, end, epilog, language

HERE = Path(".")
PANEL = "Upkeep"

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=MOST, help="The dead letter's number.")]

dlq = typer.Typer(help="List, show and replay dead letters: records that were refused.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(epilog=epilog("stagewatch parked -w my-sales"), rich_help_panel=PANEL)(parked)
    dlq.command("list", epilog=epilog("stagewatch dlq list", "stagewatch dlq list --all --json"))(list_)
    dlq.command(epilog=epilog("stagewatch dlq show 3", "stagewatch dlq show 3 --row > row.json"))(show)
    dlq.command(
        epilog=epilog(
            "stagewatch dlq replay 3",
            "stagewatch dlq replay --all",
            "stagewatch dlq replay 3 --row row.json   # the row as it should have been",
        )
    )(replay)
    app.add_typer(dlq, name="dlq", rich_help_panel=PANEL)
    app.command("confirm-clock", epilog=epilog("stagewatch confirm-clock"), rich_help_panel=PANEL)(
        confirm_clock
    )
    app.command("rebuild-views", epilog=epilog("stagewatch rebuild-views"), rich_help_panel=PANEL)(
        rebuild_views
    )


def parked(
    workspace: WorkspaceDir = HERE, limit: Limit = 1_000, as_json: Json = False, lang: Lang = None
) -> None:
    """List events that wait for a parent that nobody has named yet."""
    from stagewatch.commands import upkeep

    end(upkeep.parked(workspace, limit, as_json, language(lang)))


def list_(
    workspace: WorkspaceDir = HERE,
    everything: Annotated[bool, typer.Option("--all", help="Replayed ones too.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List dead letters, oldest first."""
    from stagewatch.commands import upkeep

    end(upkeep.list_letters(workspace, everything, limit, as_json, language(lang)))


def show(
    number: Number,
    workspace: WorkspaceDir = HERE,
    row: Annotated[bool, typer.Option("--row", help="Only the row of an import, to be put right.")] = False,
) -> None:
    """Show a dead letter whole: the record and why it was refused (JSON)."""
    from stagewatch.commands import upkeep

    end(upkeep.show_letter(workspace, number, row))


def replay(
    number: Annotated[
        int | None,
        typer.Argument(metavar="NUMBER", min=1, max=MOST, help="The dead letter's number."),
    ] = None,
    workspace: WorkspaceDir = HERE,
    everything: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    row: Annotated[
        Path | None, typer.Option("--row", metavar="FILE", help="The row of an import as it was put right.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try a dead letter again, once its cause is gone. What fails again is a new dead letter.

    A row that an import rejected is read again by the mapping as it is now; while it fails it stays.
    """
    if (number is None) != everything or (everything and row is not None):
        raise typer.BadParameter("give a NUMBER, or --all")
    from stagewatch.commands import upkeep

    end(upkeep.replay(workspace, number, row, as_json))


def confirm_clock(workspace: WorkspaceDir = HERE, as_json: Json = False) -> None:
    """Say that the wall clock is right after it jumped; events are taken again."""
    from stagewatch.commands import upkeep

    end(upkeep.ask(workspace, "confirm-clock", as_json))


def rebuild_views(workspace: WorkspaceDir = HERE, as_json: Json = False) -> None:
    """Throw the lists of alerts, tasks and approvals away and fill them again from the log."""
    from stagewatch.commands import upkeep

    end(upkeep.ask(workspace, "rebuild-views", as_json))
