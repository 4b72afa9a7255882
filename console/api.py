"""The JSON API for programs: lists of alerts, tasks and approvals, and commands on behalf of people.

Reads a View, hands commands to a port. Must not know stores, topics or machines.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console.access import Access
from console.ports import Commands, Kind, Outcome, Query, View
from schemas.errors import RequestError, show

MAX_LIMIT: Final = 500
COMMAND_BYTES: Final = 64 * 1024
COMMAND_SECONDS: Final = 10.0
FILTERS: Final = frozenset({"state", "rule", "alert", "account", "entity", "key", "severity", "receiver"})

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `POST /v1/commands`. `until` (RFC 3339) ends a snooze, `to` is whom a delegation goes
    to.
    """

    command: Literal[
        "ack", "snooze", "resolve", "task.done", "task.cancel", "approve", "reject", "return", "delegate"
    ]
    alert: Text
    by: Text
    item: Text | None = None
    seen: int | None = None
    key: Text | None = None
    text: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    until: Text | None = None
    to: Text | None = None


_DECODER: Final = msgspec.json.Decoder(Command)
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Api:
    """Handlers of `GET /v1/{alerts,tasks,approvals}[/{id}]` and `POST /v1/commands`."""

    access: Access
    view: View
    commands: Commands

    async def find(self, request: Request, kind: Kind) -> Response:
        """GET a list: ``?state=firing,snoozed&rule=x&limit=100&cursor=...`` -> {kind: [...], "cursor":
        ...}.
        """
        _admit(self.access, request, "read")
        page = await self.view.find(kind, _query(request))
        return _json({kind: list(page.rows), "cursor": page.cursor})

    async def one(self, request: Request, kind: Kind) -> Response:
        """GET one row by its id; 404 when there is none."""
        _admit(self.access, request, "read")
        name = request.path_params["id"]
        row = await self.view.one(kind, name)
        if row is None:
            raise RequestError("SW-REQ-004", place=f"{kind}/{name}", next_step=f"list them by GET /v1/{kind}")
        return _json(row)

    async def command(self, request: Request) -> Response:
        """POST a command: 200 carried out, 202 stored and its result not known yet, 409 refused with the
        reason.
        """
        client = _admit(self.access, request, "commands")
        command = _read_command(await _body(request))
        fields = {"key": None, "item": None, "seen": None, "text": "", **msgspec.to_builtins(command)}
        outcome = await self.commands.carry_out({"machine": "account", **fields, "via": f"api:{client}"})
        if outcome.status not in ("done", "pending"):
            raise RequestError(
                "SW-REQ-033",
                place=f"{command.command} on {command.item or command.alert}",
                expected="an open alert, task or approval, as it was seen, and a person who may",
                found=_refusal(outcome),
                next_step="read it again and decide on what it says now",
            )
        return _json(msgspec.to_builtins(outcome), 200 if outcome.status == "done" else 202)


def _admit(access: Access, request: Request, scope: str) -> str:
    name = access.admit(request, scope).name
    request.scope["stagewatch.client"] = name
    return name


def _query(request: Request) -> Query:
    filters: dict[str, frozenset[str]] = {}
    limit, cursor = 100, None
    for name, value in request.query_params.multi_items():
        if name == "limit":
            limit = _limit(value)
        elif name == "cursor":
            cursor = value
        elif name in FILTERS:
            filters[name] = filters.get(name, frozenset()) | frozenset(value.split(","))
        else:
            raise _bad_query(name, "one of " + ", ".join(sorted(FILTERS | {"limit", "cursor"})), show(name))
    return Query(filters, limit, cursor)


def _limit(value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) < 6 and 1 <= int(value) <= MAX_LIMIT:
        return int(value)
    raise _bad_query("limit", f"a number from 1 to {MAX_LIMIT}", show(value))


def _bad_query(name: str, expected: str, found: str) -> RequestError:
    return RequestError(
        "SW-REQ-021",
        place=f"query {name[:40]}",
        expected=expected,
        found=found,
        next_step="correct the address",
    )


def _read_command(body: bytes) -> Command:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(
            "SW-REQ-020",
            place="body",
            expected='such as {"command": "ack", "alert": "<id>", "by": "<person>"}',
            found=str(error),
            next_step="see docs/errors.md, and the fields named in the message",
        ) from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > COMMAND_BYTES:
                    raise RequestError("SW-REQ-008", place="body", expected=f"at most {COMMAND_BYTES} bytes")
    except TimeoutError:
        raise RequestError("SW-REQ-006", place="body", expected=f"within {COMMAND_SECONDS:g} s") from None
    except ClientDisconnect:
        raise RequestError("SW-REQ-015", place="body") from None
    return bytes(body)


def _refusal(outcome: Outcome) -> str:
    parts = [outcome.status, outcome.reason, outcome.state, f"by {outcome.by}" if outcome.by else None]
    return ", ".join(part for part in parts if part)


def _json(value: Any, status: int = 200) -> Response:
    return Response(_ENCODER.encode(value), status, {"Cache-Control": "no-store"}, "application/json")
