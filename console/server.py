"""Runs the HTTP application by uvicorn inside a process that has its own life: start, port, stop. No signals
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from console.protocol import HEAD_SECONDS, GuardedProtocol
from schemas.errors import SettingsError

STOP_SECONDS = 0.5
"""How long requests in flight are waited for when the server stops."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when the sockets are listening."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process stops us, by `HttpServer.stop`; uvicorn shall not take its signals."""
        yield


class HttpServer:
    """A server on one address. `port` 0 takes a free one; after `start`, `port` is the real one.

    At most `connections` at once, others get 503. A request's headers must arrive within `head_seconds`.

    Example:
        server = HttpServer(app, "127.0.0.1", 8420)
        await server.start()
        ...
        await server.stop()  # answers what is in flight, then closes
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "127.0.0.1",
        port: int = 8420,
        connections: int = 1_000,
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        self.host, self.port = host, port
        protocol = type("Protocol", (GuardedProtocol,), {"head_seconds": head_seconds})
        self._config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=True,
            limit_concurrency=connections,
            timeout_keep_alive=30,
        )
        self._server = _Server(self._config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind, then serve in the background.

        Raises:
            SettingsError: SW-SET-132, the address cannot be bound.
        """
        sock = self._bind()
        self.port = sock.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[sock]))
        await self._server.up.wait()

    async def stop(self) -> None:
        """Take no new requests, answer those in flight if that takes no longer than `STOP_SECONDS`, close."""
        if self._task is None:
            return
        task, self._task = self._task, None
        self._server.should_exit = True
        await asyncio.wait({task}, timeout=STOP_SECONDS)
        self._server.force_exit = True
        for request in list(self._server.server_state.tasks):
            request.cancel()
        await task

    @property
    def connections(self) -> list[asyncio.Transport]:
        """The open connections, for metrics and tests."""
        protocols = self._server.server_state.connections
        return [p.transport for p in protocols if isinstance(p, GuardedProtocol)]

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only where the protocol is named; else each answer takes 40 ms
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((self.host, self.port))
        except OSError as error:
            sock.close()
            raise SettingsError(
                "SW-SET-132",
                place=f"{self.host}:{self.port}",
                expected="an address of this machine and a free port",
                found=str(error),
                next_step="choose another port, or stop the process that uses it",
            ) from None
        return sock
