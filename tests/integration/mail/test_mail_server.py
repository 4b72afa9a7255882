"""The mail channel against a real SMTP server on 127.0.0.1: TLS, login, refusals, silence, dropped lines.

It must not test the outbox; that is `test_delivery_mail.py`.
"""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from connectors.channels.channel import Delivered, Outcome, Permanent, Temporary
from connectors.channels.mail import MailChannel, MailSettings
from connectors.channels.notification import Fact, Link, Notification
from tests.integration.mail.mail_server import Mailbox, mail_server

Now = Callable[[], int]


def note(number: int = 1, address: str = "li.wei@kunde.example") -> Notification:
    return Notification(
        id=f"n-{number}",
        channel="email",
        receiver="p1",
        address=address,
        subject="商机超过 7 天没有跟进：晨光科技",
        text="最近一次跟进：2026-02-20\n请今天联系客户。",
        reason="fired",
        at=1_772_443_800_000_000,
        alert="a-77",
        language="zh",
        thread="a-77",
        facts=(Fact("金额", "CNY 540,000.00"),),
        links=(Link("打开", "https://stagewatch.example/alerts/a-77"),),
    )


async def sent(
    settings: MailSettings, now: Now, *notes: Notification, password: str | None = None
) -> list[Outcome]:
    channel = MailChannel(settings, now=now, password=password)
    try:
        return [await channel.send(each) for each in notes]
    finally:
        await channel.aclose()


async def test_message_arrives_as_composed(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        outcomes = await sent(server.settings(), now, note())
        [message] = server.box.messages
    assert outcomes == [Delivered("250 OK queued as 1")]
    assert message["Subject"] == "商机超过 7 天没有跟进：晨光科技"
    assert message["Message-ID"] == "<n-1@stagewatch.example>"
    assert message["References"] == "<thread.a-77@stagewatch.example>"
    assert message["Date"] == "Mon, 02 Mar 2026 09:30:00 +0000"
    plain, page = message.iter_parts()
    assert "请今天联系客户。" in plain.get_content()
    assert "https://stagewatch.example/alerts/a-77" in page.get_content()


async def test_one_connection_carries_many(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        outcomes = await sent(server.settings(), now, *(note(number) for number in range(100)))
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
        assert {message["Message-ID"] for message in server.box.messages} == {
            f"<n-{number}@stagewatch.example>" for number in range(100)
        }
        assert server.box.connections == 1


async def test_starttls_and_login(ca_file: Path, server_tls: ssl.SSLContext, now: Now) -> None:
    async with mail_server(ca_file, starttls=server_tls, login=("bot", "geheim")) as server:
        settings = server.settings(tls="starttls", username="bot", password_env="PW")
        assert await sent(settings, now, note(), password="geheim") == [Delivered("250 OK queued as 1")]
        assert server.box.tls == [True]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_tls_from_the_first_byte_and_login(ca_file: Path, server_tls: ssl.SSLContext, now: Now) -> None:
    async with mail_server(ca_file, implicit=server_tls, login=("bot", "geheim")) as server:
        settings = server.settings(tls="tls", username="bot", password_env="PW")
        assert await sent(settings, now, note(), password="geheim") == [Delivered("250 OK queued as 1")]


async def test_wrong_password_waits_with_an_alarm(
    ca_file: Path, server_tls: ssl.SSLContext, now: Now
) -> None:
    async with mail_server(ca_file, starttls=server_tls, login=("bot", "geheim")) as server:
        settings = server.settings(tls="starttls", username="bot", password_env="PW")
        [outcome] = await sent(settings, now, note(), password="falsch")
        assert isinstance(outcome, Temporary)
        assert (outcome.scope, outcome.alarm) == ("channel", True)
        assert outcome.reason.startswith("login: 535")
        assert server.box.messages == []


async def test_password_is_never_sent_when_starttls_is_not_offered(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        settings = server.settings(tls="starttls", username="bot", password_env="PW")
        [outcome] = await sent(settings, now, note(), password="geheim")
        assert isinstance(outcome, Temporary)
        assert (outcome.scope, outcome.alarm) == ("channel", True)
        assert "STARTTLS" in outcome.reason


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_untrusted_certificate_is_refused(mode: str, ca_file: Path, now: Now, tmp_path: Path) -> None:
    stranger = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(stranger)
    later, at_once = (stranger, None) if mode == "starttls" else (None, stranger)
    async with mail_server(ca_file, starttls=later, implicit=at_once) as server:
        [outcome] = await sent(server.settings(tls=mode), now, note())
        assert isinstance(outcome, Temporary)
        assert (outcome.scope, outcome.alarm) == ("channel", True)
        assert "certificate is not trusted" in outcome.reason
        [trusting] = await sent(server.settings(tls=mode, verify=False), now, note())
        assert isinstance(trusting, Delivered)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("450 4.2.1 greylisted", Temporary("recipient: 450 4.2.1 greylisted", retry_after=300_000_000)),
        ("550 5.1.1 no such user", Permanent("recipient: 550 5.1.1 no such user")),
        ("552 5.2.2 mailbox full", Temporary("recipient: 552 5.2.2 mailbox full", retry_after=3_600_000_000)),
        ("421 closing", Temporary("recipient: 421 closing", scope="channel")),
    ],
)
async def test_refused_recipient(answer: str, expected: Outcome, ca_file: Path, now: Now) -> None:
    box = Mailbox(rcpt=lambda address: answer if address.startswith("bad") else None)
    async with mail_server(ca_file, box=box) as server:
        first, second = await sent(server.settings(), now, note(1, "bad@kunde.example"), note(2))
        assert first == expected
        assert isinstance(second, Delivered)
        assert [message["Message-ID"] for message in box.messages] == ["<n-2@stagewatch.example>"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 4.3.0 later", Temporary("data: 451 4.3.0 later")),
        ("554 5.7.1 looks like spam", Permanent("data: 554 5.7.1 looks like spam")),
    ],
)
async def test_refused_content(answer: str, expected: Outcome, ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file, box=Mailbox(data=lambda message: answer)) as server:
        assert await sent(server.settings(), now, note()) == [expected]


async def test_refused_sender_is_about_us(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file, box=Mailbox(sender=lambda address: "550 5.7.1 not yours")) as server:
        [outcome] = await sent(server.settings(), now, note())
        assert isinstance(outcome, Temporary)
        assert (outcome.scope, outcome.alarm) == ("channel", True)


async def test_server_that_drops_after_data_is_tried_again(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file, box=Mailbox(hang_up=1)) as server:
        first, second = await sent(server.settings(), now, note(), note())
        assert isinstance(first, Temporary)
        assert (first.scope, first.reason.split(":")[0]) == ("message", "data")
        assert isinstance(second, Delivered)
        assert len(server.box.messages) == 1


async def test_slow_server_is_given_up_in_time(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file, box=Mailbox(delay=5)) as server:
        [outcome] = await sent(server.settings(timeout=0.2), now, note())
        assert isinstance(outcome, Temporary)
        assert outcome.reason.startswith("data:")
        [outcome] = await sent(server.settings(send_timeout=0.2), now, note())
        assert isinstance(outcome, Temporary)
        assert server.box.messages == []


async def test_absent_server_concerns_the_channel(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        settings = server.settings()
    [outcome] = await sent(settings, now, note())
    assert isinstance(outcome, Temporary)
    assert (outcome.scope, outcome.alarm) == ("channel", False)


async def test_kept_connection_that_the_server_closed_is_replaced(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        channel = MailChannel(server.settings(), now=now)
        assert isinstance(await channel.send(note(1)), Delivered)
        port = server.port
    async with mail_server(ca_file, port=port) as again:
        assert isinstance(await channel.send(note(2)), Delivered)
        assert len(again.box.messages) == 1
    await channel.aclose()


async def test_international_address_needs_smtputf8(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        [outcome] = await sent(server.settings(), now, note(1, "李伟@例子.cn"))
        assert isinstance(outcome, Delivered)
        name = server.box.messages[0]["To"].addresses[0].username
        assert name.encode("utf-8", "surrogateescape").decode("utf-8") == "李伟"
    async with mail_server(ca_file, utf8=False) as server:
        [outcome] = await sent(server.settings(), now, note(1, "李伟@例子.cn"))
        assert isinstance(outcome, Permanent)


async def test_unusable_address_never_reaches_the_server(ca_file: Path, now: Now) -> None:
    async with mail_server(ca_file) as server:
        [outcome] = await sent(server.settings(), now, note(1, "a@b.example\r\nRCPT TO:<x@y.example>"))
        assert isinstance(outcome, Permanent)
        assert server.box.connections == 0
