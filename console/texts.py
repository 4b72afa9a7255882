"""The words of the pages that links open, in Chinese and English. Words only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["zh", "en"]
MAX_COMMENT: Final = 2_000
Texts = Mapping[str, Mapping[Language, str]]

ASK: Final[Texts] = {
    "approve": {"zh": "同意这项审批？", "en": "Approve this request?"},
    "reject": {"zh": "拒绝这项审批？", "en": "Reject this request?"},
    "return": {"zh": "退回修改？", "en": "Return this request for changes?"},
    "task.done": {"zh": "任务已完成？", "en": "Is the task done?"},
    "ack": {"zh": "由您来处理？", "en": "Will you see to it?"},
}
BUTTON: Final[Texts] = {
    "approve": {"zh": "同意", "en": "Approve"},
    "reject": {"zh": "拒绝", "en": "Reject"},
    "return": {"zh": "退回", "en": "Return"},
    "task.done": {"zh": "已完成", "en": "Done"},
    "ack": {"zh": "我来处理", "en": "I will"},
}
STATES: Final[Texts] = {
    "approved": {"zh": "已同意", "en": "approved"},
    "rejected": {"zh": "已拒绝", "en": "rejected"},
    "returned": {"zh": "已退回", "en": "returned for changes"},
    "requested": {"zh": "等待审批", "en": "waiting for a decision"},
    "done": {"zh": "已完成", "en": "done"},
    "cancelled": {"zh": "已取消", "en": "cancelled"},
    "acknowledged": {"zh": "已有人处理", "en": "acknowledged"},
    "resolved": {"zh": "已解除", "en": "resolved"},
    "withdrawn": {"zh": "已撤回", "en": "withdrawn"},
    "void": {"zh": "已作废", "en": "void"},
    "timed_out": {"zh": "已超时", "en": "timed out"},
}
"""State of an alert, task or approval -> its name on a page; a state that is not here is shown as it is."""

RESULTS: Final[Mapping[str, tuple[int, Mapping[Language, tuple[str, str]]]]] = {
    "done": (200, {"zh": ("已记录您的决定", "无需再做什么，可以关闭此页面。"),
                   "en": ("Your decision is recorded", "Nothing more is needed. You may close this page.")}),
    "pending": (202, {"zh": ("已收到您的决定", "正在处理。如有问题，您会收到通知。"),
                      "en": ("Your decision has arrived", "It is being carried out.")}),
    "already": (409, {"zh": ("此前已有决定", "您的操作没有改变任何内容。"),
                      "en": ("It was decided before", "Nothing was changed by you.")}),
    "voided": (410, {"zh": ("此请求已作废", "所审批的内容已变化或已结束。如仍需审批，您会收到新的消息。"),
                     "en": ("This request is void", "What was to be decided has changed or ended. "
                            "If a decision is still needed, you get a new message.")}),
    "expired": (410, {"zh": ("链接已过期", "请使用之后的提醒消息中的链接，或联系管理员。"),
                      "en": ("The link has expired",
                             "Use the link of a later reminder, or ask the administrator.")}),
    "used": (409, {"zh": ("链接已使用过", "每个链接只能使用一次。"),
                   "en": ("The link has been used", "Each link can be used once.")}),
    "not_allowed": (403, {"zh": ("您不能作此决定", "此请求不由您审批，或已转交他人。"),
                          "en": ("You cannot decide this",
                                 "It is not yours to decide, or was handed to someone.")}),
    "stale": (409, {"zh": ("内容已更新", "消息发出后情况有变化，请使用最新消息中的链接。"),
                    "en": ("It has changed since", "Use the link in the latest message.")}),
    "unknown": (404, {"zh": ("找不到此请求", "它可能已被删除。"),
                      "en": ("There is no such request", "It may have been removed.")}),
    "malformed": (400, {"zh": ("链接不完整", "请从消息中直接打开，或复制完整的地址。"),
                        "en": ("The link is not whole",
                               "Open it from the message, or copy all of its address.")}),
    "unavailable": (503, {"zh": ("暂时无法处理", "您的决定没有记录，请稍后再试。"),
                          "en": ("Not possible just now",
                                 "Your decision was not recorded. Try again later.")}),
    "too_long": (413, {"zh": ("意见太长", f"请将意见控制在 {MAX_COMMENT} 字以内，再提交一次。"),
                       "en": ("The comment is too long", f"Keep it within {MAX_COMMENT} characters.")}),
}  # fmt: skip
"""Result -> HTTP status and, by language, heading and text."""

WORDS: Final[Texts] = {
    "comment": {"zh": "意见（可不填）", "en": "Comment (optional)"},
    "state": {"zh": "状态", "en": "State"},
    "by": {"zh": "操作人", "en": "By"},
    "at": {"zh": "时间", "en": "At"},
    "what": {"zh": "事项", "en": "Subject"},
}
