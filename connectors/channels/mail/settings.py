"""What an administrator declares about the mail server. Never holds a password, only the variable's name."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.channels.mail.address import AddressError, parse_sender
from schemas.errors import SettingsError

DEFAULT_PORTS: Mapping[str, int] = {"none": 25, "starttls": 587, "tls": 465}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettings(BaseModel):
    """How to reach the mail server and in whose name.

    `tls`: "starttls" (default; refused when the server does not offer it), "tls" (from the first byte) or
    "none". `password_env` is the NAME of the environment variable with the password. `timeout` is seconds
    for each answer of the server, `send_timeout` seconds for one whole attempt. `per_minute` limits
    messages in any 60 seconds. `verify: false` accepts any certificate; for trials only.

    Example:
        >>> MailSettings(host="mail.example.com", sender="Stagewatch <alerts@example.com>").effective_port
        587
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, pattern=r"^[^\s\x00-\x1f]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    sender: str
    reply_to: str | None = None
    helo: Annotated[str, Field(pattern=r"^[A-Za-z0-9.\-\[\]:]+$")] | None = None
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    send_timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    idle: Annotated[float, Field(ge=0, le=600)] = 20.0
    per_minute: Annotated[int, Field(ge=1)] | None = None
    ca_file: Path | None = None
    verify: bool = True

    @field_validator("sender", "reply_to")
    @classmethod
    def _readable_address(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_sender(value)
            except AddressError as refused:
                raise ValueError(str(refused)) from refused
        return value

    @model_validator(mode="after")
    def _login_is_whole_and_private(self) -> Self:
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username and password_env belong together: give both or neither")
        if self.username is not None and self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError(
                "a login without TLS would send the password in clear: set tls to starttls or tls"
            )
        return self

    @property
    def effective_port(self) -> int:
        """The declared port, else the usual one of the TLS mode: 25, 587 or 465."""
        return self.port if self.port is not None else DEFAULT_PORTS[self.tls]

    @property
    def sender_address(self) -> Address:
        """The sender as display name and address."""
        return parse_sender(self.sender)

    def password(self, environment: Mapping[str, str]) -> str | None:
        """The password out of `environment`; None without login; SettingsError SW-SET-101 when it is not
        set.
        """
        if self.password_env is None:
            return None
        found = environment.get(self.password_env)
        if not found:
            raise SettingsError(
                "SW-SET-101",
                "The mail password is not set",
                place="mail.password_env",
                expected=f"the environment variable {self.password_env} with the password of {self.username}",
                found="an empty value" if found == "" else "no such variable",
                next_step=f"export {self.password_env}=... before starting",
            )
        return found

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS context of the settings; None when TLS is off; SettingsError SW-SET-102 for an unusable
        CA file.
        """
        if self.tls == "none":
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                "SW-SET-102",
                "The certificate file cannot be used",
                place="mail.ca_file",
                expected="a readable PEM file with one or more certificates",
                found=f"{self.ca_file}: {error}",
                next_step="correct the path, or remove ca_file to use the system's certificates",
            ) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
