"""What each answer of a mail server, and each kind of silence, means. The table of `replies.py`, line by
line.
"""

import ssl

import aiosmtplib
import pytest

from connectors.channels.channel import Permanent, Temporary
from connectors.channels.mail.replies import Stage, classify_error, classify_reply

OURS = [Stage.CONNECT, Stage.LOGIN, Stage.SENDER]
THEIRS = [Stage.RECIPIENT, Stage.DATA]


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("code", [421, 450, 451, 452, 454, 499])
def test_4xx_is_always_temporary_without_alarm(stage: Stage, code: int) -> None:
    outcome = classify_reply(stage, code, "later")
    assert isinstance(outcome, Temporary)
    assert not outcome.alarm


@pytest.mark.parametrize("stage", OURS)
@pytest.mark.parametrize("code", [500, 530, 535, 550, 554])
def test_5xx_about_us_waits_with_an_alarm_and_loses_nothing(stage: Stage, code: int) -> None:
    outcome = classify_reply(stage, code, "no")
    assert isinstance(outcome, Temporary)
    assert (outcome.scope, outcome.alarm) == ("channel", True)


@pytest.mark.parametrize("stage", THEIRS)
@pytest.mark.parametrize("code", [500, 550, 551, 552, 553, 554])
def test_5xx_about_the_message_is_final(stage: Stage, code: int) -> None:
    assert classify_reply(stage, code, "5.1.1 no") == Permanent(f"{stage}: {code} 5.1.1 no")


def test_full_mailbox_may_be_emptied() -> None:
    assert isinstance(classify_reply(Stage.RECIPIENT, 552, "5.2.2 full"), Temporary)


@pytest.mark.parametrize(("code", "text"), [(530, "authenticate first"), (550, "5.7.0 authenticate first")])
def test_late_request_for_a_login_is_about_us(code: int, text: str) -> None:
    outcome = classify_reply(Stage.RECIPIENT, code, text)
    assert isinstance(outcome, Temporary)
    assert outcome.alarm


@pytest.mark.parametrize("code", [200, 354, 399, 600, -1])
def test_answer_that_makes_no_sense_is_not_final(code: int) -> None:
    assert isinstance(classify_reply(Stage.DATA, code, "?"), Temporary)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        OSError("no route"),
        aiosmtplib.SMTPServerDisconnected("gone"),
        aiosmtplib.SMTPReadTimeoutError("slow"),
        aiosmtplib.SMTPConnectError("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_silence_and_lost_lines_are_temporary(stage: Stage, error: Exception) -> None:
    outcome = classify_error(stage, error)
    assert isinstance(outcome, Temporary)
    assert outcome.scope == ("channel" if stage in OURS else "message")
    assert not outcome.alarm


def test_refused_recipients_count_as_their_first() -> None:
    refused = aiosmtplib.SMTPRecipientsRefused(
        [aiosmtplib.SMTPRecipientRefused(550, "5.1.1 who?", "x@k.example")]
    )
    assert classify_error(Stage.RECIPIENT, refused) == Permanent("recipient: 550 5.1.1 who?")


def test_certificate_trouble_is_found_under_other_errors() -> None:
    inner = ssl.SSLCertVerificationError(1, "bad")
    inner.verify_message = "self-signed certificate"
    outer = aiosmtplib.SMTPConnectError("Error connecting")
    outer.__cause__ = inner
    outcome = classify_error(Stage.CONNECT, outer)
    assert isinstance(outcome, Temporary)
    assert outcome.alarm
    assert outcome.reason == "connect: the server's certificate is not trusted: self-signed certificate"


def test_words_of_the_server_are_kept_to_one_short_line() -> None:
    outcome = classify_reply(Stage.DATA, 554, "spam\r\n" + "x" * 1000)
    assert isinstance(outcome, Permanent)
    assert outcome.reason.startswith("data: 554 spam xxx")
    assert len(outcome.reason) < 320
