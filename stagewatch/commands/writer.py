"""Who writes the workspace for a command: the running server by HTTP, else this process itself.

Both do the same things with the same answers. Which one it is, nobody else needs to know.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from schemas.errors import CommandError, RequestError, WorkspaceError
from stagewatch.commands.failures import tell_all
from stagewatch.service.local import dead_row, entry_fields
from stagewatch.service.opening import bring_in, describe, open_runtime, read_files
from stagewatch.service.ports import prepared
from stagewatch.service.secrets import kept, read_address
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import command_entry
from streams.runtimes.pipeline import Entry
from streams.topology import RESULTS

TIMEOUT = 120.0
"""Seconds for an answer of the server."""


class Writer(Protocol):
    """What commands ask of whoever writes the workspace."""

    def now(self) -> int:
        """The workspace's clock, us."""
        ...

    def command(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry a person's command out: {"status": "done" | "pending", ...}.

        Raises:
            StagewatchError: it was refused.
        """
        ...

    def history(self, entries: Sequence[Entry]) -> None:
        """Append entries of the past and work them off, as far as they are."""
        ...

    def finish(self, until: int | None) -> int:
        """End the history; the logical time (us) afterwards."""
        ...

    def bury(self, letters: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows that could not be read as dead letters: each a key, a value and an error."""
        ...

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """`replay`, `settle`, `confirm-clock`, `rebuild-views`, `reload`."""
        ...


class OwnWriter:
    """This process has the workspace."""

    def __init__(self, workspace: Workspace, settings: Settings, runtime: EmbeddedRuntime) -> None:
        self._workspace = workspace
        self._settings = settings
        self._runtime = runtime
        self._results: dict[str, Mapping[str, Any]] = {}
        runtime.subscribe(self._committed)
        self._bring_in()

    def close(self) -> None:
        """Let go of the workspace."""
        self._runtime.close()

    def now(self) -> int:
        return self._runtime.clock.now()

    def command(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        value = prepared(command)
        self._runtime.append([command_entry(value, 0)])
        self._work()
        result = self._results.get(value["id"])
        if result is None:
            return {"status": "pending"}
        if result["ok"]:
            return {"status": "done", "by": value.get("by"), "at": result.get("at")}
        error = {name: text for name, text in result["error"].items() if name != "title"}
        raise CommandError(**error)

    def history(self, entries: Sequence[Entry]) -> None:
        self._runtime.append_history(entries)
        self._work()

    def finish(self, until: int | None) -> int:
        self._runtime.finish_history(until)
        self._work()
        return self._runtime.at

    def bury(self, letters: Sequence[Mapping[str, Any]]) -> None:
        self._runtime.bury([dead_row(letter, self.now()) for letter in letters])

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "settle":
            self._runtime.settle_dead(int(body["number"]))
            return {"settled": body["number"]}
        if name == "replay":
            self._runtime.replay_dead(int(body["number"]))
            self._work()
            return {"replayed": body["number"]}
        if name == "confirm-clock":
            self._runtime.confirm_clock()
            return {"confirmed": self.now()}
        if name == "rebuild-views":
            self._runtime.rebuild_views()
            return {"rebuilt": True}
        changed, errors = self._bring_in()
        return {"changed": changed, "errors": errors}

    def _bring_in(self) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        files = read_files(self._workspace, self._settings)
        tell_all(files.errors)
        entries = bring_in(self._workspace, self._runtime, files)
        return [describe(entry) for entry in entries], [error.to_dict() for error in files.errors]

    def _work(self) -> None:
        while not self._runtime.process().idle:
            pass

    def _committed(self, batch: Committed) -> None:
        for logged in batch.outputs:
            if logged.topic == RESULTS:
                self._results[str(logged.value.get("command"))] = logged.value


class ServerWriter:
    """A running server has the workspace: it is asked by HTTP, with the token kept in the workspace."""

    def __init__(self, url: str, token: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._url = url
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def now(self) -> int:
        return int(self._post("/local/now", {})["now"])

    def command(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        known = ("command", "alert", "by", "item", "seen", "key", "text", "until", "to")
        body = {name: command[name] for name in known if command.get(name) is not None}
        return self._post("/v1/commands", body)

    def history(self, entries: Sequence[Entry]) -> None:
        self._post("/local/history", {"entries": [entry_fields(entry) for entry in entries]})

    def finish(self, until: int | None) -> int:
        return int(self._post("/local/finish", {"until": until})["at"])

    def bury(self, letters: Sequence[Mapping[str, Any]]) -> None:
        self._post("/local/bury", {"letters": letters})

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._post(f"/local/{name}", body)

    def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            self._connection.request("POST", path, json.dumps(body).encode(), self._headers)
            answer = self._connection.getresponse()
            value: dict[str, Any] = json.loads(answer.read() or b"{}")
        except (OSError, ValueError, http.client.HTTPException) as error:  # it has ended in the midst
            raise WorkspaceError(
                "SW-WS-004",
                place=self._url,
                expected="an answer of the server that has this workspace",
                found=str(error) or type(error).__name__,
                next_step="look at its log; when it has ended, call this command again",
            ) from error
        if answer.status >= 400:
            raise _refusal(value)
        return value


def _refusal(value: Mapping[str, Any]) -> RequestError:
    first: dict[str, str] = (value.get("errors") or [{"code": "SW-REQ-014"}])[0]
    fields = {name: text for name, text in first.items() if name in _FIELDS}
    return RequestError(fields.pop("code", "SW-REQ-014"), **fields)


_FIELDS = frozenset({"code", "message", "place", "expected", "found", "next_step"})


@contextlib.contextmanager
def open_writer(workspace: Workspace, settings: Settings) -> Iterator[Writer]:
    """The writer of a workspace: the server that runs it, else this process.

    Raises:
        WorkspaceError: SW-WS-021 another process writes it and is no server; SW-WS-004 the server is mute.
    """
    try:
        runtime = open_runtime(workspace, settings)
    except WorkspaceError as error:
        address = read_address(workspace)
        if error.code != "SW-WS-021" or address is None:
            raise
        with contextlib.closing(ServerWriter(address.url, kept(workspace.token))) as server:
            yield server
        return
    with contextlib.closing(OwnWriter(workspace, settings, runtime)) as own:
        yield own
