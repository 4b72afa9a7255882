"""Writes docs/reference/cli.md from the commands and docs/reference/events.md from the schemas:
`python -m stagewatch.docs`. The words are theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer.core
import typer.main

from schemas.events.registry import EVENT_MODELS, KINDS, Kind
from schemas.fields import DERIVED, REFERENCES
from schemas.introspection import FieldInfo, fields_of
from schemas.parents import PARENTS
from stagewatch.cli.main import app

COMMON = ("org", "owner", "ids")
"""Fields that most kinds have; told once, at the top of the page."""

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

EVENTS_HEAD = """# Events

Written by `python -m stagewatch.docs` from `schemas/`; a test keeps it equal.

An event is a CloudEvents 1.0 record in JSON; in files one per line.

    {"specversion": "1.0", "id": "crm-8817", "source": "crm/mine", "type": "opportunity.stage_changed",
     "time": "2026-03-02T09:30:00Z",
     "data": {"opportunity": "O-1", "account": "A-1", "stage": "quote", "amount": "1054.00"}}

* `source` and `id` name the event: the same pair is the same event, however often it comes. The same pair
  for the same entity with other content is refused.
* `time` is when it happened: RFC 3339 with an offset, or a date. A date is known only by its day, as with the
  extension `precision: day`; a deadline from it counts from the day's end.
* `recordedtime`, an extension, is when it was entered. The past is ordered by it, else by `time`.
* Ids are text. Money is decimal text (`"1054.00"`) or an integer, with `currency`; never a float.
* A field that is absent is unchanged; `null` clears it. Unknown fields and types are kept; a rule may use
  an unknown field when `[fields]` in the settings gives its type. A known field of a wrong type is refused.
* Nearly every kind has `.corrected` and `.deleted`. `data.event` (and `data.source`, by default its own)
  names the event that is corrected or taken back. The correction's `data` is merged over that event's;
  `data.time` moves it. `.deleted` without `event` deletes the entity.
* Every entity may carry `org`, `owner` and `ids: [{namespace, id}]`, further native ids. An absent owner is
  the opportunity's, else the account's; that of a visit is `by`.
* An entity that names no account belongs to the account of its parent: the first one below that it names.
  While nobody has named that parent, its events are parked.

The types have JSON Schemas in `schemas/published/`.
"""

HEAD = """# The command line

Written by `python -m stagewatch.docs`; a test keeps it equal to the commands.

Commands that answer take `--json`; all take `--help`. The workspace is the current directory unless
`--workspace` or the variable `STAGEWATCH_WORKSPACE` names another; `--by` may come from
`STAGEWATCH_PERSON`. While a server runs the workspace, commands that change something go to it by HTTP with
the token kept in the workspace; otherwise they open the workspace themselves.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused, or something was wrong: a coded error on stderr, a rejected row, a broken rule, a failed test |
| 2 | the command line itself was wrong |
"""


def reference() -> str:
    """The page."""
    group = typer.main.get_command(app)
    return HEAD + "".join(_section(group, "stagewatch"))


def _section(command: object, name: str) -> Iterator[str]:
    if isinstance(command, typer.core.TyperGroup):
        for child in sorted(command.commands):
            yield from _section(command.commands[child], f"{name} {child}")
        return
    if isinstance(command, typer.core.TyperCommand):
        yield from _command(command, name)


def _command(command: typer.core.TyperCommand, name: str) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join([name, *(p.metavar or str(p.name).upper() for p in arguments)])
    yield f"\n## {name}\n\n    {usage}\n\n{(command.help or '').strip()}\n\n"
    for param in [*arguments, *options]:
        yield f"* {_name(param)}: {getattr(param, 'help', None) or ''}\n"
    lines = (command.epilog or "").splitlines()
    examples = [line.strip().strip("`") for line in lines if line.startswith("`")]
    if examples:
        yield "\nExamples:\n\n" + "".join(f"    {line}\n" for line in examples)


def _name(param: typer.core.TyperArgument | typer.core.TyperOption | object) -> str:
    if isinstance(param, typer.core.TyperOption):
        metavar = "" if param.is_flag else f" {param.metavar or 'VALUE'}"
        return f"`{', '.join(param.opts)}{metavar}`"
    return f"`{getattr(param, 'metavar', None) or str(getattr(param, 'name', '')).upper()}`"


def event_reference() -> str:
    """The page of events."""
    return EVENTS_HEAD + "".join("".join(_kind(kind)) for kind in KINDS.values())


def _kind(kind: Kind) -> Iterator[str]:
    types = {name: model for name, model in EVENT_MODELS.items() if name.rpartition(".")[0] == kind.name}
    yield f"\n## {kind.name}\n\n{_first(kind.fields.__doc__)}\n\n"
    named = "; an event without it names its entity by its own id" if kind.event_names_it else ""
    yield f"Id: `{kind.id_field}`{named}."
    parents = [f"`{field}`" if field == of else f"`{field}` (a {of})" for field, of in PARENTS[kind.name]]
    yield f" Parents, in order of trust: {', '.join(parents)}.\n\n" if parents else "\n\n"
    yield "| type | says | needs |\n|---|---|---|\n"
    for name, model in types.items():
        needs = [f"`{field}`" for field, info in fields_of(model).items() if info.required]
        yield f"| `{name}` | {_first(model.__doc__)} | {', '.join(needs)} |\n"
    yield from _fields(kind)


def _fields(kind: Kind) -> Iterator[str]:
    known = fields_of(kind.fields).items()
    fields = [f"`{name}` {_type(kind.name, name, info)}" for name, info in known if name not in COMMON]
    yield f"\nFields: {', '.join(fields)}.\n"
    derived = [f"`{name}` {of.value}" for name, of in DERIVED[kind.name].items()]
    yield f"\nDerived, for rules: {', '.join(derived)}.\n"


def _type(kind: str, name: str, info: FieldInfo) -> str:
    target = REFERENCES.get((kind, name))
    inside = ", ".join(f"`{part}` {inner.mark.type.value}" for part, inner in info.items.items())
    return f"{info.mark.type.value}{f' ({target})' if target else ''}{f' ({inside})' if inside else ''}"


def _first(text: str | None) -> str:
    """The first paragraph of a docstring in one line, double back-quotes made single."""
    return " ".join((text or "").strip().split("\n\n")[0].split()).replace("``", "`")


def main() -> int:
    """Write the pages into the checkout this file is in."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in {"cli.md": reference(), "events.md": event_reference()}.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
