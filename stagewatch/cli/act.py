"""Commands by which people act: alerts, tasks, approvals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stagewatch.cli.options import By, Json, Lang, Limit, Text, WorkspaceDir, end, epilog, language

HERE = Path(".")
PANEL = "What people do"

Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or the beginning of it.")]
State = Annotated[
    list[str] | None, typer.Option("--state", help="Only in this state; may stand several times.")
]
All = Annotated[bool, typer.Option("--all", help="Closed ones too.")]

alerts = typer.Typer(help="List alerts; acknowledge, snooze, resolve them.", no_args_is_help=True)
tasks = typer.Typer(help="List tasks; finish or cancel them.", no_args_is_help=True)
approvals = typer.Typer(help="List approvals; decide or delegate them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for topic, group in (("alerts", alerts), ("tasks", tasks), ("approvals", approvals)):
        group.command(
            "list",
            epilog=epilog(
                f"stagewatch {topic} list -w my-sales",
                f"stagewatch {topic} list --person li.lei --rule stale-opportunity",
                f"stagewatch {topic} list --all --entity opportunity:O-17 --json",
            ),
        )(_lister(topic))
        app.add_typer(group, name=topic, rich_help_panel=PANEL)
    alerts.command(epilog=epilog("stagewatch alerts ack 3f2a --by li.lei"))(ack)
    alerts.command(
        epilog=epilog(
            "stagewatch alerts snooze 3f2a --for 2d --by li.lei",
            "stagewatch alerts snooze 3f2a --for 2026-07-01 --by li.lei",
        )
    )(snooze)
    alerts.command(epilog=epilog('stagewatch alerts resolve 3f2a --by li.lei --text "customer called"'))(
        resolve
    )
    tasks.command(epilog=epilog("stagewatch tasks done 9c01 --by li.lei"))(done)
    tasks.command(epilog=epilog("stagewatch tasks cancel 9c01 --by li.lei"))(cancel)
    for name in ("approve", "reject", "return"):
        text = ' --text "discount too high"' if name != "approve" else ""
        example = f"stagewatch approvals {name} 77be --by qian.ye{text}"
        approvals.command(name, epilog=epilog(example), help=_DECIDES[name])(_decider(name))
    approvals.command(epilog=epilog("stagewatch approvals delegate 77be --by qian.ye --to wang.fang"))(
        delegate
    )


_DECIDES = {
    "approve": "Agree. With several approvers of a step, each agrees for himself.",
    "reject": "Refuse: the approval ends.",
    "return": "Send it back to be changed: the approval ends.",
}


def _lister(topic: str) -> Callable[..., None]:
    def list_(
        workspace: WorkspaceDir = HERE,
        state: State = None,
        rule: Annotated[str | None, typer.Option("--rule", help="Only of this rule.")] = None,
        account: Annotated[str | None, typer.Option("--account", help="Only of this customer.")] = None,
        person: Annotated[str | None, typer.Option("--person", help="Only what this person has.")] = None,
        entity: Annotated[
            str | None, typer.Option("--entity", metavar="KIND:ID", help="Only of this record.")
        ] = None,
        everything: All = False,
        limit: Limit = 100,
        as_json: Json = False,
        lang: Lang = None,
    ) -> None:
        from stagewatch.commands import acting

        wanted = acting.Filters(state or [], rule, account, person, entity, everything, limit)
        end(acting.list_items(topic, workspace, wanted, as_json, language(lang)))

    list_.__doc__ = f"List {topic}: the open ones, newest first."
    return list_


def ack(ident: Id, by: By, workspace: WorkspaceDir = HERE, text: Text = "", as_json: Json = False) -> None:
    """Acknowledge an alert: reminders stop."""
    _act(workspace, ("alerts", "ack", ident, by, text), as_json)


def snooze(
    ident: Id,
    by: By,
    until: Annotated[str, typer.Option("--for", metavar="TIME", help="How long (2d), or to when.")] = "1d",
    workspace: WorkspaceDir = HERE,
    text: Text = "",
    as_json: Json = False,
) -> None:
    """Put an alert off: whoever was told is told again when the time has passed."""
    _act(workspace, ("alerts", "snooze", ident, by, text), as_json, until=until)


def resolve(
    ident: Id, by: By, workspace: WorkspaceDir = HERE, text: Text = "", as_json: Json = False
) -> None:
    """Resolve an alert by hand: it is over, its open tasks and approvals end with it."""
    _act(workspace, ("alerts", "resolve", ident, by, text), as_json)


def done(ident: Id, by: By, workspace: WorkspaceDir = HERE, text: Text = "", as_json: Json = False) -> None:
    """Finish a task."""
    _act(workspace, ("tasks", "task.done", ident, by, text), as_json)


def cancel(ident: Id, by: By, workspace: WorkspaceDir = HERE, text: Text = "", as_json: Json = False) -> None:
    """Cancel a task: it will not be done."""
    _act(workspace, ("tasks", "task.cancel", ident, by, text), as_json)


def delegate(
    ident: Id,
    by: By,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who shall decide instead.")],
    workspace: WorkspaceDir = HERE,
    text: Text = "",
    as_json: Json = False,
) -> None:
    """Pass an approval on to somebody else."""
    _act(workspace, ("approvals", "delegate", ident, by, text), as_json, to=to)


def _decider(name: str) -> Callable[..., None]:
    def decide(
        ident: Id, by: By, workspace: WorkspaceDir = HERE, text: Text = "", as_json: Json = False
    ) -> None:
        _act(workspace, ("approvals", name, ident, by, text), as_json)

    return decide


def _act(workspace: Path, deed: tuple[str, str, str, str, str], as_json: bool, **more: str) -> None:
    """deed: topic, command, id, by, text."""
    from stagewatch.commands import acting

    end(acting.act(workspace, acting.Deed(*deed, **more), as_json))
