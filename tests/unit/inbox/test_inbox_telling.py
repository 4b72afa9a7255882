"""The inbox tells at once, once per notice, with everything that delivery and the links need."""

import json

import pytest

from tests.unit.inbox.world import MARCH, Inbox, notice, read


def test_a_notice_becomes_one_notification_that_delivery_can_read() -> None:
    (record,) = Inbox().take(notice())
    note = read(record)
    assert (note.channel, note.receiver, note.address) == ("email", "li", "li@example.com")
    assert (note.subject, note.text, note.reason, note.at) == ("Stale deal", "No call.\n7 d", "fired", MARCH)
    assert [(f.label, f.value) for f in note.facts] == [("Amount", "CNY 500")]
    assert note.alert == note.thread == "a1"


def test_records_are_json_and_the_same_in_every_run() -> None:
    first, second = Inbox().take(notice()), Inbox().take(notice())
    assert first == second == json.loads(json.dumps(first))


def test_a_repeat_is_dropped_and_another_notice_is_not() -> None:
    inbox = Inbox()
    inbox.take(notice())
    assert inbox.take(notice(), notice(title="other text, same notice")) == []
    (other,) = inbox.take(notice("n2", "task", item="k1"))
    assert other["reason"] == "task"


def test_ids_differ_by_notice_reminder_and_channel() -> None:
    inbox = Inbox()
    made = inbox.take(
        notice(remind="1d", via=["email", "wecom"], addresses={"wecom": "w-li"}), notice("n2", alert="a2")
    )
    made += inbox.advance(86_400_000_000)
    assert len({m["id"] for m in made}) == len(made) == 5


@pytest.mark.parametrize(
    ("kind", "severity", "language", "subject"),
    [
        ("fired", "warning", "zh", "跟进超期"),
        ("fired", "critical", "zh", "【紧急】跟进超期"),
        ("approval", "critical", "en", "[Critical] [Approval] 跟进超期"),
        ("task", "info", "zh", "【任务】跟进超期"),
    ],
)
def test_subjects(kind: str, severity: str, language: str, subject: str) -> None:
    (record,) = Inbox().take(notice("n1", kind, severity=severity, language=language, title="跟进超期"))
    assert record["subject"] == subject


def test_an_approval_asks_for_three_unsigned_links() -> None:
    (record,) = Inbox().take(notice("n1", "approval", item="p1", seen=4, language="zh"))
    assert [w["action"] for w in record["wanted"]] == ["approve", "reject", "return"]
    link = record["wanted"][0]
    assert (link["alert"], link["item"], link["key"], link["person"], link["seen"]) == (
        "a1", "p1", "account:7", "li", 4,
    )  # fmt: skip
    assert link["label"] == "同意"
    assert "links" not in record


def test_decisions_go_to_the_entity_when_no_account_is_known() -> None:
    (record,) = Inbox().take(notice("n1", "task", item="k", home="", entity="lead", key="9"))
    assert [w["key"] for w in record["wanted"]] == ["lead:9"]


def test_the_end_offers_no_links() -> None:
    inbox = Inbox()
    inbox.take(notice())
    (record,) = inbox.take(notice("n2", "resolved"))
    assert "wanted" not in record


@pytest.mark.parametrize(
    "value",
    [{}, {"notice": 1}, notice().to_dict() | {"kind": "shouted"}, notice().to_dict() | {"alert": "a|b"},
     notice().to_dict() | {"remind": "1s"}, notice().to_dict() | {"remind": 0}],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_leaves_nothing(value: dict[str, object]) -> None:
    inbox = Inbox()
    assert inbox.take_raw(("li", value)) == []
    assert inbox.errors() == ["SW-STREAM-060"]
    assert inbox.rows() == 0


def test_ten_thousand_alerts_for_one_person_are_all_told() -> None:
    inbox = Inbox()
    made = inbox.take(*(notice(f"n{i}", alert=f"a{i}") for i in range(10_000)))
    assert len({m["id"] for m in made}) == 10_000
