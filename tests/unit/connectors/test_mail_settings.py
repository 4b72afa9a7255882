"""What mail settings are refused, and where the password comes from. No server."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.channels.mail import MailSettings
from connectors.channels.mail.pace import Pace
from schemas.errors import SettingsError


def settings(**more: object) -> MailSettings:
    return MailSettings.model_validate({"host": "mail.example", "sender": "a@k.example", **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "geheim"},
        {"username": "bot"},
        {"password_env": "PW"},
        {"username": "bot", "password_env": "PW", "tls": "none"},
        {"sender": "nobody"},
        {"sender": "a@k.example\nBcc: b@k.example"},
        {"host": "mail example"},
        {"port": 0},
        {"tls": "ssl"},
        {"password_env": "geheim!", "username": "bot"},
        {"timeout": 0},
    ],
)
def test_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


@pytest.mark.parametrize(("tls", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_usual_ports(tls: str, port: int) -> None:
    assert settings(tls=tls).effective_port == port


def test_password_comes_from_the_environment() -> None:
    login = settings(username="bot", password_env="PW")
    assert login.password({"PW": "geheim"}) == "geheim"
    assert settings().password({}) is None
    for environment in ({}, {"PW": ""}):
        with pytest.raises(SettingsError) as raised:
            login.password(environment)
        assert raised.value.code == "SW-SET-101"


def test_unusable_certificate_file_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "absent.pem"):
        with pytest.raises(SettingsError) as raised:
            settings(ca_file=path).tls_context()
        assert raised.value.code == "SW-SET-102"


def test_pace_slides() -> None:
    pace = Pace(2)
    assert pace.ready_at(0) == 0
    pace.note(0)
    pace.note(10)
    assert pace.ready_at(20) == 60_000_000
    pace.note(60_000_000)
    assert pace.ready_at(60_000_001) == 60_000_010
    assert Pace(None).ready_at(5) == 5
