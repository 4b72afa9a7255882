"""`POST /v1/events`: admits, reads, decodes, and answers only when the events are stored. Judges no event
itself.

Refusals are raised as coded errors (several as an ExceptionGroup); the application that mounts the route
turns them into answers. Who may send, where events go and whether the system is ready come in as ports.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sources.http.body import read_body
from schemas.cloudevents import BATCH, STRUCTURED, decode_http
from schemas.envelope import Event
from schemas.errors import EventError, RequestError, StagewatchError, show

PATH: Final = "/v1/events"
ACCEPTED: Final = "accepted"
VALUES_PER_EVENT: Final = 1_000
"""More commas than this per allowed event: the body is not a batch that anybody would send."""
_JSON: Final = "application/json"
_BINARY: Final = "ce-specversion"

Positions = Sequence[str | int]
"""Where events were stored, one per event, as the log names it."""

Sink = Callable[[list[Event]], Awaitable[Positions]]
"""Stores events durably, all or none, then returns. Raises StagewatchError or OSError when it could not."""


class Gate(Protocol):
    """Who may send, and how fast."""

    def enter(self, request: Request) -> str:
        """The name of the sender, charged for one event; raises RequestError (401, 403, 429)."""
        ...

    def spend(self, sender: str, events: int) -> None:
        """Charge the sender for more events. Raises nothing: what is too much makes the next request wait."""
        ...


class Observer(Protocol):
    """Counts what came in; the composition root plugs in Prometheus."""

    def intake(self, result: str, events: int, seconds: float) -> None:
        """A request with so many events ended: `accepted`, or the code of its first error."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest body in bytes, of one event and of a batch; events per batch; seconds to arrive and to be
    stored.
    """

    single: int = 1 << 20
    batch: int = 5 << 20
    events: int = 500
    seconds: float = 15.0
    store_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Intake:
    """The handler. `ready` lists why nothing can be taken now; `zone` is the organisation's, for dates
    alone.
    """

    sink: Sink
    gate: Gate
    ready: Callable[[], Sequence[str]]
    zone: ZoneInfo
    limits: Limits = Limits()
    observer: Observer | None = None

    async def handle(self, request: Request) -> Response:
        """202 with the number of events and their positions. Refused as a whole or accepted as a whole.

        Raises:
            RequestError, EventError: for one reason. ExceptionGroup: of EventErrors, one per bad event.
        """
        started = time.perf_counter()
        result, count = "SW-REQ-014", 0
        try:
            events = await self._events(request)
            count = len(events)
            positions = await self._store(events)
            result = ACCEPTED
        except StagewatchError as error:
            result = error.code
            raise
        except ExceptionGroup as group:
            result = getattr(group.exceptions[0], "code", result)
            raise
        finally:
            if self.observer is not None:
                self.observer.intake(result, count, time.perf_counter() - started)
        content = msgspec.json.encode({"accepted": count, "positions": list(positions)})
        return Response(content, 202, {"Cache-Control": "no-store"}, _JSON)

    async def _events(self, request: Request) -> list[Event]:
        sender = self.gate.enter(request)
        request.scope["stagewatch.client"] = sender
        self._check_ready()
        single = _is_single(request.headers)
        body = await read_body(
            request, self.limits.single if single else self.limits.batch, self.limits.seconds
        )
        if not single and body.lstrip()[:1] == b"[":
            self._check_count(body)
        events = _all_good(decode_http(request.headers, body, zone=self.zone))
        if len(events) > 1:
            self.gate.spend(sender, len(events) - 1)
        return events

    def _check_ready(self) -> None:
        reasons = self.ready()
        if reasons:
            raise RequestError(
                "SW-REQ-012",
                place="server",
                expected="ready",
                found="; ".join(reasons),
                next_step="send it again after the time that Retry-After says",
            )

    def _check_count(self, body: bytes) -> None:
        """Refuse a batch with too many entries before they are decoded; broken JSON is found later."""
        most = self.limits.events
        commas = body.count(b",")
        if (
            commas > most * VALUES_PER_EVENT
        ):  # entries cost memory even undecoded, so their number is bounded first
            raise _too_many(most, f"{commas} commas")
        try:
            count = len(_ENTRIES.decode(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        if count > most:
            raise _too_many(most, f"{count} events")

    async def _store(self, events: list[Event]) -> Positions:
        if not events:
            return ()
        try:
            async with asyncio.timeout(self.limits.store_seconds):
                return await self.sink(events)
        except (OSError, TimeoutError) as error:
            raise RequestError(
                "SW-REQ-013",
                place="log",
                found=str(error) or f"nothing stored within {self.limits.store_seconds:g} s",
                next_step="send the same events again: an event that was stored after all counts once",
            ) from error


_ENTRIES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def _too_many(most: int, found: str) -> RequestError:
    return RequestError(
        "SW-REQ-009",
        place="body",
        expected=f"at most {most} events",
        found=found,
        next_step="send them in several requests",
    )


def intake_route(intake: Intake) -> Route:
    """The route for the application."""
    return Route(PATH, intake.handle, methods=["POST"])


def _is_single(headers: Mapping[str, str]) -> bool:
    """Whether the headers promise one event (structured or binary); a plain JSON body may be a batch.

    Raises:
        RequestError: SW-REQ-010 (415).
    """
    content_type = headers.get("content-type", "")
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower()
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if charset in ("", "utf-8", "utf8"):
        if media == STRUCTURED or (_BINARY in headers and media != BATCH):
            return True
        if media in (BATCH, _JSON):
            return False
    raise RequestError(
        "SW-REQ-010",
        place="header Content-Type",
        expected=f"{STRUCTURED}, {BATCH}, or ce- headers with {_JSON}; in UTF-8",
        found=show(content_type) if content_type else "nothing",
        next_step="send the event as CloudEvents 1.0 JSON",
    )


def _all_good(decoded: Sequence[Event | EventError]) -> list[Event]:
    """The events; raises all errors together when there are any."""
    errors = [item for item in decoded if isinstance(item, EventError)]
    if errors:
        raise ExceptionGroup("events refused", errors)
    return [item for item in decoded if isinstance(item, Event)]
