"""A running workspace as its users have it: events by HTTP, mails, decisions, restarts, edits, one writer."""

from __future__ import annotations

import json
import re
import signal
from email.message import EmailMessage
from typing import Any

import pytest

from tests.integration.run.house import House, event, in_time, until

pytestmark = pytest.mark.timeout(180)


def drafted(number: int = 1) -> dict[str, Any]:
    """A contract that two people must approve."""
    return event(
        number, "contract.drafted", contract=f"HT{number}", account="A1", owner="li.lei", name="年度合同",
        amount=600000, currency="CNY",
    )  # fmt: skip


def links(mail: EmailMessage) -> list[str]:
    """The paths of the links in a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    return re.findall(r"http://127\.0\.0\.1:\d+(/d/\S+)", text)


def test_an_event_becomes_a_mail_and_is_decided_by_its_link_and_by_command_line(house: House) -> None:
    house.run()
    assert house.post(drafted()).status_code == 202
    mail = until(lambda: house.inbox.to("wang.fang"), "the mail to the manager")[0]
    assert "请审批合同：年度合同，600,000 元" in str(mail["Subject"])

    approve = links(mail)[0]
    assert house.client.get(approve).status_code == 200
    assert house.asked()[0]["receivers"] == ["wang.fang"]
    assert house.client.post(approve, data={"comment": "fine"}).status_code == 200
    until(lambda: house.inbox.to("qian.ye"), "the mail to the next approver")

    approval = house.asked()[0]
    assert approval["receivers"] == ["qian.ye"]
    refused = house.cli("approvals", "approve", approval["id"][:8], "--by", "li.lei", code=1)
    assert "SW-REQ-033" in refused
    house.cli("approvals", "approve", approval["id"][:8], "--by", "qian.ye", "--text", "ok")
    assert house.asked() == []
    done = house.listed("approvals", "--all")[0]
    assert done["state"] == "approved"

    explained = json.loads(house.cli("explain", done["alert"][:10], "--json"))
    assert explained["then"]["result"] is True
    assert {m["state"] for m in explained["messages"]} == {"sent"}
    assert explained["event"]["event"] == "crm/test|e1"
    assert re.fullmatch(r"sales\.events/\d@\d+", explained["event"]["log"])


def test_killed_and_started_again_it_sends_nothing_twice_and_loses_nothing(house: House) -> None:
    house.run()
    house.post(drafted(1))
    until(lambda: house.inbox.to("wang.fang"), "the first mail")
    until(lambda: "delivered" in house.log(), "the receipt")
    house.mail.stop()
    house.post(drafted(2))
    until(lambda: len(house.asked()) == 2, "the second approval")
    house.end(signal.SIGKILL)

    house.mail_up()
    house.run()
    until(lambda: len(house.inbox.to("wang.fang")) >= 2 or None, "the second mail")
    code, seconds = house.end()
    assert (code, in_time(seconds)) == (0, True)
    ids = [str(mail["Message-ID"]) for mail in house.inbox.to("wang.fang")]
    assert len(ids) == len(set(ids)) == 2
    status = json.loads(house.cli("status", "--json"))
    assert status["messages"] == {"sent": len(house.inbox.mails)}
    assert (status["server"], status["ready"], status["lag_seconds"]) == (None, None, 0)


def test_a_second_writer_is_refused_with_the_reason(house: House) -> None:
    house.run()
    refused = house.cli("run", "--port", "0", code=1)
    assert "SW-WS-021" in refused
    assert str(house.process and house.process.pid) in refused


def test_a_rule_is_added_broken_and_switched_off_while_it_runs(house: House) -> None:
    house.run()
    path = house.root / "rules" / "mine.yaml"
    rule = (
        "rule: any-lead\ntitle: 新线索\nwatch: lead\nwhen: {event: lead.created}\n"
        "then:\n  - notify: {to: [owner], via: [email]}\n"
    )
    path.write_text(rule, encoding="utf-8")
    until(lambda: '"any-lead"' in house.log() or None, "the new rule")
    house.post(event(1, "lead.created", lead="L1", owner="li.lei"))
    until(lambda: house.inbox.to("li.lei"), "the mail of the new rule")

    path.write_text(rule.replace("watch: lead", "watch: nothing"), encoding="utf-8")
    until(lambda: "SW-RULE" in house.log() or None, "the report of the broken file")
    listed = json.loads(house.cli("rules", "list", "--json"))
    assert listed["errors"][0]["place"].startswith("rules/mine.yaml:3")
    house.post(event(2, "lead.created", lead="L2", owner="li.lei"))
    until(lambda: len(house.inbox.to("li.lei")) == 2 or None, "the old version at work")

    path.unlink()
    until(lambda: '"on": false' in house.log() or None, "the rule switched off")
    house.post(event(3, "lead.created", lead="L3", owner="li.lei"))
    states = {r["rule"]: r["state"] for r in json.loads(house.cli("rules", "list", "--json"))["rules"]}
    assert states["any-lead"] == "off"
    assert len(house.listed("alerts", "--all", "--rule", "any-lead")) == 2


def test_what_operators_ask_is_answered(house: House) -> None:
    house.run()
    house.post(drafted())
    until(lambda: house.inbox.to("wang.fang"), "the mail")
    assert house.client.get("/healthz").json() == {"status": "ok"}
    assert house.client.get("/readyz").json() == {"ready": True, "reasons": [], "warnings": []}
    until(lambda: "stagewatch_disk_free_bytes" in house.client.get("/metrics").text, "the gauges")
    assert 'stagewatch_events_total{topic="crm.activity"}' in house.client.get("/metrics").text
    until(lambda: 'result="delivered"' in house.client.get("/metrics").text, "the delivery's metrics")
    matched = 'stagewatch_rule_matches_total{rule="contract-over-500k"} 1.0'
    until(lambda: matched in house.client.get("/metrics").text, "the rule's matches")
    metrics = house.client.get("/metrics").text
    assert 'stagewatch_alert_transitions_total{kind="approval",reason="approval_requested"' in metrics
    status = json.loads(house.cli("status", "--json"))
    assert (status["ready"], status["reasons"], status["warnings"]) == (True, [], [])
    assert status["deliveries"] == {"delivered": 1}
    assert status["lag_seconds"] == status["watermark_age_seconds"] == 0
    assert house.post({"specversion": "1.0"}).status_code == 422
    bad = house.client.post("/v1/events", content=b"{}", headers={"Content-Type": "application/json"})
    assert bad.status_code == 401
    assert house.client.post("/local/finish", json={}).status_code == 401
    page = house.get("/v1/approvals?receiver=wang.fang&limit=1")
    assert page["approvals"][0]["state"] == "requested"


def test_history_goes_to_the_running_server_and_tells_nobody(house: House) -> None:
    house.run()
    lines = [
        {**event(1, "opportunity.created", opportunity="O1", account="A1", owner="li.lei", name="x",
        amount=1),
         "time": "2025-03-01T08:00:00Z"},
        {**event(2, "contract.drafted", contract="H1", account="A1", owner="li.lei", amount=900000),
         "time": "2025-03-02T08:00:00Z"},
    ]  # fmt: skip
    file = house.root / "old.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\nnot json\n", encoding="utf-8")
    answer = json.loads(house.cli("import", str(file), "--json", code=1))
    assert answer["events"] == 2
    assert answer["rejected"] == 1
    assert {a["rule"] for a in answer["standing"]["alerts"]} == {"stale-opportunity", "contract-over-500k"}
    assert {a["opened"][:7] for a in answer["standing"]["alerts"]} == {"2025-03"}
    again = json.loads(house.cli("import", str(file), "--json", code=1))
    assert len(again["standing"]["alerts"]) == 2
    house.post(event(9, "lead.created", lead="L9", owner="li.lei"))
    assert house.inbox.mails == []
