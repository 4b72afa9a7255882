"""`parked`, `dlq`, `confirm-clock`, `rebuild-views`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.errors import StreamError
from schemas.time import format_instant
from stagewatch.commands.arguments import opened
from stagewatch.commands.failures import tell_all
from stagewatch.commands.output import Language, local_time, put_json, put_table, say, tell_cut, told_of
from stagewatch.commands.reading import open_reader
from stagewatch.commands.rowletters import content_of, replay_rows, row_letters
from stagewatch.commands.writer import open_writer
from streams.stores.sqlite_dlq import IMPORT, DeadLetter

TOLD = 20
"""Failures that are told one by one."""


def parked(root: Path, limit: int, as_json: bool, language: Language) -> int:
    """List what waits for unknown parents; the exit code."""
    workspace, settings = opened(root)
    with open_reader(workspace, settings) as reader:
        waiting = reader.parked()
    total, events = len(waiting), sum(item.count for item in waiting)
    waiting = waiting[: limit or None]
    if as_json:
        rows = [
            {
                "entity": item.key,
                "waits_for": item.waits_for,
                "events": item.count,
                "since": format_instant(item.since),
            }
            for item in waiting
        ]
        put_json({"parked": rows, "shown": len(rows), "total": total, "events": events})
        return 0
    zh = language == "zh"
    columns = ("对象", "等待", "事件", "自") if zh else ("entity", "waits for", "events", "since")
    title = f"{'等待上级对象的记录' if zh else 'Records that wait for a parent'}"
    title += f" ({told_of(len(waiting), total, language)}, {events:,} {'个事件' if zh else 'events'})"
    cells = [(i.key, i.waits_for, i.count, local_time(i.since, settings.tz)) for i in waiting]
    put_table(title, columns, cells)
    tell_cut(len(waiting), total, language)
    return 0


def list_letters(root: Path, everything: bool, limit: int, as_json: bool, language: Language) -> int:
    """List dead letters; the exit code."""
    workspace, settings = opened(root)
    with open_reader(workspace, settings) as reader:
        letters = reader.letters.list(replayed=everything, limit=limit or -1)
        total, waiting = reader.letters.count(replayed=everything), reader.letters.count()
    if as_json:
        rows = [_row(letter) for letter in letters]
        put_json({"letters": rows, "shown": len(rows), "total": total, "waiting": waiting})
        return 0
    zh = language == "zh"
    columns = (
        ("编号", "时间", "机器", "主题", "键", "错误", "说明")
        if zh
        else ("number", "at", "machine", "topic", "key", "code", "what")
    )
    cells = [
        (x.id, local_time(x.at, settings.tz), x.machine, x.topic, x.key, x.code, x.error.get("message", ""))
        for x in letters
    ]
    title = f"{'死信' if zh else 'Dead letters'} ({told_of(len(letters), total, language)})"
    put_table(title, columns, cells)
    tell_cut(len(letters), total, language)
    return 0


def show_letter(root: Path, number: int, row: bool) -> int:
    """Show a dead letter, or only the row that it is; the exit code."""
    workspace, settings = opened(root)
    with open_reader(workspace, settings) as reader:
        letter = reader.letters.get(number)
    if letter is None:
        raise StreamError(
            "SW-STREAM-026",
            expected="the number of a dead letter",
            found=str(number),
            next_step="list them with `stagewatch dlq list --all`",
        )
    if row:
        if letter.machine != IMPORT:
            raise _no_row(number)
        content = content_of(letter)
        if isinstance(content, str):
            say(content)
        else:
            put_json(content)
        return 0
    put_json({**_row(letter), "record": letter.what})
    return 0


def replay(root: Path, number: int | None, row: Path | None, as_json: bool) -> int:
    """Replay one letter, or all; the exit code. row: the file with the letter's row as it was put right."""
    workspace, settings = opened(root)
    with open_reader(workspace, settings) as reader:
        waiting = reader.letters.list(limit=-1)
        before = reader.letters.mark()
    numbers = [letter.id for letter in waiting] if number is None else [number]
    rows = row_letters(letter for letter in waiting if letter.id in set(numbers))
    if row is not None and not rows:
        raise _no_row(number)
    of_rows = {letter.id for letter in rows}
    with open_writer(workspace, settings) as writer:
        failed = replay_rows(writer, rows, settings, row)
        unseen = writer.replay([one for one in numbers if one not in of_rows])
    with open_reader(workspace, settings) as reader:
        again = [_row(letter) for letter in reader.letters.since(before)]
    again += [{**_row(letter), "error": error.to_dict()} for letter, error in failed]
    if as_json:
        put_json({"replayed": numbers, "failed_again": again, "unseen": unseen and unseen.to_dict()})
    else:
        tell_all(error for _, error in failed[:TOLD])
        say(f"replayed: {len(numbers)}, failed again: {len(again)}")
        if unseen is not None:
            tell_all([unseen])
            say("brought back all the same: what fails again will show in `stagewatch dlq list`")
    return 1 if again else 0


def _no_row(number: int | None) -> StreamError:
    return StreamError(
        "SW-STREAM-026",
        place="--row",
        expected="the number of a dead letter that is a row of an import, and waits",
        found=str(number),
        next_step="list them with `stagewatch dlq list`: their machine is `import`",
    )


def ask(root: Path, name: str, as_json: bool) -> int:
    """Have the writer do something that has no arguments; the exit code."""
    workspace, settings = opened(root)
    with open_writer(workspace, settings) as writer:
        answer = writer.ask(name, {})
    if as_json:
        put_json(answer)
    else:
        say("done")
    return 0


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": letter.id,
        "at": format_instant(letter.at),
        "machine": letter.machine,
        "topic": letter.topic,
        "key": letter.key,
        "position": letter.position,
        "replayed": letter.replayed,
        "error": letter.error,
    }
