"""Commands that try rules out: backtest, rules check, rules list, rules test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import Json, Lang, WorkspaceDir, end, epilog, language

HERE = Path(".")
PANEL = "Rules"

rules = typer.Typer(help="Check, list and test rules.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=epilog(
            "stagewatch backtest --rules rules/ --events year.jsonl",
            "stagewatch backtest --rules new-rule.yaml --workspace my-sales --out alerts.jsonl",
            "stagewatch backtest --rules rules/ --events deals.csv -m crm.yaml --until 2026-06-30 --json",
        ),
        rich_help_panel=PANEL,
    )(backtest)
    rules.command(
        epilog=epilog("stagewatch rules check rules/", "stagewatch rules check my-rule.yaml --json")
    )(check)
    rules.command("list", epilog=epilog("stagewatch rules list -w my-sales"))(list_)
    rules.command(
        "test",
        epilog=epilog(
            "stagewatch rules test rules/",
            "stagewatch rules test stale.yaml   # its tests are in stale.test.yaml beside it",
        ),
    )(run_tests)
    app.add_typer(rules, name="rules", rich_help_panel=PANEL)


def backtest(
    rule_paths: Annotated[
        list[Path],
        typer.Option("--rules", metavar="PATH", help="Rule file or folder; may stand several times."),
    ],
    events: Annotated[
        list[Path] | None,
        typer.Option("--events", metavar="FILE", help="Events; default: the workspace's log."),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", metavar="DIR", help="Lends settings, people and its log."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", "-m", help="How columns become events (CSV and Excel).")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End, included; a day means its end. Default: last arrival."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="One JSON line per transition; - is stdout."),
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Say what rules would have done over past events: who would have got how many alerts, and when.

    Needs no running server, changes nothing, tells nobody. Several `--events` and `--rules` may be given.
    Exit code 1: a rule is broken, or no event could be read. Rows that cannot be read are told and left out.
    """
    from stagewatch.commands import backtesting

    ask = backtesting.Ask(rule_paths, events or [], workspace, mapping, until, out, as_json, language(lang))
    end(backtesting.run(ask))


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Rule files or folders.")],
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", metavar="DIR", help="Lends declared fields.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check rules: everything that is wrong, with file, line, column, expected, found and the next step.

    Exit code 1: something is wrong.
    """
    from stagewatch.commands import ruling

    end(ruling.check(paths, workspace, as_json))


def list_(workspace: WorkspaceDir = HERE, as_json: Json = False, lang: Lang = None) -> None:
    """List the rules in force: version, state, open alerts; and files that are broken."""
    from stagewatch.commands import ruling

    end(ruling.list_rules(workspace, as_json, language(lang)))


def run_tests(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Rules, their tests (*.test.yaml), or folders.")
    ],
    as_json: Json = False,
) -> None:
    """Run the tests of rules. Exit code 1: one failed, or could not be read."""
    from stagewatch.commands import ruling

    end(ruling.run_tests(paths, as_json))
