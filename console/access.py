"""Who may call the web API, and how often: bearer tokens with scopes, and a token bucket per bearer token.

Tokens are kept as SHA-256 digests and compared in constant time, all of them each time. Without tokens
nobody is let in. Nothing here knows routes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from console.problems import RateError
from schemas.errors import RequestError, SettingsError, show

SCOPES: Final = frozenset({"events", "read", "commands"})
VARIABLE: Final = "STAGEWATCH_TOKENS"
LEAST_TOKEN: Final = 20
_ENTRY: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]{0,40})(?::(?P<scopes>[a-z+]+))?=(?P<token>\S+)")
_HASHED: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Client:
    """A holder of a token: its name for logs and limits, the token's SHA-256 digest, and what it may do."""

    name: str
    digest: bytes
    scopes: frozenset[str]


def read_tokens(text: str, place: str = VARIABLE) -> list[Client]:
    """Clients from a setting: entries ``name[:scope+scope]=token`` apart by blanks or commas.

    Scopes: `events` (send events; the default), `read` (lists), `commands` (act for people). A token has at
    least 20 characters, or is given as ``sha256:<hex>`` so that the setting holds no secret.

    Raises:
        SettingsError: SW-SET-131; its text never shows a token.

    >>> two = read_tokens("crm=0123456789abcdefghij ops:read+commands=abcdefghij0123456789")
    >>> [(client.name, sorted(client.scopes)) for client in two]
    [('crm', ['events']), ('ops', ['commands', 'read'])]
    """
    clients: dict[str, Client] = {}
    for number, entry in enumerate(text.replace(",", " ").split(), start=1):
        client = _client(entry, f"{place}: entry {number}")
        if client.name in clients:
            raise _bad(f"{place}: entry {number}", "each name once", show(client.name))
        clients[client.name] = client
    return list(clients.values())


def _client(entry: str, place: str) -> Client:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise _bad(place, "name=token or name:scope+scope=token", f"{len(entry)} characters of another form")
    scopes = frozenset((match["scopes"] or "events").split("+"))
    if not scopes <= SCOPES:
        raise _bad(
            place, "scopes among " + ", ".join(sorted(SCOPES)), show("+".join(sorted(scopes - SCOPES)))
        )
    token = match["token"]
    if _HASHED.fullmatch(token):
        return Client(match["name"], bytes.fromhex(token[7:]), scopes)
    if len(token) < LEAST_TOKEN or not token.isascii():
        raise _bad(place, f"a token of at least {LEAST_TOKEN} ASCII characters", f"{len(token)} characters")
    return Client(match["name"], digest(token), scopes)


def _bad(place: str, expected: str, found: str) -> SettingsError:
    return SettingsError(
        "SW-SET-131",
        place=place,
        expected=expected,
        found=found,
        next_step=f"correct the variable {VARIABLE}",
    )


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(slots=True)
class Bucket:
    """A token bucket: `level` requests may be made at once; it fills with `rate` per second up to `burst`.

    A large request may take it below zero; the next ones then wait until it is filled again.
    """

    rate: float
    burst: float
    level: float
    at: float

    def take(self, now: float, cost: float) -> float:
        """Take `cost`; 0 when it is granted, else the seconds until one unit is there (nothing is taken)."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= cost
        return 0.0


@dataclass(slots=True)
class Access:
    """Admits requests. `rate` and `burst` are events (or other calls) per second and token; `clock` is in
    seconds.
    """

    clients: list[Client]
    clock: Callable[[], float]
    rate: float = 2_000.0
    burst: float = 10_000.0
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def client(self, headers: Mapping[str, str], scope: str) -> Client:
        """The client that sent these headers.

        Raises:
            RequestError: SW-REQ-001 (401) no token, SW-REQ-002 (401) unknown token, SW-REQ-003 (403) wrong
            scope.
        """
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise RequestError(
                "SW-REQ-001",
                place="header Authorization",
                expected="Authorization: Bearer <token>",
                next_step=f"send a token; tokens are set in the variable {VARIABLE}",
            )
        found = self._find(digest(token.strip()))
        if found is None:
            raise RequestError(
                "SW-REQ-002", place="header Authorization", next_step=f"compare the token with {VARIABLE}"
            )
        if scope not in found.scopes:
            raise RequestError(
                "SW-REQ-003",
                place=f"token {found.name}",
                expected=f"a token with the scope {scope}",
                found="+".join(sorted(found.scopes)),
                next_step="use another token or give this one the scope",
            )
        return found

    def admit(self, request: Request, scope: str, cost: float = 1.0) -> Client:
        """The client of a request, charged with `cost`; raises as `client`, and SW-REQ-011 (429) when too
        fast.
        """
        client = self.client(request.headers, scope)
        self.charge(client.name, cost)
        return client

    def charge(self, name: str, cost: float) -> None:
        """Charge a client by name; raises SW-REQ-011 (429) with the seconds to wait when its bucket is
        empty.
        """
        now = self.clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self.rate, self.burst, self.burst, now)
        seconds = bucket.take(now, cost)
        if seconds:
            raise RateError(name, seconds)

    def spend(self, name: str, cost: float) -> None:
        """Charge a client that was admitted for more; it may fall into debt, which the next `charge`
        feels.
        """
        self._buckets[name].level -= cost

    def _find(self, wanted: bytes) -> Client | None:
        found = None
        for client in self.clients:
            if hmac.compare_digest(client.digest, wanted):
                found = client
        return found


@dataclass(frozen=True, slots=True)
class EventGate:
    """Admission for sources that take events: the scope `events`, one unit per event."""

    access: Access

    def enter(self, request: Request) -> str:
        """The name of the sender, charged for one event; raises RequestError (401, 403, 429)."""
        return self.access.admit(request, "events").name

    def spend(self, sender: str, events: int) -> None:
        """Charge the sender for more events."""
        self.access.spend(sender, events)
