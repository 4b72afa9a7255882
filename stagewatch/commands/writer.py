"""Who writes the workspace for a command: its cluster, the running server by HTTP, else this process itself.

All do the same things with the same answers. Which one it is, nobody else needs to know.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from schemas.errors import CommandError, StagewatchError, WorkspaceError
from stagewatch.commands.calling import Caller
from stagewatch.commands.failures import tell_all
from stagewatch.service.local import entry_fields
from stagewatch.service.opening import bring_in, describe, open_runtime, read_files
from stagewatch.service.ports import prepared
from stagewatch.service.secrets import kept, read_address
from stagewatch.service.work import dead_row
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import command_entry
from streams.runtimes.pipeline import Entry
from streams.topology import RESULTS


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

    def replay(self, numbers: Sequence[int]) -> StagewatchError | None:
        """Try dead letters again and work off what comes of it; why that cannot be waited for, if so.

        Raises:
            StreamError: SW-STREAM-026, one is not there or was replayed already.
        """
        ...

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """`settle`, `confirm-clock`, `rebuild-views`, `reload`."""
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

    def replay(self, numbers: Sequence[int]) -> StagewatchError | None:
        for number in numbers:
            self._runtime.replay_dead(number)
            self._work()
        return None

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "settle":
            self._runtime.settle_dead(int(body["number"]))
            return {"settled": body["number"]}
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

    def __init__(self, server: Caller) -> None:
        self._post = server.post

    def now(self) -> int:
        return int(self._post("/local/now", {})["now"])

    def command(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._post("/v1/commands", command_body(command))

    def history(self, entries: Sequence[Entry]) -> None:
        self._post("/local/history", {"entries": [entry_fields(entry) for entry in entries]})

    def finish(self, until: int | None) -> int:
        return int(self._post("/local/finish", {"until": until})["at"])

    def bury(self, letters: Sequence[Mapping[str, Any]]) -> None:
        self._post("/local/bury", {"letters": letters})

    def replay(self, numbers: Sequence[int]) -> StagewatchError | None:
        for number in numbers:
            self._post("/local/replay", {"number": number})
        return None

    def ask(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._post(f"/local/{name}", body)


def command_body(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command as `POST /v1/commands` takes it."""
    known = ("command", "alert", "by", "item", "seen", "key", "text", "until", "to")
    return {name: command[name] for name in known if command.get(name) is not None}


@contextlib.contextmanager
def open_writer(workspace: Workspace, settings: Settings) -> Iterator[Writer]:
    """The writer of a workspace: its cluster, the server that runs it, else this process.

    Raises:
        WorkspaceError: SW-WS-021 another process writes it and is no server; SW-WS-004 the server is mute.
        StreamError: Redis or Kafka cannot be asked.
    """
    if settings.cluster is not None:
        from stagewatch.commands.clusterwriter import ClusterWriter

        with ClusterWriter(workspace, settings) as cluster:
            yield cluster
        return
    try:
        runtime = open_runtime(workspace, settings)
    except WorkspaceError as error:
        address = read_address(workspace)
        if error.code != "SW-WS-021" or address is None:
            raise
        with contextlib.closing(Caller(address.url, kept(workspace.token))) as server:
            yield ServerWriter(server)
        return
    with contextlib.closing(OwnWriter(workspace, settings, runtime)) as own:
        yield own
