"""What the web side asks for, answered by views and machines: lists, commands whose result is waited for.

Adapters only; the machines decide. Reads use a connection of their own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from console.ports import Kind, Outcome, Page, Query, Row, Status
from schemas.errors import RequestError, StagewatchError, StreamError, show
from schemas.time import parse_instant
from stagewatch.service.engine import Engine
from streams.kernel.contract import StorageError
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.memory import command_entry
from streams.runtimes.pipeline import Entry
from streams.topology import RESULTS
from streams.views.port import Item, ViewReader

T = TypeVar("T")

RESULT_SECONDS: Final = 5.0
"""How long the result of a command is waited for."""

LOOK_SECONDS: Final = 0.05

STATUS: Final[Mapping[str, Status]] = {
    "SW-CMD-002": "unknown",
    "SW-CMD-003": "unknown",
    "SW-CMD-004": "stale",
    "SW-CMD-005": "already",
    "SW-CMD-006": "not_allowed",
    "SW-CMD-007": "not_allowed",
}
"""Code of a refused command -> what the web side calls it."""


class ReaderView:
    """`console.ports.View` over a reader of views. threaded: its answers come from another server."""

    def __init__(self, reader: ViewReader, *, threaded: bool = False) -> None:
        self._reader = reader
        self._threaded = threaded

    async def find(self, kind: Kind, query: Query) -> Page:
        """The rows that the query asks for, newest first."""
        cursor = None
        if query.cursor is not None:
            cursor = _cursor(query.cursor)
        wanted = _filters(query)
        items = await self._ask(
            lambda: self._reader.items(kind, limit=query.limit + 1, after=cursor, filters=wanted)
        )
        page = items[: query.limit]
        more = f"{page[-1].opened}-{page[-1].id}" if len(items) > query.limit else None
        return Page([row_of(item) for item in page], more)

    async def one(self, kind: Kind, name: str) -> Row | None:
        """The row with that id, or None."""
        item = await self._ask(lambda: self._reader.get(kind, name))
        return None if item is None else row_of(item)

    async def home(self, alert: str) -> str | None:
        """The partition key of the machine that owns an alert."""
        row = await self.one("alerts", alert)
        return None if row is None else str(row["home"])

    async def _ask(self, action: Callable[[], T]) -> T:
        if not self._threaded:
            return action()
        try:
            return await asyncio.to_thread(action)
        except StorageError as error:
            raise StreamError(
                "SW-STREAM-023", place="lists", found=str(error), next_step="ask again in a moment"
            ) from error


def _cursor(text: str) -> tuple[int, str]:
    opened, _, item = text.partition("-")
    if not (opened.isascii() and opened.isdigit() and len(opened) < 19):
        raise RequestError(
            "SW-REQ-021",
            place="query cursor",
            expected="the cursor of the page before",
            found=show(text),
            next_step="begin without a cursor",
        )
    return int(opened), item


def _filters(query: Query) -> dict[str, list[str]]:
    return {name: sorted(allowed) for name, allowed in query.filters.items()}


def row_of(item: Item) -> dict[str, Any]:
    """An item as people and programs read it: its last transition, its own id, when it was opened (us)."""
    return {**item.value, "id": item.id, "transition": item.value["id"], "opened": item.opened}


class WaitedCommands:
    """`console.ports.Commands`: durable first, then the result, if it comes in time.

    append: stores an entry durably. patience: seconds until the view has what was done. Whoever reads the
    results calls `told` with each, from any thread.
    """

    def __init__(
        self, view: ReaderView, append: Callable[[Entry], Awaitable[object]], patience: float = 0
    ) -> None:
        self._append = append
        self._view = view
        self._looks = int(patience / LOOK_SECONDS)
        self._waiting: dict[str, Future[Mapping[str, Any]]] = {}

    async def carry_out(self, command: Mapping[str, Any]) -> Outcome:
        """Append the command, wait a moment for what comes of it."""
        home = command.get("key") or await self._view.home(str(command.get("alert")))
        if home is None:
            return Outcome("unknown", reason="no such alert")
        value = prepared({**command, "key": home})
        result: Future[Mapping[str, Any]] = Future()
        self._waiting[value["id"]] = result
        try:
            await self._append(command_entry(value, 0))
            async with asyncio.timeout(RESULT_SECONDS):
                return await self._outcome(value, await asyncio.wrap_future(result))
        except TimeoutError:
            return Outcome("pending")
        finally:
            self._waiting.pop(value["id"], None)

    def told(self, result: Mapping[str, Any]) -> None:
        """A command's result came."""
        waiting = self._waiting.get(str(result.get("command")))
        if waiting is not None and waiting.set_running_or_notify_cancel():
            waiting.set_result(result)

    async def _outcome(self, command: Mapping[str, Any], result: Mapping[str, Any]) -> Outcome:
        row = await self._row(command)
        if result["ok"]:
            for _ in range(self._looks):
                if row is None or int(row["at"]) >= int(result.get("at") or 0):
                    break
                await asyncio.sleep(LOOK_SECONDS)
                row = await self._row(command)
        state = None if row is None else str(row["state"])
        if result["ok"]:
            return Outcome("done", state, str(command.get("by")), result.get("at"))
        error: Mapping[str, str] = result["error"]
        status = STATUS.get(error["code"], "not_allowed")
        who = None if row is None else str(row.get("actor"))
        when = None if row is None else int(row["at"])
        return Outcome(status, state, who, when, f"{error['code']}: {error.get('found', error['message'])}")

    async def _row(self, command: Mapping[str, Any]) -> Row | None:
        item = command.get("item")
        if not item:
            return await self._view.one("alerts", str(command["alert"]))
        return await self._view.one("tasks", str(item)) or await self._view.one("approvals", str(item))


def engine_commands(engine: Engine, view: ReaderView) -> WaitedCommands:
    """Commands over the engine of this process."""
    commands = WaitedCommands(view, lambda entry: asyncio.wrap_future(engine.append([entry])))

    def committed(batch: Committed) -> None:
        for logged in batch.outputs:
            if logged.topic == RESULTS:
                commands.told(logged.value)

    engine.subscribe(committed)
    return commands


def prepared(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command as the machine takes it: with an id, times as us.

    Raises:
        RequestError: SW-REQ-020, `until` cannot be read.
    """
    value = {name: given for name, given in command.items() if given is not None}
    value.setdefault("machine", "account")
    value.setdefault("id", secrets.token_hex(16))
    until = value.get("until")
    if isinstance(until, str):
        try:
            value["until"] = parse_instant(until)
        except StagewatchError as error:
            raise RequestError(
                "SW-REQ-020", place="until", expected=error.expected, found=until, next_step=error.next_step
            ) from error
    return value
