"""Errors as HTTP answers: the status of a code, the one JSON form, and the headers that go with a status.

    {"errors": [{"code", "title", "message", "place", "expected", "found", "next_step"}, ...], "request": id}

Every refusal of the web API has this form. Nothing is decided here; pages for people are in `pages`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from schemas.errors import RequestError, StagewatchError

STATUS: Final[Mapping[str, int]] = {
    "SW-EVENT-001": 400,
    "SW-EVENT-002": 400,
    "SW-EVENT-013": 413,
    "SW-EVENT-040": 400,
    "SW-REQ-001": 401,
    "SW-REQ-002": 401,
    "SW-REQ-003": 403,
    "SW-REQ-004": 404,
    "SW-REQ-005": 405,
    "SW-REQ-006": 408,
    "SW-REQ-007": 411,
    "SW-REQ-008": 413,
    "SW-REQ-009": 413,
    "SW-REQ-010": 415,
    "SW-REQ-011": 429,
    "SW-REQ-012": 503,
    "SW-REQ-013": 503,
    "SW-REQ-014": 500,
    "SW-REQ-015": 400,
    "SW-REQ-020": 422,
    "SW-REQ-021": 400,
    "SW-REQ-030": 400,
    "SW-REQ-031": 410,
    "SW-REQ-032": 409,
    "SW-REQ-033": 409,
}
"""Code -> HTTP status where it is not what the family says."""

FAMILY: Final[Mapping[str, int]] = {"SW-EVENT": 422, "SW-CMD": 409, "SW-STREAM": 503, "SW-WS": 503}
LISTED = 100
"""At most so many errors of a batch are written out; `total` says how many there were."""
RETRY_SECONDS = 5


class RateError(RequestError):
    """SW-REQ-011, with the seconds to wait."""

    def __init__(self, client: str, seconds: float) -> None:
        super().__init__(
            "SW-REQ-011",
            place=f"token {client}",
            next_step="send more events per request, or wait as long as Retry-After says",
        )
        self.seconds = seconds


def status_of(error: StagewatchError) -> int:
    """The HTTP status for an error: 500 for codes that no request should meet."""
    family = error.code.rpartition("-")[0]
    return STATUS.get(error.code) or FAMILY.get(family, 500)


def problem(
    errors: Sequence[StagewatchError], request: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for one or many errors; its status is that of the first."""
    first = errors[0]
    status = status_of(first)
    body: dict[str, object] = {"errors": [e.to_dict() for e in errors[:LISTED]], "request": request}
    if len(errors) > LISTED:
        body["total"] = len(errors)
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, {**_headers(first, status), **(headers or {})}, "application/json")


def _headers(error: StagewatchError, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateError):
        headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    elif status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return headers


def request_id(request: Request) -> str:
    """The id that the hygiene middleware gave the request."""
    return str(request.scope.get("stagewatch.request", ""))


def all_errors(error: BaseException) -> list[StagewatchError]:
    """The coded errors of an exception or of a group of them, in order; empty when there are none."""
    if isinstance(error, StagewatchError):
        return [error]
    if isinstance(error, BaseExceptionGroup):
        return [found for part in error.exceptions for found in all_errors(part)]
    return []
