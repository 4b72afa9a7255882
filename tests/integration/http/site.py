"""A whole web side over memory ports, served by the real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from connectors.sources.http.intake import Intake, Limits, intake_route
from console.access import Access, EventGate, read_tokens
from console.api import Api
from console.app import Probes, create_app
from console.decisions import Decisions
from console.links import Signer, signed
from console.memory import MemoryCommands, MemoryUsedLinks, MemoryView
from console.server import HttpServer
from schemas.envelope import Event
from stagewatch.metrics import Metrics
from streams.machines.inbox.compose import notification
from streams.machines.inbox.notice import Notice

SECRET = "0123456789abcdef0123456789abcdef"
CRM = "crm-token-0123456789abcdef"
OPS = "ops-token-0123456789abcdef"
HEAD = (
    "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {CRM}\r\n"
)
"""The head of a request, but for its end, by hand."""
NOW = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
SHANGHAI = ZoneInfo("Asia/Shanghai")


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    """A CloudEvents object that is right; `more` replaces attributes."""
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "crm/test", "type": "opportunity.created",
        "time": "2026-03-02T09:30:00Z",
        "data": {"opportunity": f"o{number}", "account": "a1", "amount": "1054.00", "currency": "USD"},
    } | more  # fmt: skip


@dataclass
class Site:
    """The parts that tests look into, and a client of the running server."""

    limits: Limits = field(default_factory=Limits)
    rate: float = 1_000_000.0
    burst: float = 1_000_000.0
    reasons: list[str] = field(default_factory=list)
    stored: list[Event] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    now: int = NOW
    head_seconds: float = 10.0

    def __post_init__(self) -> None:
        self.metrics = Metrics("test", process=False)
        self.view, self.commands, self.used = MemoryView(), MemoryCommands(), MemoryUsedLinks()
        self.signer = Signer(SECRET)
        tokens = read_tokens(f"crm={CRM} ops:read+commands={OPS}")
        access = Access(tokens, lambda: self.now / 1e6, self.rate, self.burst)
        intake = Intake(
            self._store, EventGate(access), lambda: self.reasons, SHANGHAI, self.limits, self.metrics
        )
        decisions = Decisions(self.signer, self.view, self.commands, self.used, lambda: self.now, SHANGHAI)
        app = create_app(
            Probes(lambda: self.reasons, self.metrics.render),
            api=Api(access, self.view, self.commands),
            decisions=decisions,
            routes=[intake_route(intake)],
            observer=self.metrics,
        )
        self.server = HttpServer(app, port=0, head_seconds=self.head_seconds)

    async def __aenter__(self) -> Site:
        await self.server.start()
        self.client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", timeout=20)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.client.aclose()
        await self.server.stop()

    async def _store(self, events: list[Event]) -> Sequence[int]:
        if self.trouble:
            raise self.trouble.pop()
        first = len(self.stored)
        self.stored += events
        return range(first, len(self.stored))

    async def post(
        self, body: Any, form: str = "", token: str | None = CRM, **headers: str
    ) -> httpx2.Response:
        """POST /v1/events; `body` is bytes, or an object that is sent as JSON. `form` "-batch" sends a
        batch.
        """
        sent = {"Content-Type": f"application/cloudevents{form}+json", **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, bytes):
            return await self.client.post("/v1/events", content=body, headers=sent)
        return await self.client.post("/v1/events", json=body, headers=sent)

    async def raw(self, data: bytes, *, until_close: bool = True) -> bytes:
        """Send bytes on a connection of their own; all that came back until the server closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        await writer.drain()
        answer = await (reader.read(-1) if until_close else reader.readuntil(b"\r\n\r\n"))
        writer.close()
        return answer

    def mail(self, **more: Any) -> dict[str, str]:
        """Action -> path of the links in a mail that asks li to approve p1 of alert a1."""
        fields: dict[str, Any] = {
            "notice": "n1", "alert": "a1", "rule": "r", "transition": "t1", "kind": "approval", "item": "p1",
            "receiver": "li", "title": "Contract <b>9</b>", "at": NOW, "seen": 3, "home": "account:7",
        }  # fmt: skip
        note = Notice.from_dict(fields | more)
        base = f"http://127.0.0.1:{self.server.port}"
        record = signed(notification(note, "li@example.com", "email", 0, NOW), self.signer, base)
        actions = ["approve", "reject", "return"]
        return dict(zip(actions, (link["url"] for link in record["links"]), strict=True))

    def asked(self, **more: Any) -> None:
        """Put approval p1 into the view, waiting for a decision."""
        row = {"id": "p1", "alert": "a1", "state": "requested", "actor": "system", "at": NOW, "n": 3,
               "title": "Contract 9", "data": {"amount": "<script>alert(1)</script>"}}  # fmt: skip
        self.view.put("approvals", row | more)


def codes(answer: httpx2.Response) -> list[str]:
    """The codes of the errors in an answer; checks its form."""
    body = answer.json()
    assert body["request"] == answer.headers["x-request-id"]
    for error in body["errors"]:
        assert {"code", "title", "message"} <= set(error)
    return [error["code"] for error in body["errors"]]
