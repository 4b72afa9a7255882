"""Decisions by a link in a message. GET shows the page and never decides: mail scanners open links. POST
decides.

The token itself guards against forged forms: who cannot read the message cannot know it. One use only: the
link is claimed before the command goes in, the command carries the transition that was seen, and the machine
that owns the alert refuses a stale one. Must not know how tokens are signed or pages look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console import pages
from console.links import Link, Signer, link_digest
from console.ports import Commands, Kind, Outcome, Row, UsedLinks, View
from console.texts import MAX_COMMENT
from schemas.errors import RequestError, StagewatchError

FORM_BYTES: Final = 64 * 1024
FORM_SECONDS: Final = 10.0

KINDS: Final[Mapping[str, Kind]] = {"ack": "alerts", "task.done": "tasks"}
"""Action -> what it decides; all others decide approvals."""

OPEN: Final[Mapping[Kind, frozenset[str]]] = {
    "alerts": frozenset({"firing", "snoozed"}),
    "tasks": frozenset({"open", "overdue"}),
    "approvals": frozenset({"requested", "timed_out"}),
}
"""States in which there is something to decide."""

VOID: Final = frozenset({"void", "withdrawn", "cancelled"})

log = structlog.get_logger("stagewatch.decisions")


@dataclass(frozen=True, slots=True)
class Decisions:
    """The two handlers of a link. `now` gives us; `zone` is how times are shown."""

    signer: Signer
    view: View
    commands: Commands
    used: UsedLinks
    now: Callable[[], int]
    zone: ZoneInfo

    async def show(self, request: Request) -> Response:
        """GET: the page that asks, or the page that says why there is nothing to ask."""
        link = self._read(request)
        if isinstance(link, Response):
            return link
        row = await self._row(link)
        if row is None:
            return self._result("unknown", link)
        standing = str(row.get("state"))
        if standing not in OPEN[_kind(link)]:
            return self._result(_ended(standing), link, _deed(row))
        return pages.ask(link.action, link.title or str(row.get("title", "")), _facts(row), link.language)

    async def decide(self, request: Request) -> Response:
        """POST: the decision, once."""
        link = self._read(request)
        if isinstance(link, Response):
            return link
        comment = await _comment(request)
        if comment is None:
            return self._result("too_long", link)
        name = link_digest(request.path_params["token"])
        if not await self.used.claim(name, link.expires):
            row = await self._row(link)
            return self._result("used", link, pages.Deed() if row is None else _deed(row))
        return await self._carry_out(link, comment, name)

    async def _carry_out(self, link: Link, comment: str, name: str) -> Response:
        try:
            outcome = await self.commands.carry_out(_command(link, comment))
        except (StagewatchError, OSError) as error:
            await self.used.release(name)
            log.warning("decision not stored", alert=link.alert, item=link.item, error=str(error))
            return self._result("unavailable", link)
        except asyncio.CancelledError:
            await self.used.release(name)
            raise
        log.info(
            "decision", alert=link.alert, item=link.item, action=link.action, by=link.person,
            outcome=outcome.status, reason=outcome.reason,
        )  # fmt: skip
        return self._result(outcome.status, link, _of(outcome, link))

    def _read(self, request: Request) -> Link | Response:
        try:
            return self.signer.read(request.path_params["token"], self.now())
        except RequestError as error:
            name = "expired" if error.code == "SW-REQ-031" else "malformed"
            return pages.result(name, None, pages.Deed(), self.zone)

    async def _row(self, link: Link) -> Row | None:
        return await self.view.one(_kind(link), link.item or link.alert)

    def _result(self, name: str, link: Link, deed: pages.Deed | None = None) -> Response:
        return pages.result(name, link.language, deed or pages.Deed(), self.zone)


def _kind(link: Link) -> Kind:
    return KINDS.get(link.action, "approvals")


def _command(link: Link, comment: str) -> dict[str, object]:
    return {
        "machine": "account",
        "key": link.key,
        "command": link.action,
        "alert": link.alert,
        "item": link.item,
        "seen": link.seen,
        "by": link.person,
        "text": comment,
        "via": "link",
    }


def _ended(state: str) -> Literal["voided", "already"]:
    return "voided" if state in VOID else "already"


def _deed(row: Row) -> pages.Deed:
    actor, at = row.get("actor"), row.get("at")
    return pages.Deed(
        str(row.get("state")), actor if isinstance(actor, str) else None, at if isinstance(at, int) else None
    )


def _of(outcome: Outcome, link: Link) -> pages.Deed:
    return pages.Deed(
        outcome.state, outcome.by or (link.person if outcome.status == "done" else None), outcome.at
    )


def _facts(row: Row) -> dict[str, str]:
    data = row.get("data")
    return {str(k): str(v) for k, v in data.items() if v is not None} if isinstance(data, Mapping) else {}


async def _comment(request: Request) -> str | None:
    """The comment of the form; None when it, or the form, is too long.

    Raises:
        RequestError: SW-REQ-006 the form did not arrive in time, SW-REQ-015 the sender went away.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > FORM_BYTES:
                    return None
    except TimeoutError:
        raise RequestError("SW-REQ-006", place="form", next_step="send the form again") from None
    except ClientDisconnect:
        raise RequestError("SW-REQ-015", place="form") from None
    fields = parse_qs(body.decode("utf-8", "replace"))
    comment = fields.get("comment", [""])[0].strip()
    return comment if len(comment) <= MAX_COMMENT else None
