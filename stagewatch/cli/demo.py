"""`demo`: a simulated sales organisation, its past and some days of its life, in about a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import Json, Lang, end, epilog, language


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=epilog(
            "stagewatch demo",
            "stagewatch demo --seed 3 --seconds 60 --days 10",
            "stagewatch demo --keep my-demo   # and look inside afterwards",
        ),
        rich_help_panel="Workspace",
    )(demo)


def demo(
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another world.")] = 7,
    seconds: Annotated[
        int, typer.Option(min=8, max=90, help="How long the organisation lives on, after its past.")
    ] = 42,
    days: Annotated[int, typer.Option(min=3, max=30, help="Days that pass in these seconds.")] = 7,
    past: Annotated[int, typer.Option(min=1, max=730, help="Days of history that are imported.")] = 365,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the workspace there; else nothing is left.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture of the session.")] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Watch a simulated sales organisation: a year of history, then days in seconds; mails, alerts, tasks,
    approvals.

    Needs no network and no rights; exit code 0 says that everything it promises has happened.
    """
    from stagewatch.demo import play
    from stagewatch.demo.plan import Plan

    plan = Plan(seed=seed, past=past, days=days, seconds=seconds)
    end(play.run(play.Wish(plan, keep, svg, as_json, language(lang))))
