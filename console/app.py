"""The HTTP application: routes, errors as answers, health and metrics. Assembled here, decided elsewhere.

Sources (such as the HTTP intake) are handed in as routes; the console does not know them. All state is in
the ports.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from console.api import Api
from console.decisions import Decisions
from console.hygiene import Hygiene
from console.links import PATH
from console.ports import Kind, Ready, RequestObserver
from console.problems import all_errors, problem, request_id, status_of
from schemas.errors import RequestError, StagewatchError

Handler = Callable[[Request], Awaitable[Response]]
KINDS: Final[tuple[Kind, ...]] = ("alerts", "tasks", "approvals")

NO_STORE: Final = {"Cache-Control": "no-store"}

log = structlog.get_logger("stagewatch.http")


@dataclass(frozen=True, slots=True)
class Probes:
    """What operators ask. `metrics` renders (body, content type); `ready` lists why the system is not
    ready; `warnings` what does not stop it and still wants somebody.
    """

    ready: Ready
    metrics: Callable[[], tuple[bytes, str]]
    warnings: Ready = tuple


def create_app(
    probes: Probes,
    *,
    api: Api | None = None,
    decisions: Decisions | None = None,
    routes: Sequence[Route] = (),
    observer: RequestObserver | None = None,
) -> ASGIApp:
    """The application. `routes` are those of sources; the parts left out do not exist (404).

    Example:
        app = create_app(Probes(ready, metrics.render), api=api, decisions=decisions,
        routes=[intake_route(...)])
    """
    every = [*routes, *_probe_routes(probes)]
    if api is not None:
        every += _api_routes(api)
    if decisions is not None:
        every.append(_decision_route(decisions))
    handlers = {
        StagewatchError: _refused,
        ExceptionGroup: _refused,
        HTTPException: _no_such,
        Exception: _failed,
    }
    starlette = Starlette(routes=every, exception_handlers=handlers)
    starlette.router.redirect_slashes = False
    return Hygiene(starlette, observer)


def _probe_routes(probes: Probes) -> list[Route]:
    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    async def ready(request: Request) -> Response:
        reasons = list(probes.ready())
        answer = {"ready": not reasons, "reasons": reasons, "warnings": list(probes.warnings())}
        return JSONResponse(answer, 503 if reasons else 200, NO_STORE)

    async def metrics(request: Request) -> Response:
        body, content_type = probes.metrics()
        return Response(body, 200, {"Content-Type": content_type, **NO_STORE})

    return [Route("/healthz", health), Route("/readyz", ready), Route("/metrics", metrics)]


def _api_routes(api: Api) -> list[Route]:
    routes = [Route("/v1/commands", api.command, methods=["POST"])]
    for kind in KINDS:
        routes.append(Route(f"/v1/{kind}", _about(api.find, kind)))
        routes.append(Route(f"/v1/{kind}/{{id}}", _about(api.one, kind)))
    return routes


def _about(handler: Callable[[Request, Kind], Awaitable[Response]], kind: Kind) -> Handler:
    async def handle(request: Request) -> Response:
        return await handler(request, kind)

    return handle


def _decision_route(decisions: Decisions) -> Route:
    async def handle(request: Request) -> Response:
        return await (decisions.decide(request) if request.method == "POST" else decisions.show(request))

    return Route(f"{PATH}{{token}}", handle, methods=["GET", "POST"])


async def _refused(request: Request, error: Exception) -> Response:
    found = all_errors(error)
    if not found:
        raise error
    if status_of(found[0]) >= 500:
        log.warning("refused", errors=[e.code for e in found[:10]], error=str(found[0]))
    return problem(found, request_id(request))


async def _no_such(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
        refusal = RequestError(
            "SW-REQ-005",
            place=request.method[:20],
            expected=allowed,
            next_step="see the reference of the API",
        )
        return problem([refusal], request_id(request), {"Allow": allowed})
    code = "SW-REQ-004" if status == 404 else "SW-REQ-014"
    return problem([RequestError(code, next_step="see the reference of the API")], request_id(request))


async def _failed(request: Request, error: Exception) -> Response:
    step = "look for the request's id in the log, and report it"
    return problem([RequestError("SW-REQ-014", next_step=step)], request_id(request))
