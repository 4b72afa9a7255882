"""`explain`: why an alert fired, or why a rule did not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import Json, Lang, WorkspaceDir, end, epilog, language

HERE = Path(".")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=epilog(
            "stagewatch explain 3f2a",
            "stagewatch explain 3f2a --lang zh",
            "stagewatch explain --rule stale-opportunity --entity opportunity:O-17",
        ),
        rich_help_panel="What people do",
    )(explain)


def explain(
    alert: Annotated[
        str | None, typer.Argument(metavar="[ALERT]", help="The alert's id, or the beginning of it.")
    ] = None,
    workspace: WorkspaceDir = HERE,
    rule: Annotated[
        str | None, typer.Option("--rule", help="With --entity: what this rule makes of it.")
    ] = None,
    entity: Annotated[str | None, typer.Option("--entity", metavar="KIND:ID", help="The entity.")] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Say why an alert fired: rule, condition leaf by leaf, events, who was told. Or why a rule did not
    fire.
    """
    by_rule = rule is not None and entity is not None
    if (alert is None) == (not by_rule):
        raise typer.BadParameter("give an ALERT, or --rule and --entity")
    from stagewatch.commands import explaining

    if alert is not None:
        end(explaining.explain_alert(workspace, alert, as_json, language(lang)))
    elif rule is not None and entity is not None:
        end(explaining.explain_rule(workspace, rule, entity, as_json, language(lang)))
