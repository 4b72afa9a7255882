"""`stagewatch backtest`: rules over past events, in memory. Reads files, changes nothing, tells nobody.

History is ordered by (arrival, file, line); it ends at `--until`, else at the last arrival not after the
start
of the command. Rows after `--until` are left out; other rows from the future enter last, at the end.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from connectors.sources.files import (
    ImportItem,
    ImportReport,
    Rejected,
    load_mapping,
    read_events,
    sort_history,
)
from schemas.errors import CommandError, StagewatchError
from schemas.time import format_instant
from stagewatch.commands.arguments import opened, read_until
from stagewatch.commands.failures import tell_all
from stagewatch.commands.output import Language, note, put_json, put_table, say
from stagewatch.commands.progress import Told, bar
from stagewatch.commands.reading import open_reader
from stagewatch.settings import Settings
from stagewatch.workspace.inforce import Wanted, changes
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.people import load_people
from stagewatch.workspace.rulefiles import read_rules
from streams.backtest import Backtest, Plan, patient_collector

STEP = 2_000
TOLD = 20
"""Rejected rows that are told one by one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The command's arguments."""

    rules: Sequence[Path]
    events: Sequence[Path]
    workspace: Path | None
    mapping: Path | None
    until: str | None
    out: Path | None
    as_json: bool
    language: Language


@dataclass(slots=True)
class _Result:
    lines: list[dict[str, Any]] = field(default_factory=list)
    end: int = 0
    events: int = 0
    left_out: int = 0
    at_end: int = 0
    rejected: list[StagewatchError] = field(default_factory=list)
    refused: list[tuple[str, StagewatchError]] = field(default_factory=list)
    system: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def run(ask: Ask) -> int:
    """Backtest; the exit code."""
    now = time.time_ns() // 1000
    workspace, settings = (None, Settings()) if ask.workspace is None else opened(ask.workspace)
    rules = read_rules(ask.rules, settings.declared)
    if rules.errors or not rules.rules:
        tell_all(rules.errors or [_nothing("--rules", "at least one rule", ask.rules)])
        return 1
    until = read_until(ask.until, settings.tz)
    plan = Plan([(r.id, r.text) for r in rules.rules if r.enabled], settings.shared(), settings.namespaces)
    result = _Result()
    started = time.perf_counter()
    with patient_collector(), bar("backtest", not ask.as_json) as told:
        test = Backtest(plan)
        _people(test, workspace, settings)
        if ask.events:
            _feed_files(test, ask, settings, now, until, result, told)
        else:
            _feed_log(test, _needed(workspace, ask), settings, until, result, told)
        if result.events:
            result.lines = test.finish(result.end)
        result.refused = list(test.refused())
        result.system = dict(test.system)
    result.seconds = time.perf_counter() - started
    return _answer(ask, result)


def _needed(workspace: Workspace | None, ask: Ask) -> Workspace:
    if workspace is None:
        raise _nothing("--events", "--events FILE, or --workspace DIR with a log", ask.events)
    return workspace


def _nothing(place: str, expected: str, paths: Sequence[Path]) -> CommandError:
    found = ", ".join(map(str, paths)) or "nothing"
    return CommandError(
        "SW-CMD-009", place=place, expected=expected, found=found, next_step="name other files"
    )


def _people(test: Backtest, workspace: Workspace | None, settings: Settings) -> None:
    """The people of the workspace's file, as if they had always been there."""
    if workspace is None:
        return
    wanted = Wanted(settings.shared(), (), load_people(workspace.people, settings.tz))
    nothing: dict[str, Any] = {}
    for entry in changes(wanted, lambda bucket: nothing, 0):
        test.prepare(entry)


# -- events of files ----------------------------------------------------------------------------------------


def _feed_files(
    test: Backtest, ask: Ask, settings: Settings, now: int, until: int | None, result: _Result, told: Told
) -> None:
    mapping = None if ask.mapping is None else load_mapping(ask.mapping)
    report = ImportReport()
    items = read_events(ask.events, mapping, zone=settings.tz, now=now)
    horizon = now if until is None else until
    last = 0
    for number, item in enumerate(sort_history(report.watch(_rejects(items, result)))):
        if number % STEP == 0:
            told(number, sum(file.events.total() for file in report.files))
        if item.arrival <= horizon:
            last = item.arrival
        elif until is not None:
            result.left_out += 1
            continue
        else:
            result.at_end += 1
        test.event(item.event, item.arrival if item.arrival <= horizon else max(last, 0))
        result.events += 1
    result.end = until if until is not None else last


def _rejects(items: Iterator[ImportItem], result: _Result) -> Iterator[ImportItem]:
    for item in items:
        if isinstance(item, Rejected):
            result.rejected.append(item.error)
        yield item


# -- events of a workspace's log ----------------------------------------------------------------------------


def _feed_log(
    test: Backtest, workspace: Workspace, settings: Settings, until: int | None, result: _Result, told: Told
) -> None:
    with open_reader(workspace, settings) as reader:
        (total, entries), last = reader.history(), 0
        for number, entry in enumerate(entries):
            if number % STEP == 0:
                told(number, total)
            if until is not None and entry.at > until:
                result.left_out += 1
                continue
            last = entry.at
            test.entry(entry)
            result.events += 1
    result.end = until if until is not None else last


# -- the answer ---------------------------------------------------------------------------------------------


def _answer(ask: Ask, result: _Result) -> int:
    if ask.out is not None:
        _write(ask.out, result.lines)
    shown = [*result.rejected[:TOLD], *(error for _, error in result.refused[:TOLD])]
    tell_all(shown)
    hidden = len(result.rejected) + len(result.refused) - len(shown)
    if hidden > 0:
        note(f"... and {hidden:,} more rejected")
    if ask.out != Path("-"):
        (_put_json if ask.as_json else _put_text)(ask, result)
    return 0 if result.events else 1


def _write(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    encode = msgspec.json.Encoder().encode
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = sys.stdout.buffer if path == Path("-") else stack.enter_context(path.open("wb"))
        for line in lines:
            file.write(encode(line) + b"\n")
        file.flush()


def _summary(result: _Result) -> dict[str, Any]:
    fired = [line for line in result.lines if line["state"] == "firing" and line.get("was") is None]
    last: dict[str, str] = {line["alert"]: line["state"] for line in result.lines}
    rules: dict[str, dict[str, Any]] = {}
    for rule in sorted({line["rule"] for line in result.lines}):
        mine = {line["alert"] for line in result.lines if line["rule"] == rule}
        receivers = Counter(p for f in fired if f["rule"] == rule for p in f.get("receivers") or ())
        rules[rule] = {
            "alerts": sum(1 for f in fired if f["rule"] == rule),
            "ended": dict(Counter(last[alert] for alert in mine)),
            "receivers": dict(receivers.most_common()),
        }
    return {
        "events": result.events,
        "end": format_instant(result.end),
        "transitions": len(result.lines),
        "alerts": len(fired),
        "left_out": result.left_out,
        "from_the_future": result.at_end,
        "rejected": len(result.rejected),
        "refused": len(result.refused),
        "seconds": round(result.seconds, 3),
        "system": result.system,
        "rules": rules,
    }


def _put_json(ask: Ask, result: _Result) -> None:
    errors = [error.to_dict() for error in result.rejected]
    refused = [{"event": name, **error.to_dict()} for name, error in result.refused]
    answer = {**_summary(result), "errors": errors, "refusals": refused}
    if ask.out is None:
        answer["lines"] = result.lines
    put_json(answer)


def _put_text(ask: Ask, result: _Result) -> None:
    summary, zh = _summary(result), ask.language == "zh"
    title = f"{'回测至' if zh else 'Backtest to'} {summary['end']}"
    columns = ("规则", "预警", "结局", "接收人") if zh else ("rule", "alerts", "as they stand", "receivers")
    rows = [
        (
            rule,
            found["alerts"],
            ", ".join(f"{state} {count}" for state, count in sorted(found["ended"].items())),
            ", ".join(f"{person} {count}" for person, count in list(found["receivers"].items())[:6]),
        )
        for rule, found in summary["rules"].items()
    ]
    put_table(title, columns, rows)
    rate = result.events / max(result.seconds, 1e-9)
    say(
        f"{'事件' if zh else 'Events'}: {result.events:,}"
        f"  {'变化' if zh else 'transitions'}: {len(result.lines):,}"
        f"  {'拒绝' if zh else 'rejected'}: {len(result.rejected) + len(result.refused):,}"
        f"  ({result.seconds:.1f} s, {rate:,.0f}/s)"
    )
    for rule, count in result.system.items():
        say(f"{'系统预警' if zh else 'Alerts of the system'} {rule}: {count:,}")
    if ask.out is not None:
        say(f"{'已写入' if zh else 'Written to'} {ask.out}")
