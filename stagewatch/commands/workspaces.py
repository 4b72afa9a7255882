"""`stagewatch init` and `stagewatch status`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.time import format_instant, parse_instant
from stagewatch.commands.arguments import opened
from stagewatch.commands.output import Language, local_time, put_json, say
from stagewatch.commands.standing import TOPICS
from stagewatch.service.asking import Answer, Samples, ask
from stagewatch.service.outbox import TABLE
from stagewatch.service.secrets import read_address
from stagewatch.workspace.init import Servers, init_workspace
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.reader import WorkspaceReader
from streams.runtimes.embedded.intake import RAW, State


def init(root: Path, kafka: str | None, redis: str, as_json: bool) -> int:
    """Make a workspace, of a cluster if its brokers are given, and say what to do next."""
    servers = None if kafka is None else Servers([one.strip() for one in kafka.split(",")], redis)
    written = [str(path.relative_to(root)) for path in init_workspace(root, servers)]
    if as_json:
        put_json({"workspace": str(root), "written": written})
        return 0
    say(f"Made the workspace {root}:")
    for name in written:
        say(f"  {name}")
    say()
    say("Next:")
    say(f"  edit {root}/people.yaml         who is told, who approves")
    say(f"  stagewatch rules list -w {root}  the rules that are shipped")
    say(f"  stagewatch import -w {root} ...  bring history in: nobody is told about the past")
    run = "run -w {}   " if servers is None else "worker -w {}"
    say(f"  stagewatch {run.format(root)}      take events from now on")
    return 0


def status(root: Path, urls: Sequence[str], as_json: bool, language: Language) -> int:
    """Say how the workspace, or its cluster, stands; the exit code. urls: of workers."""
    workspace, settings = opened(root)
    if settings.cluster is not None:
        from stagewatch.commands.clusterstatus import cluster_status

        return cluster_status(settings, urls, as_json, language)
    found = _status(workspace)
    if as_json:
        put_json(found)
        return 0
    zone = settings.tz
    for name, value in found.items():
        shown = local_time(parse_instant(value), zone) if name == "logical_time" and value else value
        if isinstance(shown, dict):
            shown = ", ".join(f"{key} {count}" for key, count in shown.items()) or "0"
        elif isinstance(shown, list):
            shown = "; ".join(shown)
        say(f"{WORDS[name][0 if language == 'zh' else 1]:<24} {'' if shown is None else shown}")
    return 0


WORDS = {
    "server": ("服务", "server"),
    "ready": ("接收事件", "takes events"),
    "reasons": ("未就绪，因为", "not ready, because"),
    "warnings": ("需要管理员", "wants an administrator"),
    "lag_seconds": ("延迟（秒）", "lag (seconds)"),
    "watermark_age_seconds": ("水位时龄（秒）", "watermark age (seconds)"),
    "deliveries": ("投递（自启动）", "deliveries since start"),
    "phase": ("阶段", "phase"),
    "logical_time": ("逻辑时间", "logical time"),
    "stopped": ("已停止接收，因为", "intake stopped, because"),
    "scaled": ("加速试运行", "runs on a scaled clock"),
    "moved": ("已迁移到", "moved to"),
    "entries": ("日志条目", "entries of the log"),
    "backlog": ("未处理条目", "not worked off yet"),
    "waits": ("等待中的期限", "waits armed"),
    "open": ("未处理", "open"),
    "rules": ("启用的规则", "rules that are on"),
    "people": ("人员", "people"),
    "parked": ("等待上级的事件", "events parked"),
    "dead_letters": ("死信", "dead letters"),
    "messages": ("消息", "messages"),
}


def _status(workspace: Workspace) -> dict[str, Any]:
    address = read_address(workspace)
    running = address if address is not None and _alive(address.pid) else None
    answer = None if running is None else ask(running.url)
    with WorkspaceReader(workspace) as reader:
        state, end = reader.state(), reader.log.end(RAW)
        counts = {str(r[0]): int(r[1]) for r in reader.database.rows(_MESSAGES)} if reader.has(TABLE) else {}
        return {
            "server": None if running is None else running.url,
            **_said(answer),
            "phase": state.phase,
            "logical_time": format_instant(state.at),
            "stopped": None if state.stopped is None else state.stopped.get("message"),
            "scaled": state.scaled,
            "moved": state.moved,
            "entries": end,
            "backlog": end - state.position,
            **_behind(reader, state, end, answer),
            "waits": state.armed,
            "open": {topic: reader.views.count_open(topic) for topic in TOPICS},
            "rules": sum(1 for row in reader.shared("rule").values() if row["on"]),
            "people": len(reader.shared("person")),
            "parked": sum(item.count for item in reader.parked()),
            "dead_letters": reader.letters.waiting(),
            "messages": counts,
        }


def _said(answer: Answer | None) -> dict[str, Any]:
    """What the running server says of itself."""
    if answer is None:
        return {"ready": None, "reasons": [], "warnings": [], "deliveries": {}}
    reasons = list(answer.reasons) if answer.problem is None else [answer.problem]
    counts = Samples(answer.samples).by("stagewatch_deliveries_total", "result")
    deliveries = {name: int(count) for name, count in counts.items()}
    warnings = list(answer.warnings)
    return {"ready": answer.ready, "reasons": reasons, "warnings": warnings, "deliveries": deliveries}


def _behind(reader: WorkspaceReader, state: State, end: int, answer: Answer | None) -> dict[str, Any]:
    """Lag and watermark age: the server's, else by the log. An import has none."""
    if answer is not None and answer.problem is None:
        told = Samples(answer.samples)
        lag, age = told.greatest("stagewatch_lag_seconds"), told.greatest("stagewatch_watermark_age_seconds")
    else:
        waiting = state.phase == "live" and end > state.position
        first = reader.log.page(RAW, state.position, 1) if waiting else []
        lag = age = max(0.0, time.time() - first[0].at / 1_000_000) if first else 0.0
    return {"lag_seconds": lag, "watermark_age_seconds": age}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_MESSAGES = "SELECT state, count(*) FROM outbox GROUP BY state"
