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
    "waits": ("{count} 封待被杀进程的认领到期", "{count} until the killed worker's claim ends"),
    "twice": ("{count} 封重复（进程被杀）", "{count} came twice: its worker was killed in between"),
    "kill": ("工作进程被杀", "Worker killed"),
    "kill.killed": ("kill -9", "kill -9"),
    "kill.taken": ("分区已接管", "taken over"),
    "kill.fired": ("Prometheus 告警", "alert"),
    "kill.told": ("运维邮件", "mail"),
    "kill.back": ("恢复", "back"),
    "kill.quiet": ("告警解除", "over"),
    "kill.does": ("被 kill -9 杀死，事件照常进来", "is killed (-9); events keep coming in"),
    "kill.returns": ("重新启动", "is started again"),
    "kill.took": ("接管", "take-over"),
    "kill.took.is": (
        "kill -9 之后 {seconds} 秒，另一进程在全部分区上继续",
        "{seconds} s after kill -9 the other worker was at work in all partitions",
    ),
    "kill.restored": ("恢复", "restored"),
    "kill.restored.is": (
        "重启 {seconds} 秒后，重新分担分区",
        "{seconds} s after its new start the worker had its share again",
    ),
    "kill.alerted": ("运维告警", "operations"),
    "kill.alerted.is": (
        "{alert}：{seconds} 秒后触发，经 Alertmanager 发出邮件，恢复后解除",
        "{alert}: fired after {seconds} s, in Alertmanager, by mail; over again",
    ),
    "rate": ("导入速率", "history at"),
    "books": ("对账", "books"),
    "books.are": (
        "{events} 个事件、{changes} 次状态变化，与单进程重放比对：丢失 {lost}，多出 {false}",
        "{events} events, {changes} changes, beside a replay: {lost} lost, {false} too many",
    ),
    "boards": ("仪表盘查询", "dashboards"),
    "boards.are": (
        "{asked} 个查询，{answered} 个有数据", "{asked} queries asked, {answered} answered with data",
    ),
    "board": ("仪表盘", "dashboard"),
    "panel": ("面板", "panel"),
    "series": ("序列", "series"),
    "value": ("数值", "value"),
    "query": ("查询", "query"),
    "starting": ("正在启动 Kafka、Redis、两个工作进程、Prometheus、Alertmanager …",
                 "Starting Kafka, Redis, two workers, Prometheus, Alertmanager ..."),
    "stops": ("Ctrl-C 停止全部；数据保留", "Ctrl-C stops all of it; its data stays"),
    "stopping": ("正在停止 …", "Stopping ..."),
    "up": ("全部就绪，用时 {seconds} 秒", "All of it is up after {seconds} s"),
}  # fmt: skip


def word(name: str, language: Language, **values: object) -> str:
    """A text in the language, filled in; numbers with separators."""
    text = WORDS[name][0 if language == "zh" else 1]
    shown = {key: f"{value:,}" if isinstance(value, int) else str(value) for key, value in values.items()}
    return text.format(**shown) if shown else text
