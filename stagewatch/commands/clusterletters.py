"""`dlq list`, `show` and `replay` of a cluster: its dead letters are topics, read and answered through Kafka.

A letter that was replayed is taken once, whoever asks again; what fails again is a new letter.
"""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.errors import StreamError
from schemas.time import format_instant
from stagewatch.commands.output import Language, local_time, put_json, put_table, say, tell_cut, told_of
from stagewatch.settings import Settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import Letter, letters_of
from streams.runtimes.cluster.dlq import replay as replay_letters


def list_letters(
    workspace: Workspace, settings: Settings, limit: int, as_json: bool, language: Language
) -> int:
    """List the letters that are kept; the exit code."""
    letters = _letters(cluster_of(workspace, settings, Run()))
    total, letters = len(letters), letters[: limit or None]
    if as_json:
        rows = [_row(letter) for letter in letters]
        put_json({"letters": rows, "shown": len(rows), "total": total})
        return 0
    zh = language == "zh"
    columns = (
        ("编号", "时间", "机器", "位置", "错误", "说明")
        if zh
        else ("number", "at", "machine", "position", "code", "what")
    )
    cells = [
        (
            x.number,
            local_time(int(x.value["at"]), settings.tz),
            x.value["machine"],
            x.name,
            x.code,
            x.value["error"].get("message", ""),
        )
        for x in letters
    ]
    put_table(
        f"{'死信' if zh else 'Dead letters'} ({told_of(len(letters), total, language)})", columns, cells
    )
    tell_cut(len(letters), total, language)
    return 0


def show_letter(workspace: Workspace, settings: Settings, number: int) -> int:
    """Show a letter whole; the exit code."""
    letter = _letter(cluster_of(workspace, settings, Run()), number)
    put_json({**_row(letter), "record": letter.value["what"], "raw": letter.value["raw"]})
    return 0


def replay(workspace: Workspace, settings: Settings, number: int | None, as_json: bool) -> int:
    """Hand a letter, or all, to the machines once more; the exit code."""
    cluster = cluster_of(workspace, settings, Run())
    names = None if number is None else [_letter(cluster, number).name]
    handed = asyncio.run(replay_letters(cluster, names))
    if as_json:
        put_json({"replayed": handed})
    else:
        say(f"handed in again: {len(handed)}; what fails again is a new letter")
    return 0


def _letters(cluster: Cluster) -> list[Letter]:
    return sorted(asyncio.run(letters_of(cluster)), key=lambda letter: letter.number)


def _letter(cluster: Cluster, number: int) -> Letter:
    found = [letter for letter in _letters(cluster) if letter.number == number]
    if not found:
        raise StreamError(
            "SW-STREAM-026",
            expected="the number of a dead letter",
            found=str(number),
            next_step="list them with `stagewatch dlq list`",
        )
    return found[0]


def _row(letter: Letter) -> dict[str, Any]:
    value = letter.value
    return {
        "number": letter.number,
        "letter": letter.name,
        "at": format_instant(int(value["at"])),
        "machine": value["machine"],
        "topic": value["topic"],
        "position": value["position"],
        "error": value["error"],
    }
