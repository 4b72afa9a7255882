"""Signed links in messages: who may decide what, until when. Made and checked here; used once (see
`decisions`).

A token is ``1.<payload>.<mac>``, both base64url. The MAC (HMAC-SHA256) covers the text of the payload, and
is compared as text: no other spelling of a token is accepted. The secret comes from the environment and is
never written anywhere. A token alone decides nothing: opening it shows a page, only sending the page's form
decides.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from schemas.errors import RequestError, SettingsError
from schemas.time import DAY, format_instant

VARIABLE: Final = "STAGEWATCH_SECRET"
PREVIOUS: Final = "STAGEWATCH_SECRET_PREVIOUS"
LEAST_SECRET: Final = 32
LIFE: Final = 14 * DAY
PATH: Final = "/d/"
MAX_TOKEN: Final = 4_096
_VERSION: Final = "1"
_MAX_TITLE: Final = 120

Action = Literal["approve", "reject", "return", "task.done", "ack"]


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What a token says. `seen` is the number of the transition that the message told of; `nonce` the
    message's id; `expires` us; `key` the partition key of the machine that owns the alert.
    """

    action: Action
    alert: str
    item: str | None
    key: str
    person: str
    seen: int
    expires: int
    nonce: str
    language: Literal["zh", "en"] = "en"
    title: str = ""


class Signer:
    """Makes and checks tokens with a secret of at least 32 bytes.

    `previous` is a secret that was in use before: its tokens are still accepted, none are made with it.

    Raises:
        SettingsError: SW-SET-130, a secret is missing or too short.
    """

    def __init__(self, secret: str | None, previous: str | None = None) -> None:
        self._keys = [_key(secret, VARIABLE)]
        if previous:
            self._keys.append(_key(previous, PREVIOUS))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Signer:
        """The signer of `STAGEWATCH_SECRET` (and `STAGEWATCH_SECRET_PREVIOUS`)."""
        return cls(environment.get(VARIABLE), environment.get(PREVIOUS))

    def sign(self, link: Link) -> str:
        """The token of a link."""
        payload = _encode(msgspec.msgpack.encode(link))
        return f"{_VERSION}.{payload}.{_mac(self._keys[0], payload)}"

    def read(self, token: str, now: int) -> Link:
        """The link in a token, at `now` (us).

        Raises:
            RequestError: SW-REQ-030 it is not whole, SW-REQ-031 it has expired.
        """
        version, _, rest = token.partition(".")
        payload, _, mac = rest.partition(".")
        readable = token.isascii() and len(token) <= MAX_TOKEN and version == _VERSION
        if not readable or not self._signed(payload, mac):
            raise _malformed()
        try:
            link = msgspec.msgpack.decode(_decode(payload), type=Link)
        except (msgspec.MsgspecError, ValueError):
            raise _malformed() from None
        if now >= link.expires:
            raise RequestError(
                "SW-REQ-031",
                place="link",
                expected=f"a link used before {format_instant(link.expires)}",
                next_step="decide by the command line or the console, or wait for the next reminder",
            )
        return link

    def _signed(self, payload: str, mac: str) -> bool:
        given = mac.encode()
        matches = [hmac.compare_digest(_mac(key, payload).encode(), given) for key in self._keys]
        return any(matches)


def signed(record: Mapping[str, Any], signer: Signer, base_url: str, life: int = LIFE) -> dict[str, Any]:
    """A notification's record with its `wanted` links signed: label and address under `links`, `wanted` gone.

    To be called at delivery, not before: what is stored holds no valid link. `base_url` is where people
    reach the web side (``https://stagewatch.example.com``). A link lives `life` us from the notification's
    `at`.
    """
    out = {name: value for name, value in record.items() if name != "wanted"}
    wanted: list[Mapping[str, Any]] = record.get("wanted", [])
    if wanted:
        made = [_link(want, str(record["id"]), int(record["at"]) + life) for want in wanted]
        out["links"] = [
            {"label": want["label"], "url": f"{base_url.rstrip('/')}{PATH}{signer.sign(link)}"}
            for want, link in zip(wanted, made, strict=True)
        ]
    return out


def link_digest(token: str) -> str:
    """The name under which a used link is remembered."""
    return hashlib.sha256(token.encode()).hexdigest()


def _link(want: Mapping[str, Any], nonce: str, expires: int) -> Link:
    said = [want[name] for name in ("action", "alert", "item", "key", "person", "seen")]
    title = str(want.get("title", ""))[:_MAX_TITLE]
    return msgspec.convert([*said, expires, nonce, want["language"], title], type=Link)


def _key(secret: str | None, variable: str) -> bytes:
    raw = (secret or "").encode()
    if len(raw) < LEAST_SECRET:
        raise SettingsError(
            "SW-SET-130",
            place=f"environment variable {variable}",
            expected=f"at least {LEAST_SECRET} bytes",
            found=f"{len(raw)} bytes" if raw else "nothing",
            next_step="set it to a random text, for example: openssl rand -base64 48",
        )
    return hmac.digest(raw, b"stagewatch signed links, version 1", "sha256")


def _mac(key: bytes, payload: str) -> str:
    return _encode(hmac.digest(key, f"{_VERSION}.{payload}".encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _malformed() -> RequestError:
    return RequestError(
        "SW-REQ-030",
        place="link",
        expected="the whole address from the message",
        next_step="open it from the message itself, or copy all of it",
    )
