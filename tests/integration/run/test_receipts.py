"""What became of each message is in the log; who cannot be reached at all is told to the administrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.reader import WorkspaceReader
from streams.runtimes.embedded.intake import RAW, entries_of
from tests.integration.run.house import House, event, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def receipts(root: Path) -> list[dict[str, Any]]:
    """The receipts in the raw log."""
    with WorkspaceReader(Workspace.find(root)) as reader:
        lines = [(r.key, r.kind, r.value, r.at, r.feed, r.n) for r in reader.log.read(RAW)]
    return [entry.value for entry in entries_of(lines) if entry.kind == "receipt"]


def drafted(number: int, owner: str = "li.lei") -> dict[str, Any]:
    return event(
        number, "contract.drafted", contract=f"HT{number}", account="A1", owner=owner, amount=600000,
        currency="CNY",
    )  # fmt: skip


def test_each_message_has_one_receipt_over_restarts(house: House) -> None:
    house.run()
    house.post(drafted(1))
    until(lambda: house.inbox.to("wang.fang"), "the mail")
    [receipt] = until(lambda: receipts(house.root), "the receipt")
    assert (receipt["state"], receipt["receiver"], receipt["channel"]) == ("sent", "wang.fang", "email")
    assert receipt["note"].startswith("250")
    house.end()
    house.run()
    house.post(drafted(2))
    until(lambda: len(receipts(house.root)) == 2 or None, "the second receipt")
    assert len({one["message"] for one in receipts(house.root)}) == 2


def test_a_receipt_that_was_not_brought_in_before_a_crash_comes_after_it(house: House) -> None:
    house.run()
    for number in range(5):
        house.post(drafted(number))
    until(lambda: len(house.inbox.mails) == 5 or None, "the mails")
    house.end(9)
    house.run()
    until(lambda: len({one["message"] for one in receipts(house.root)}) == 5 or None, "all receipts")
    assert json.loads(house.cli("status", "--json"))["dead_letters"] == 0


def test_a_message_that_is_refused_for_good_is_told_to_the_administrator(house: House) -> None:
    settings = house.root / "stagewatch.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'admin = "ops@example.com"\n{text}', encoding="utf-8")
    house.inbox.refused.add("wang.fang@example.com")
    house.run()
    house.post(drafted(1))
    mail = until(lambda: house.inbox.to("ops@example.com"), "the mail to the administrator")[0]
    assert "wang.fang" in str(mail["Subject"])
    body = mail.get_body(("plain",))
    assert body is not None
    assert "550" in body.get_content()
    until(lambda: len(receipts(house.root)) == 2 or None, "both receipts")
    assert {one["state"] for one in receipts(house.root)} == {"failed", "sent"}
