"""What still stands: open alerts, tasks and approvals, as rows and as tables in two languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from rules.reasons import Reason, reason_text
from schemas.time import format_instant
from stagewatch.commands.output import Language, local_time, put_table, say, tell_cut, told_of
from streams.views.port import Item, ViewReader

TOPICS: Final = ("alerts", "tasks", "approvals")
SHORT: Final = 10
"""Digits of an id that tables show; a unique beginning names an item."""

TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "alerts": ("预警", "Alerts"),
    "tasks": ("任务", "Tasks"),
    "approvals": ("审批", "Approvals"),
}
STATES: Final[Mapping[str, str]] = {
    "firing": "触发中",
    "acknowledged": "已确认",
    "snoozed": "已暂缓",
    "resolved": "已解除",
    "suppressed": "已抑制",
    "withdrawn": "已撤回",
    "open": "待办",
    "done": "完成",
    "cancelled": "已取消",
    "overdue": "逾期",
    "requested": "待审批",
    "approved": "已同意",
    "rejected": "已拒绝",
    "returned": "已退回",
    "timed_out": "超时",
    "void": "作废",
}
COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "zh": ("编号", "状态", "级别", "对象", "客户", "标题", "应于", "原因", "接收人"),
    "en": ("id", "state", "severity", "entity", "account", "title", "due", "reason", "who"),
}
SEVERITIES: Final[Mapping[str, str]] = {"info": "提示", "warning": "警告", "critical": "严重"}


def standing(view: ViewReader) -> dict[str, list[Item]]:
    """All open items by topic, the oldest first."""
    return {topic: view.items(topic, open_only=True, newest_first=False, limit=-1) for topic in TOPICS}


def standing_rows(stands: Mapping[str, Sequence[Item]]) -> dict[str, list[dict[str, Any]]]:
    """The same for programs."""
    return {topic: [item_row(item) for item in items] for topic, items in stands.items()}


def item_row(item: Item) -> dict[str, Any]:
    """An item for programs: times in RFC 3339."""
    value = item.value
    row = {
        name: found
        for name, found in value.items()
        if name not in ("at", "due", "home", "name", "quiet", "id")
    }
    due = value.get("due")
    return {
        "id": item.id,
        **row,
        "opened": format_instant(item.opened),
        "at": format_instant(item.at),
        "due": None if due is None else format_instant(due),
        "n": item.n,
        "transition": value["id"],
    }


def put_items(topic: str, items: Sequence[Item], total: int, zone: ZoneInfo, language: Language) -> None:
    """A table of items, and how many of `total` they are."""
    rows = [_cells(item, zone, language) for item in items]
    columns = list(COLUMNS[language])
    if not items:
        say(f"{_title(topic, language)}: 0")
        return
    put_table(f"{_title(topic, language)} ({told_of(len(items), total, language)})", columns, rows)
    tell_cut(len(items), total, language)


def tell_standing(view: ViewReader, zone: ZoneInfo, language: Language, shown: int = 5) -> None:
    """What still stands: how many of each rule, and the newest `shown` of each topic."""
    zh = language == "zh"
    stands = standing(view)
    rules = sorted({item.value["rule"] for items in stands.values() for item in items})
    counts = {topic: Counter(item.value["rule"] for item in items) for topic, items in stands.items()}
    columns = ["规则" if zh else "rule", *(_title(topic, language).lower() for topic in TOPICS)]
    if not rules:
        say("没有未处理的事项。" if zh else "Nothing is open.")
        return
    title = "仍未处理" if zh else "Still open"
    put_table(title, columns, [[rule, *(counts[topic][rule] for topic in TOPICS)] for rule in rules])
    for topic in TOPICS:
        items = view.items(topic, open_only=True, limit=shown)
        if items:
            count = f"{'最新' if zh else 'newest'} {len(items)} / {len(stands[topic]):,}"
            title = f"{_title(topic, language)} ({count})"
            put_table(title, COLUMNS[language], [_cells(item, zone, language) for item in items])
    say(f"{'全部列出' if zh else 'To list them'}: stagewatch alerts|tasks|approvals list")


def _title(topic: str, language: Language) -> str:
    return TITLES[topic][0 if language == "zh" else 1]


def _cells(item: Item, zone: ZoneInfo, language: Language) -> list[object]:
    value = item.value
    data = value.get("data") or {}
    zh = language == "zh"
    state, severity = str(value["state"]), str(value.get("severity", ""))
    return [
        item.id[:SHORT],
        STATES.get(state, state) if zh else state,
        SEVERITIES.get(severity, severity) if zh else severity,
        f"{value['entity']}:{value['key']}",
        data.get("account_name") or value.get("account") or "",
        value.get("title", ""),
        local_time(value.get("due"), zone),
        reason_text(Reason(value["reason"]), language),
        ", ".join(value.get("receivers") or ()),
    ]
