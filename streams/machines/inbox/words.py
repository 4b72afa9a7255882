"""The few words that the inbox itself adds to a message, in Chinese and English. Texts about deals come from
the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.machines.inbox.notice import Language

PREFIXES: Final[Mapping[str, Mapping[Language, str]]] = {
    "task": {"zh": "【任务】", "en": "[Task] "},
    "approval": {"zh": "【审批】", "en": "[Approval] "},
    "reminder": {"zh": "【提醒】", "en": "[Reminder] "},
    "resolved": {"zh": "【已解除】", "en": "[Resolved] "},
    "decided": {"zh": "【审批结果】", "en": "[Decided] "},
    "withdrawn": {"zh": "【已撤回】", "en": "[Withdrawn] "},
    "voided": {"zh": "【已作废】", "en": "[Void] "},
}
"""Kind of notice -> what its subject begins with; other kinds have none."""

CRITICAL: Final[Mapping[Language, str]] = {"zh": "【紧急】", "en": "[Critical] "}

ACTIONS: Final[Mapping[str, Mapping[Language, str]]] = {
    "approve": {"zh": "同意", "en": "Approve"},
    "reject": {"zh": "拒绝", "en": "Reject"},
    "return": {"zh": "退回修改", "en": "Return for changes"},
    "task.done": {"zh": "任务已完成", "en": "The task is done"},
    "ack": {"zh": "我来处理", "en": "I will see to it"},
}
"""Action of a link -> its label."""


def subject(kind: str, title: str, language: Language, *, critical: bool, nth: int) -> str:
    """The subject line: what it is, then the title; `nth` > 0 is the n-th reminder."""
    prefix = PREFIXES.get(kind, {}).get(language, "")
    if nth:
        prefix = f"【第 {nth} 次提醒】" if language == "zh" else f"[Reminder {nth}] "
    urgent = CRITICAL[language] if critical and kind in ("fired", "task", "approval") else ""
    return f"{urgent}{prefix}{title}"


def undeliverable(person: str, title: str, channel: str) -> tuple[str, str]:
    """(subject, text) for the administrator, in both languages: the person has no address in the channel of
    this message.
    """
    zh, en = ("邮箱地址", "mail address") if channel == "email" else (f"{channel} 账号", f"{channel} account")
    return (
        f"【无法送达】{person} / [Undeliverable] {person}",
        f"人员 {person} 没有{zh}，消息“{title}”未能送达。"
        f"请在通讯录中补充其{zh}。今天不再就此人重复通知。\n"
        f'"{title}" could not be sent: person {person} has no {en}. Add one to the directory. '
        "This is said once per person and day.",
    )


def failed(person: str, title: str, channel: str, why: str) -> tuple[str, str]:
    """(subject, text) for the administrator, in both languages: a message could not be delivered, ever."""
    return (
        f"【发送失败】{person} / [Not delivered] {person}",
        f"发给 {person} 的消息“{title}”（{channel}）最终未能送达：{why}。今天不再就此人此渠道重复通知。\n"
        f'"{title}" to {person} by {channel} has failed for good: {why}. '
        "This is said once per person, channel and day.",
    )
