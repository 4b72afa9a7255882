"""`stagewatch migrate`: a workspace into a cluster and back, or into other partitions; and the way back.

The wiring of source and target is here; what is copied is decided in `streams.runtimes.migration`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from schemas.errors import CommandError, StreamError
from schemas.time import format_instant
from stagewatch.commands.arguments import one_of, opened, wrong
from stagewatch.commands.output import Language, put_json, say
from stagewatch.commands.progress import bar
from stagewatch.service.carried import Carried, carry_over, every, unsent
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.outbox import Outbox
from streams.runtimes.migration.copying import Copied, Copy
from streams.runtimes.migration.embedded import EmbeddedSource, EmbeddedTarget
from streams.runtimes.migration.ports import Source, Target
from streams.stores.log import Logged

Kind = Literal["embedded", "cluster"]
KINDS = ("embedded", "cluster")


@dataclass(frozen=True, slots=True)
class Place:
    """An end of a move: what it is, and the workspace whose settings and data it has."""

    kind: str
    workspace: Workspace
    settings: Settings


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for, as the command says. into: the target. came_from: kind of the source."""

    root: Path
    to: str | None
    into: Path | None
    came_from: str | None
    partitions: int | None


def migrate(ask: Ask, as_json: bool, language: Language) -> int:
    """Move; returns when the target is in use."""
    source, target = _places(ask)
    partitions = _partitions(ask, target)
    begun = time.monotonic()
    copied, carried = asyncio.run(_move(source, target, partitions, shown=not as_json))
    seconds = round(time.monotonic() - begun, 3)
    answer = {
        "from": {"kind": source.kind, "workspace": str(source.workspace.root)},
        "to": {"kind": target.kind, "workspace": str(target.workspace.root), "partitions": partitions},
        **asdict(copied),
        **asdict(carried),
        "at": format_instant(copied.at) if copied.at >= 0 else None,
        "seconds": seconds,
    }
    if as_json:
        put_json(answer)
    else:
        _tell(answer, language)
    return 0


def take_back(root: Path, came_from: str | None, as_json: bool) -> int:
    """Take the mark of a move away from its source."""
    workspace, settings = opened(root)
    kind = one_of(came_from or ("cluster" if settings.cluster else "embedded"), KINDS, "--from")
    if kind == "embedded":
        with EmbeddedSource(workspace.data) as source:
            source.take_back()
    else:
        asyncio.run(_take_back(Place(kind, workspace, settings)))
    if as_json:
        put_json({"workspace": str(root), "kind": kind, "in_use": True})
    else:
        say(f"In use here again: {root} ({kind}). What it was moved to must not run any more.")
    return 0


# -- which to which ------------------------------------------------------------------------------------------


def _places(ask: Ask) -> tuple[Place, Place]:
    to = one_of(ask.to or "", KINDS, "--to")
    workspace, settings = opened(ask.root)
    elsewhere = ask.into is not None and ask.into.resolve() != ask.root.resolve()
    if elsewhere:
        kind = "cluster" if settings.cluster is not None else "embedded"
    else:
        kind = "embedded" if to == "cluster" else "cluster"
    source = Place(one_of(ask.came_from or kind, KINDS, "--from"), workspace, settings)
    if not elsewhere and source.kind == to:
        raise CommandError(
            "SW-CMD-009",
            place="--into",
            expected="another workspace, since both are of the same kind",
            found=str(ask.into or ask.root),
            next_step="make one by `stagewatch init`, copy settings, rules and people to it, and name it",
        )
    target = Place(to, *opened(ask.into)) if ask.into is not None and elsewhere else None
    return source, target or Place(to, workspace, settings)


def _partitions(ask: Ask, target: Place) -> int:
    """How many the target has: as asked, else by its settings, which have the last word in a cluster."""
    set_up = (
        target.settings.need_cluster().partitions if target.kind == "cluster" else target.settings.partitions
    )
    if target.kind == "cluster" and ask.partitions not in (None, set_up):
        step = "leave it out, or change cluster.partitions in the target's settings"
        raise wrong("--partitions", f"{set_up}, as [cluster] says", str(ask.partitions), step)
    return ask.partitions or set_up


# -- moving --------------------------------------------------------------------------------------------------


async def _move(source: Place, target: Place, partitions: int, *, shown: bool) -> tuple[Copied, Carried]:
    async with contextlib.AsyncExitStack() as stack:
        old, messages = await _source(stack, source, target)
        new: Target
        if target.kind == "embedded":
            new = stack.enter_context(EmbeddedTarget(target.workspace.data, partitions))
        else:
            new = await _cluster_target(stack, target)
        with bar("migrate", shown) as told:
            copy = Copy(old, new, messages, told)
            copied = await copy.run()
        carried = await _carried(old, new, source, target)
        await copy.hand_over()
    return copied, carried


async def _carried(old: Source, new: Target, source: Place, target: Place) -> Carried:
    if isinstance(old, EmbeddedSource) and isinstance(new, EmbeddedTarget):
        return carry_over(source.workspace.database, new.database)
    from stagewatch.commands.carrying import carry

    return await carry(old, new, source.settings, target.settings)


async def _source(
    stack: contextlib.AsyncExitStack, source: Place, target: Place
) -> tuple[Source, AsyncIterator[Logged]]:
    if source.kind == "cluster":
        return await _cluster_source(stack, source)
    old = stack.enter_context(EmbeddedSource(source.workspace.data))
    return old, (every if target.kind == "embedded" else unsent)(old.database)


async def _cluster_source(
    stack: contextlib.AsyncExitStack, source: Place
) -> tuple[Source, AsyncIterator[Logged]]:
    from stagewatch.worker.server import Run, cluster_of
    from streams.runtimes.migration.cluster_source import ClusterSource

    cluster = cluster_of(source.workspace, source.settings, Run())
    _refuse_spilled(cluster.data / "outbox" / "outbox.db")
    old = await stack.enter_async_context(ClusterSource(cluster))
    return old, old.unsent()


async def _cluster_target(stack: contextlib.AsyncExitStack, target: Place) -> Target:
    from stagewatch.worker.server import Run, cluster_of
    from streams.runtimes.migration.cluster_target import ClusterTarget

    return await stack.enter_async_context(
        ClusterTarget(cluster_of(target.workspace, target.settings, Run()))
    )


async def _take_back(place: Place) -> None:
    from stagewatch.worker.server import Run, cluster_of
    from streams.runtimes.migration.cluster_source import take_back

    await take_back(cluster_of(place.workspace, place.settings, Run()))


def _refuse_spilled(path: Path) -> None:
    """Entries that a worker of this folder took while Kafka was away must be in Kafka first."""
    if not os.path.exists(path):
        return
    with contextlib.closing(Outbox(path.parent)) as outbox:
        waiting = outbox.waiting + outbox.refused
    if waiting:
        raise StreamError(
            "SW-STREAM-073",
            place=str(path),
            expected="no entries that wait for Kafka",
            found=f"{waiting}",
            next_step="start a worker of this workspace until its outbox is empty, and stop it again",
        )


# -- telling -------------------------------------------------------------------------------------------------

WORDS = {
    "rows": ("行", "rows"),
    "waits": ("等待中的期限", "waits"),
    "records": ("日志记录", "records of the log"),
    "messages": ("待发送的消息", "messages to be sent"),
    "receipts": ("已发送或失败的消息", "messages sent or failed"),
    "links": ("已用过的链接", "links that were used"),
    "letters": ("死信", "dead letters"),
    "epoch": ("纪元", "epoch"),
}
LINKS_LOST = (
    "  原集群的 Redis 无法访问：用过的链接没有带过来；已经作出的决定不会再变",
    "  The old cluster's Redis does not answer: used links are not known; what was decided stays decided",
)


def _tell(answer: dict[str, Any], language: Language) -> None:
    zh = language == "zh"
    old, new = answer["from"], answer["to"]
    ends = f"{old['workspace']} ({old['kind']}) → {new['workspace']} ({new['kind']})"
    parts = f"{new['partitions']} {'个分区' if zh else 'partitions'}"
    say(f"{'已迁移' if zh else 'Moved'} {ends}, {parts}, {answer['seconds']} s")
    for name, words in WORDS.items():
        count = "?" if answer[name] is None else f"{answer[name]:,}"
        say(f"  {words[0 if zh else 1]:<24} {count}")
    if answer["links"] is None:
        say(LINKS_LOST[0 if zh else 1])
    say()
    command = "worker" if new["kind"] == "cluster" else "run"
    say(f"{'下一步' if zh else 'Next'}:  stagewatch {command} -w {new['workspace']}")
