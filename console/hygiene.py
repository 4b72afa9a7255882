"""The outermost layer of every request: its id, safe headers, a bounded end for bodies nobody read, one log
line.

Pure ASGI, because it must see the body's stream. Paths are logged by their route, never raw: a path may hold
a token.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.ports import RequestObserver

_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_PROCESS: Final = os.urandom(8).hex()
_NUMBERS: Final = itertools.count(1)
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 64 * 1024 * 1024

log = structlog.get_logger("stagewatch.http")
_GATE: Final = logging.getLogger("stagewatch.http")


class Hygiene:
    """Wraps the application; `observer` counts requests."""

    def __init__(self, app: ASGIApp, observer: RequestObserver | None = None) -> None:
        self.app = app
        self.observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        started = asyncio.get_running_loop().time()
        with structlog.contextvars.bound_contextvars(request=exchange.id):
            try:
                await self.app(scope, exchange.receive, exchange.send)
            except Exception:
                log.exception("request failed")
                if not exchange.status:
                    raise
            self._note(scope, exchange.status, asyncio.get_running_loop().time() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        if self.observer is not None:
            self.observer.request(route, scope["method"], status, seconds)
        if status < 400 and not _GATE.isEnabledFor(logging.DEBUG):
            return  # the common case, at full rate: not even an event dictionary
        client = scope.get("stagewatch.client")
        say = log.debug if status < 400 else log.info if status < 500 else log.warning
        say(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            client=client,
            ms=round(seconds * 1e3, 2),
        )


class Exchange:
    """One request and its answer. If the answer comes before the body was read, the rest is thrown away,
    within limits, and the connection ends: so the sender sees the answer instead of a broken pipe.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.status = 0
        self.id = _id(scope)
        scope["stagewatch.request"] = self.id
        self._body_left = _has_body(scope)
        self._cut = False

    async def receive(self) -> Message:
        """The next part of the body."""
        message = await self._receive()
        if not message.get("more_body", False):
            self._body_left = False
        return message

    async def send(self, message: Message) -> None:
        """Part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.id
            headers.setdefault("X-Content-Type-Options", "nosniff")
            if self._body_left:
                self._cut = True
                headers["Connection"] = "close"
        elif self._cut and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _discard(self) -> None:
        left = LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self._body_left and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return


def _id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value.decode())
    return f"{_PROCESS}-{next(_NUMBERS):x}"


def _has_body(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0"):
            return True
    return False
