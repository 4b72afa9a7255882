"""Every reason for a transition, once: the same words in log, metric label, template and explain page."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an alert, task or approval changed its state."""

    # fired
    EVENT_MATCHED = "event_matched"
    CONDITION_MET = "condition_met"
    STAGE_ENTERED = "stage_entered"
    STAGE_LEFT = "stage_left"
    SILENCE = "silence"
    DEADLINE_PASSED = "deadline_passed"
    PRECONDITION_MISSING = "precondition_missing"
    DATE_REACHED = "date_reached"
    NO_RECEIVER = "no_receiver"
    MISSING_RATE = "missing_rate"
    CURE_TAKEN_BACK = "cure_taken_back"
    # resolved
    CONDITION_ENDED = "condition_ended"
    FOLLOWED_UP = "followed_up"
    EXPECTED_ARRIVED = "expected_arrived"
    ENTITY_CLOSED = "entity_closed"
    ENTITY_DELETED = "entity_deleted"
    DATE_MOVED = "date_moved"
    RESOLVED_BY_PERSON = "resolved_by_person"
    ITEMS_DONE = "items_done"
    # withdrawn
    LATE_EVENT = "late_event"
    CORRECTED = "corrected"
    EVENT_DELETED = "event_deleted"
    RULE_EDITED = "rule_edited"
    RULE_OFF = "rule_off"
    MERGED = "merged"
    MOVED = "moved"
    # suppressed
    ONCE_PER = "once_per"
    # by people
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    SNOOZE_ENDED = "snooze_ended"
    TASK_OPENED = "task_opened"
    TASK_DONE = "task_done"
    TASK_CANCELLED = "task_cancelled"
    TASK_OVERDUE = "task_overdue"
    ALERT_ENDED = "alert_ended"
    APPROVAL_REQUESTED = "approval_requested"
    NEXT_STEP = "next_step"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    DELEGATED = "delegated"
    TIMED_OUT = "timed_out"
    AMOUNT_CHANGED = "amount_changed"
    ANNOTATED = "annotated"


TEXTS: dict[Reason, tuple[str, str]] = {
    Reason.EVENT_MATCHED: ("发生了规则所指的事件", "the event the rule names happened"),
    Reason.CONDITION_MET: ("条件成立", "the condition became true"),
    Reason.STAGE_ENTERED: ("进入阶段", "the stage was entered"),
    Reason.STAGE_LEFT: ("离开阶段", "the stage was left"),
    Reason.SILENCE: ("超过期限没有跟进", "nothing happened for too long"),
    Reason.DEADLINE_PASSED: ("期限内没有发生应有的事件", "what was expected did not come in time"),
    Reason.PRECONDITION_MISSING: ("缺少前置步骤", "a step that must come before is missing"),
    Reason.DATE_REACHED: ("日期临近或已过", "the date is near or past"),
    Reason.NO_RECEIVER: ("找不到接收人", "nobody was found to receive it"),
    Reason.MISSING_RATE: ("缺少汇率", "an exchange rate is missing"),
    Reason.CURE_TAKEN_BACK: ("解除依据被撤回", "what had resolved it was taken back"),
    Reason.CONDITION_ENDED: ("条件不再成立", "the condition no longer holds"),
    Reason.FOLLOWED_UP: ("已跟进", "it was followed up"),
    Reason.EXPECTED_ARRIVED: ("应有的事件已发生", "what was missing arrived"),
    Reason.ENTITY_CLOSED: ("对象已关闭", "the deal was closed"),
    Reason.ENTITY_DELETED: ("对象已删除", "the record was deleted"),
    Reason.DATE_MOVED: ("日期已改", "the date was moved"),
    Reason.RESOLVED_BY_PERSON: ("由人处理完毕", "resolved by a person"),
    Reason.ITEMS_DONE: ("事项已全部办结", "all that was asked for is done"),
    Reason.LATE_EVENT: ("迟到的数据证明无误", "late data showed that all was well"),
    Reason.CORRECTED: ("数据已更正", "the data was corrected"),
    Reason.EVENT_DELETED: ("原始事件已撤回", "the event behind it was taken back"),
    Reason.RULE_EDITED: ("规则已修改", "the rule was changed"),
    Reason.RULE_OFF: ("规则已停用", "the rule was switched off"),
    Reason.MERGED: ("客户已合并", "the account was merged"),
    Reason.MOVED: ("客户归属已变更", "it belongs to another customer now"),
    Reason.ONCE_PER: ("间隔内不重复提醒", "one alert per interval"),
    Reason.ACKNOWLEDGED: ("已确认", "acknowledged"),
    Reason.SNOOZED: ("已推迟", "snoozed"),
    Reason.SNOOZE_ENDED: ("推迟到期", "the snooze ended"),
    Reason.TASK_OPENED: ("已建任务", "a task was opened"),
    Reason.TASK_DONE: ("任务完成", "the task is done"),
    Reason.TASK_CANCELLED: ("任务取消", "the task was cancelled"),
    Reason.TASK_OVERDUE: ("任务逾期", "the task is overdue"),
    Reason.ALERT_ENDED: ("告警已结束", "its alert ended"),
    Reason.APPROVAL_REQUESTED: ("请求审批", "approval was requested"),
    Reason.NEXT_STEP: ("进入下一审批环节", "the next step of the chain began"),
    Reason.APPROVED: ("已批准", "approved"),
    Reason.REJECTED: ("已拒绝", "rejected"),
    Reason.RETURNED: ("已退回", "returned"),
    Reason.DELEGATED: ("已转交", "delegated"),
    Reason.TIMED_OUT: ("审批超时", "nobody decided in time"),
    Reason.AMOUNT_CHANGED: ("审批内容已变更", "what was approved has changed"),
    Reason.ANNOTATED: ("已注明", "annotated"),
}
"""Chinese and English words of each reason."""


def reason_text(reason: Reason, language: str) -> str:
    """The reason in words, `zh` or `en`."""
    return TEXTS[reason][0 if language == "zh" else 1]
