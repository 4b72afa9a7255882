"""Routes for the command line of whoever has the workspace: imports, replays, reloads; rows of partitions.

Only the token kept in the workspace, or made of the secret that all workers share, may call them. What they
do is the affair of the handlers: an engine of this process, or a worker of a cluster.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access import Access, Client, digest
from schemas.errors import RequestError
from stagewatch.service.secrets import kept
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.pipeline import Entry

SCOPE: Final = "local"
PATH: Final = "/local/"
MAX_BODY: Final = 64 << 20

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Takes the body of a request, gives what is answered."""


def local_client(token: str) -> Client:
    """The command line as a client of the web side: it may do everything."""
    return Client("local", digest(token), frozenset({SCOPE, "events", "read", "commands"}))


def cluster_token(workspace: Workspace, settings: Settings, environment: Mapping[str, str]) -> str:
    """The token by which the command line speaks to workers: the same wherever the secret of links is the
    same, else the one kept in the workspace.
    """
    secret = environment.get(settings.http.secret_env)
    if not secret:
        return kept(workspace.token)
    return hmac.new(secret.encode(), b"stagewatch command line", hashlib.sha256).hexdigest()


def local_routes(access: Access, handlers: Mapping[str, Handler]) -> list[Route]:
    """The routes for the application, one for each handler by its name."""
    return [
        Route(f"{PATH}{name}", _answering(access, handle), methods=["POST"])
        for name, handle in handlers.items()
    ]


def _answering(access: Access, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        access.client(request.headers, SCOPE)
        request.scope["stagewatch.client"] = "local"
        content = msgspec.json.encode(await handle(await _body(request)))
        return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")

    return answer


def entry_from(fields: Sequence[Any]) -> Entry:
    """An entry as `entry_fields` wrote it."""
    topic, key, kind, value, at = fields
    return Entry(topic, key, kind, value, at)


def entry_fields(entry: Entry) -> list[Any]:
    """An entry as JSON."""
    return [entry.topic, entry.key, entry.kind, entry.value, entry.at]


async def _body(request: Request) -> Mapping[str, Any]:
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BODY:
            raise RequestError("SW-REQ-008", place="body", expected=f"at most {MAX_BODY} bytes")
    try:
        value = msgspec.json.decode(bytes(raw) or b"{}")
    except msgspec.MsgspecError as error:
        raise RequestError("SW-REQ-020", place="body", found=str(error)) from error
    if not isinstance(value, dict):
        raise RequestError("SW-REQ-020", place="body", expected="an object")
    return value
