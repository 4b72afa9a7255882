"""`alerts|tasks|approvals` list and act. Ids may be given by a unique beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rules.lifecycle import TABLES
from schemas.errors import CommandError, show
from schemas.time import format_instant
from stagewatch.commands.arguments import one_of, opened, read_entity, read_later, wrong
from stagewatch.commands.output import Language, put_json, say
from stagewatch.commands.reading import open_reader
from stagewatch.commands.standing import item_row, put_items
from stagewatch.commands.writer import Writer, open_writer
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.views.port import Item, ViewReader

KINDS = {"alerts": "alert", "tasks": "task", "approvals": "approval"}
"""Topic -> kind of item."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which items are wanted."""

    state: Sequence[str]
    rule: str | None
    account: str | None
    person: str | None
    entity: str | None
    everything: bool
    limit: int

    def equal(self) -> dict[str, list[str]]:
        """As the view takes them."""
        found: dict[str, list[str]] = {}
        singles = (("rule", self.rule), ("account", self.account), ("receiver", self.person))
        found.update({name: [value] for name, value in singles if value is not None})
        if self.state:
            found["state"] = list(self.state)
        if self.entity is not None:
            kind, native = read_entity(self.entity)
            found |= {"entity": [kind], "key": [native]}
        return found


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person wants to do to an item."""

    topic: str
    command: str
    ident: str
    by: str
    text: str
    until: str | None = None
    to: str | None = None


def list_items(topic: str, root: Path, wanted: Filters, as_json: bool, language: Language) -> int:
    """List items; the exit code."""
    workspace, settings = opened(root)
    for state in wanted.state:
        one_of(state, sorted(filter(None, TABLES[KINDS[topic]])), "--state")
    with open_reader(workspace, settings) as reader:
        open_only = not wanted.everything and not wanted.state
        filters, limit = wanted.equal(), wanted.limit or -1
        items = reader.views.items(topic, open_only=open_only, limit=limit, filters=filters)
        total = reader.views.count(topic, open_only=open_only, filters=filters)
        still_open = reader.views.count_open(topic)
    if as_json:
        rows = [item_row(item) for item in items]
        put_json({topic: rows, "shown": len(rows), "total": total, "open": still_open})
        return 0
    put_items(topic, items, total, settings.tz, language)
    return 0


def find(view: ViewReader, topic: str, ident: str) -> Item:
    """The item whose id begins so.

    Raises:
        CommandError: SW-CMD-001 none, SW-CMD-008 several.
    """
    found = view.find(topic, ident) if ident else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(
            "SW-CMD-001",
            place=f"{topic} {show(ident)}",
            expected="an id, or the beginning of one",
            found="none begins so",
            next_step=f"list them: stagewatch {topic} list --all",
        )
    raise CommandError(
        "SW-CMD-008",
        place=f"{topic} {show(ident)}",
        expected="a beginning that only one id has",
        found=", ".join(item.id[: len(ident) + 4] for item in found[:5]),
        next_step="give more digits",
    )


def act(root: Path, deed: Deed, as_json: bool) -> int:
    """Carry a deed out, by the server or by this process; the exit code."""
    workspace, settings = opened(root)
    if not deed.by.strip():
        raise wrong("--by", "a person's id", deed.by, "say who does it")
    item = _target(workspace, settings, deed)
    with open_writer(workspace, settings) as writer:
        outcome = writer.command(_command(deed, item, writer, settings))
    answer = {**outcome, "command": deed.command, "id": item.id, "alert": str(item.value["alert"])}
    if as_json:
        put_json(answer)
    else:
        say(
            f"{answer['status']}: {deed.command} {item.id[:12]} {item.value['entity']}:{item.value['key']}"
            f" — {item.value.get('title', '')}"
        )
    return 0 if answer["status"] in ("done", "pending") else 1


def _target(workspace: Workspace, settings: Settings, deed: Deed) -> Item:
    with open_reader(workspace, settings) as reader:
        return find(reader.views, deed.topic, deed.ident)


def _command(deed: Deed, item: Item, writer: Writer, settings: Settings) -> dict[str, object]:
    command: dict[str, object] = {
        "command": deed.command,
        "alert": str(item.value["alert"]),
        "key": str(item.value["home"]),
        "seen": item.n,
        "by": deed.by,
        "text": deed.text,
    }
    if deed.topic != "alerts":
        command["item"] = item.id
    if deed.until is not None:
        command["until"] = format_instant(read_later(deed.until, writer.now(), settings.tz, "--for"))
    if deed.to is not None:
        command["to"] = deed.to
    return command
