"""How a notification becomes a message: headers, bodies, and what hostile content cannot do. No server."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage

import msgspec
import pytest

from connectors.channels.mail import MailSettings, MessageError, compose
from connectors.channels.mail.address import AddressError, parse_address
from connectors.channels.notification import (
    Fact,
    Link,
    Notification,
    decode_notification,
    encode_notification,
)

SETTINGS = MailSettings(
    host="mail.example", sender="销售看板 <alerts@stagewatch.example>", reply_to="ops@k.example"
)
NOTE = Notification(
    id="n-1",
    channel="email",
    receiver="p1",
    address="li@kunde.example",
    subject="Stale deal",
    text="No follow-up for 7 days.\nPlease call today.",
    reason="fired",
    at=1_772_443_800_000_000,
    alert="a-7",
    thread="a-7",
    facts=(Fact("Amount", "USD 54,000.00"),),
    links=(Link("Open", "https://stagewatch.example/a?x=1&y=2"),),
)


def parsed(**changes: object) -> EmailMessage:
    record = {**decoded(NOTE), **changes}
    raw = compose(decode_notification(record), SETTINGS).as_bytes()
    message = message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def decoded(note: Notification) -> dict[str, object]:
    record = msgspec.to_builtins(note)
    assert isinstance(record, dict)
    return record


def bodies(message: EmailMessage) -> tuple[str, str]:
    plain, page = message.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(page, EmailMessage)
    plain_text, page_text = str(plain.get_content()), str(page.get_content())
    return plain_text.replace("\r\n", "\n"), page_text.replace("\r\n", "\n")


def test_headers() -> None:
    message = parsed()
    assert dict(message.items()) | {"Content-Type": ""} == {
        "From": "销售看板 <alerts@stagewatch.example>",
        "To": "li@kunde.example",
        "Reply-To": "ops@k.example",
        "Subject": "Stale deal",
        "Date": "Mon, 02 Mar 2026 09:30:00 +0000",
        "Message-ID": "<n-1@stagewatch.example>",
        "In-Reply-To": "<thread.a-7@stagewatch.example>",
        "References": "<thread.a-7@stagewatch.example>",
        "List-Id": "Stagewatch <stagewatch.stagewatch.example>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": "en",
        "X-Stagewatch-Reason": "fired",
        "X-Stagewatch-Alert": "a-7",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }


def test_same_notification_gives_the_same_bytes() -> None:
    assert compose(NOTE, SETTINGS).as_bytes() == compose(NOTE, SETTINGS).as_bytes()


def test_text_body_holds_lines_facts_and_links() -> None:
    plain, _ = bodies(parsed())
    assert plain == (
        "No follow-up for 7 days.\nPlease call today.\n\nAmount: USD 54,000.00\n\n"
        "Open:\nhttps://stagewatch.example/a?x=1&y=2\n\n-- \n"
        "Sent automatically by Stagewatch. Replies to this message are not read.\n"
    )


def test_html_body_is_a_page_with_language_row_headers_and_escaped_link() -> None:
    _, page = bodies(parsed(language="zh"))
    assert '<html lang="zh">' in page
    assert '<th scope="row"' in page
    assert 'href="https://stagewatch.example/a?x=1&amp;y=2"' in page
    assert "请勿直接回复" in page


@pytest.mark.parametrize("field", ["subject", "text"])
def test_markup_in_data_is_shown_and_not_run(field: str) -> None:
    _, page = bodies(parsed(**{field: '<script>alert("x")</script> & <b>'}))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &lt;b&gt;" in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", 'https://x.example/" onclick="a'])
def test_link_that_is_no_web_address_is_only_text(url: str) -> None:
    _, page = bodies(parsed(links=[{"label": "Open", "url": url}]))
    assert "<a " not in page


@pytest.mark.parametrize("field", ["subject", "id", "alert", "thread", "reason", "language"])
def test_header_cannot_be_smuggled_in(field: str) -> None:
    message = parsed(**{field: "x\r\nBcc: everybody@k.example\r\n\r\nbody"})
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_subject_is_one_line_of_bounded_length_and_not_decoded_twice() -> None:
    assert parsed(subject="a\r\n b\tc")["Subject"] == "a b c"
    assert len(parsed(subject="长" * 500)["Subject"]) == 200
    assert parsed(subject="=?utf-8?q?=41?=")["Subject"] == "= ?utf-8?q?=41?="


def test_odd_id_is_replaced_by_its_hash_and_stays_distinct() -> None:
    names = [parsed(id=odd)["Message-ID"] for odd in ("a b", "a>b", "é", "x" * 80, "x" * 81)]
    assert len(set(names)) == 5
    assert all(name.startswith("<h-") for name in names)


def test_given_html_replaces_the_template() -> None:
    assert bodies(parsed(html="<p>own</p>"))[1] == "<p>own</p>\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "li",
        "li@",
        "@k.example",
        "a@b@",
        "a b@k.example",
        "a@k.example, b@k.example",
        "a\n@k.example",
        "<a@k.example>",
        "a@-k.example",
        "a..b@k.example",
        "a@k.example\r\nBcc: b@k.example",
        "a@\udc80.example",
    ],
)
def test_unusable_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        parse_address(address)


def test_refused_address_refuses_the_message() -> None:
    with pytest.raises(MessageError):
        parsed(address="nobody")


def test_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(MessageError):
        parsed(at=10**18)


def test_notification_survives_its_encoding() -> None:
    assert decode_notification(encode_notification(NOTE)) == NOTE
