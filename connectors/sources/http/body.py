"""Reads the body of a request within limits of size and time, without ever holding more than the limit.

Knows nothing of events.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from schemas.errors import RequestError, show


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body, at most `limit` bytes, within `seconds`.

    A declared length over the limit is refused before anything is read.

    Raises:
        RequestError: SW-REQ-007 (411) no length, SW-REQ-008 (413) too large, SW-REQ-006 (408) too slow,
        SW-REQ-015
            the sender went away.
    """
    declared = _declared(request)
    if declared is not None and declared > limit:
        raise _too_large(limit, f"{declared} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                if len(body) + len(part) > limit:
                    raise _too_large(limit, f"more than {limit} bytes")
                body += part
    except TimeoutError:
        raise RequestError(
            "SW-REQ-006",
            place="body",
            expected=f"the whole body within {seconds:g} s",
            found=f"{len(body)} bytes by then",
            next_step="send fewer events per request, or mend the connection",
        ) from None
    except ClientDisconnect:
        raise RequestError("SW-REQ-015", place="body", found=f"{len(body)} bytes") from None
    return bytes(body)


def _declared(request: Request) -> int | None:
    """The declared length in bytes; None for a chunked body."""
    text = request.headers.get("content-length")
    if text is not None and text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    if text is None and request.headers.get("transfer-encoding", "").lower().endswith("chunked"):
        return None
    raise RequestError(
        "SW-REQ-007",
        place="header Content-Length",
        expected="the length of the body in bytes, or Transfer-Encoding: chunked",
        found="nothing" if text is None else show(text),
        next_step="let the HTTP library set it",
    )


def _too_large(limit: int, found: str) -> RequestError:
    return RequestError(
        "SW-REQ-008",
        place="body",
        expected=f"at most {limit} bytes",
        found=found,
        next_step="send fewer events per request; leave attachments out of events",
    )
