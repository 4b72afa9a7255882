"""Whatever the data, a mail stays one readable message with the headers we meant."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from connectors.channels.mail import MailSettings, compose
from connectors.channels.mail.compose import subject_line
from connectors.channels.notification import Fact, Link, Notification

SETTINGS = MailSettings(host="mail.example", sender="Stagewatch <alerts@stagewatch.example>")
NAMES = {
    *(
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "List-Id",
        "Auto-Submitted",
    ),
    *("X-Auto-Response-Suppress", "Content-Language", "X-Stagewatch-Reason", "X-Stagewatch-Alert"),
    *("MIME-Version", "Content-Type"),
}
TEXTS = st.text(max_size=120) | st.text('商机超过 =?\r\n:<>"a', max_size=120)


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
def test_message_survives_any_content(subject: str, text: str, name: str, label: str, url: str) -> None:
    note = Notification(
        id=name,
        channel="email",
        receiver="p",
        address="p@k.example",
        subject=subject,
        text=text,
        reason=label,
        at=0,
        alert=name,
        thread=name,
        facts=(Fact(label, text),),
        links=(Link(label, url),),
    )
    raw = compose(note, SETTINGS).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert sorted(message.keys()) == sorted(NAMES)
    assert message["Subject"] == subject_line(subject)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []
