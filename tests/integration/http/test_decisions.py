"""Links in mails over a real socket: opening never decides, sending decides once, every end has its page."""

import asyncio
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from console.ports import Outcome, Status
from schemas.errors import StreamError
from schemas.time import DAY
from tests.integration.http.site import NOW, Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def send(site: Site, url: str, comment: str = "") -> tuple[int, str]:
    answer = await site.client.post(url, content=urlencode({"comment": comment}), headers=FORM)
    return answer.status_code, answer.text


async def test_opening_shows_what_is_asked_and_decides_nothing() -> None:
    async with Site() as site:
        site.asked()
        for url in site.mail().values():
            for _ in range(3):
                answer = await site.client.get(url)
                assert answer.status_code == 200
            assert (await site.client.head(url)).status_code == 200
        assert site.commands.taken == []
        assert site.used.used == {}
        assert "<form" in answer.text
        assert "Contract &lt;b&gt;9" in answer.text
        assert "<script" not in answer.text


async def test_pages_load_nothing_run_nothing_and_leak_nothing() -> None:
    async with Site() as site:
        site.asked()
        answer = await site.client.get(site.mail()["approve"])
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"(src|href|action)=|url\(|@import", answer.text)


async def test_pages_speak_the_persons_language_and_are_labelled() -> None:
    async with Site() as site:
        site.asked()
        for language, lang, word in (("zh", "zh-CN", "同意这项审批"), ("en", "en", "Approve this request?")):
            text = (await site.client.get(site.mail(language=language)["approve"])).text
            assert f'<html lang="{lang}">' in text
            assert word in text
            assert '<label for="c">' in text
            assert '<textarea id="c"' in text


async def test_sending_decides_once_with_everything_the_machine_needs() -> None:
    async with Site() as site:
        site.asked()
        url = site.mail()["reject"]
        status, text = await send(site, url, " 太贵了 & <b>no</b> ")
        assert status == 200
        assert "Your decision is recorded" in text
        assert site.commands.taken == [
            {"machine": "account", "key": "account:7", "command": "reject", "alert": "a1", "item": "p1",
             "seen": 3, "by": "li", "text": "太贵了 & <b>no</b>", "via": "link"}
        ]  # fmt: skip
        site.asked(state="rejected", actor="li", at=NOW)
        status, text = await send(site, url)
        assert status == 409
        assert "The link has been used" in text
        assert "li" in text
        assert len(site.commands.taken) == 1


async def test_a_double_click_decides_once() -> None:
    async with Site() as site:
        site.asked()
        url = site.mail()["approve"]
        answers = await asyncio.gather(*(send(site, url) for _ in range(20)))
        assert sorted(status for status, _ in answers) == [200] + [409] * 19
        assert len(site.commands.taken) == 1


@pytest.mark.parametrize(
    ("state", "status", "word"),
    [("approved", 409, "It was decided before"), ("void", 410, "This request is void"),
     ("withdrawn", 410, "This request is void")],
)  # fmt: skip
async def test_what_is_over_is_said_with_who_and_when(state: str, status: int, word: str) -> None:
    async with Site() as site:
        site.asked(state=state, actor="wang", at=NOW)
        answer = await site.client.get(site.mail()["approve"])
        assert answer.status_code == status
        for said in (word, "wang", "2026-03-02 08:00 (Asia/Shanghai)"):
            assert said in answer.text


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("pending", 202),
        ("already", 409),
        ("voided", 410),
        ("not_allowed", 403),
        ("stale", 409),
        ("unknown", 404),
    ],
)
async def test_what_the_machine_says_is_shown(outcome: Status, status: int) -> None:
    async with Site() as site:
        site.asked()
        site.commands.answer = lambda command: Outcome(outcome, "approved", "wang", NOW)
        answered, text = await send(site, site.mail()["approve"])
        assert answered == status
        assert "wang" in text


async def test_links_expire() -> None:
    async with Site() as site:
        site.asked()
        url = site.mail()["approve"]
        site.now = NOW + 14 * DAY - 1
        assert (await site.client.get(url)).status_code == 200
        site.now += 1
        answer = await site.client.get(url)
        assert answer.status_code == 410
        assert "链接已过期" in answer.text
        assert "has expired" in answer.text
        assert (await send(site, url))[0] == 410
        assert site.commands.taken == []


async def test_a_decision_that_could_not_be_stored_may_be_sent_again() -> None:
    def full(command: Any) -> Outcome:
        raise StreamError("SW-STREAM-060")

    async with Site() as site:
        site.asked()
        url = site.mail()["approve"]
        good, site.commands.answer = site.commands.answer, full
        status, text = await send(site, url)
        assert status == 503
        assert "not recorded" in text
        site.commands.answer = good
        assert (await send(site, url))[0] == 200


async def test_what_is_malformed_never_decides() -> None:
    async with Site() as site:
        site.asked()
        url = site.mail()["approve"]
        for broken in (url[:-1], url + "x", url.replace("/d/1.", "/d/2."), f"{url.partition('/d/')[0]}/d/x"):
            for answer in (await site.client.get(broken), await site.client.post(broken, content=b"")):
                assert answer.status_code == 400
                assert "链接不完整" in answer.text
        long = await site.client.post(url, content=urlencode({"comment": "意" * 2_001}), headers=FORM)
        assert long.status_code == 413
        fat = await site.client.post(url, content=b"comment=" + b"x" * 1_000_000, headers=FORM)
        assert fat.status_code == 413
        assert site.commands.taken == []
        assert (await send(site, url, "意" * 2_000))[0] == 200


async def test_a_request_that_is_gone_is_said_to_be() -> None:
    async with Site() as site:
        answer = await site.client.get(site.mail()["approve"])
        assert answer.status_code == 404
