"""The demo's words in Chinese and English. Words only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stagewatch.commands.output import Language

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("演示：一个模拟的销售组织", "a simulated sales organisation"),
    "write": ("模拟过去的历史", "simulating the past"),
    "read": ("读取", "reading"),
    "import": ("导入历史", "importing history"),
    "made": (
        "工作区已建：{rules} 条随附规则，{people} 人，{teams} 个团队",
        "Workspace made: {rules} shipped rules, {people} people in {teams} teams",
    ),
    "imported": (
        "已导入 {days} 天的历史：{events} 个事件，{seconds} 秒；拒绝 {refused} 行，{parked} 个事件待上级对象",
        "{days} days of history imported: {events} events in {seconds} s;"
        " {refused} bad rows refused, {parked} parked",
    ),
    "nobody": (
        "没有就过去的事通知任何人。仍未处理：{standing}",
        "Nobody was told about the past. Still standing: {standing}",
    ),
    "lives": (
        "现在起，同一组织继续运转：{days} 天压缩在 {seconds} 秒内（×{scale}），事件经 HTTP 到 {url}",
        "Now the same organisation lives on: {days} days in {seconds} s (x{scale}), events by HTTP to {url}",
    ),
    "alerts": ("预警", "alerts"),
    "tasks": ("任务", "tasks"),
    "approvals": ("审批", "approvals"),
    "events": ("事件", "events"),
    "mails": ("邮件", "mails"),
    "refused": ("被拒", "refused"),
    "withdrawn": ("撤回", "withdrawn"),
    "resolved": ("解除", "resolved"),
    "fired": ("触发", "fired"),
    "rule": ("规则", "rule"),
    "decide": ("邮件审批", "By mail link"),
    "decide.drafted": ("合同 68 万", "contract"),
    "decide.asked": ("邮件", "mail"),
    "decide.first": ("主管同意", "manager"),
    "decide.second": ("财务总监同意", "CFO"),
    "decide.end": ("解除", "resolved"),
    "decide.task": ("续签任务", "task"),
    "late": ("迟到报告", "Late report"),
    "late.visit": ("拜访结束", "visit ended"),
    "late.fired": ("24 小时无报告", "no report"),
    "late.mailed": ("邮件", "mails"),
    "late.report": ("报告迟到", "report late"),
    "late.end": ("撤回", "withdrawn"),
    "opens": ("打开邮件里的链接，确认：同意", "opens the link in the mail and agrees"),
    "reports": ("补录拜访报告（拜访当天所写）", "enters the report written on the day of the visit"),
    "you": ("演示", "DEMO"),
    "done": ("用时 {seconds} 秒", "All that in {seconds} s"),
    "kept": (
        "想看内部：stagewatch demo --keep my-demo 会保留工作区",
        "To look inside, keep the workspace: stagewatch demo --keep my-demo",
    ),
    "next": ("接下来：", "Where to look next:"),
    "stopped": ("已中断。", "Stopped before its end."),
    "missing": ("承诺而未出现：", "Promised, but did not happen:"),
    "mail": ("邮件", "MAIL"),
    "alert": ("预警", "ALERT"),
    "task": ("任务", "TASK"),
    "approval": ("审批", "APPROVAL"),
    "http": ("拒绝", "HTTP"),
    "live": ("实时", "live"),
    "history": ("历史", "history"),
    "once": ("无重复", "none twice"),
    "acted": ("经邮件链接处理", "acted on by link"),
    "more": ("⋮ 另 {count} 行", "⋮ {count} more lines"),
    "why": (
        "{rule}：报告写于 {happened}，{entered} 才录入",
        "{rule}: report of {happened}, entered {entered}",
    ),
    "taken_back": ("被迟到数据撤回", "withdrawn"),
}  # fmt: skip


def word(name: str, language: Language, **values: object) -> str:
    """A text in the language, filled in; numbers with separators."""
    text = WORDS[name][0 if language == "zh" else 1]
    shown = {key: f"{value:,}" if isinstance(value, int) else str(value) for key, value in values.items()}
    return text.format(**shown) if shown else text
