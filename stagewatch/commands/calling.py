"""Calls of the command line to running servers over HTTP: the one that has a workspace, or the workers of a
cluster. What a server refuses comes as the coded error that it told. It must not know what is asked.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schemas.errors import CommandError, RequestError, StreamError, WorkspaceError
from stagewatch.service.local import cluster_token
from stagewatch.settings import ClusterSettings, Settings
from stagewatch.workspace.paths import Workspace
from streams.kernel.contract import StorageError
from streams.views.redis import Link
from streams.views.redis.sharing import Members

TIMEOUT: Final = 120.0
"""Seconds for an answer of a server."""

IDLE: Final = 2.0
"""Seconds after which a connection is not used again."""

PATIENCE: Final = 15.0
"""Seconds in which a partition that is handed over finds its next worker."""

PAUSE: Final = 0.1
INTAKE: Final = "intake"
_FIELDS = frozenset({"code", "message", "place", "expected", "found", "next_step"})


class Caller:
    """One server. token: of the command line."""

    def __init__(self, url: str, token: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._url = url
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        self._used = 0.0
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Its answer.

        Raises:
            WorkspaceError: SW-WS-004, it gives none. RequestError: it refused.
        """
        if time.monotonic() - self._used > IDLE:  # the server may be about to close it
            self._connection.close()
        try:
            self._connection.request("POST", path, json.dumps(body).encode(), self._headers)
            answer = self._connection.getresponse()
            value: dict[str, Any] = json.loads(answer.read() or b"{}")
        except (OSError, ValueError, http.client.HTTPException) as error:  # it has ended in the midst
            self._connection.close()
            raise WorkspaceError(
                "SW-WS-004",
                place=self._url,
                expected="an answer of the server that has this workspace",
                found=str(error) or type(error).__name__,
                next_step="look at its log; when it has ended, call this command again",
            ) from error
        self._used = time.monotonic()
        if answer.status >= 400:
            raise _refusal(value)
        return value


class Workers:
    """The workers that announce themselves in Redis. A context manager.

    Raises:
        StreamError: SW-STREAM-023, Redis cannot be asked.
    """

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        cluster = settings.need_cluster()
        self.link = link_of(cluster)
        self._token = cluster_token(workspace, settings, os.environ)
        self._prefix = cluster.prefix
        self._callers: dict[str, Caller] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for caller in self._callers.values():
            caller.close()
        self.link.close()

    def one(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer of one that takes entries.

        Raises:
            CommandError: SW-CMD-013, there is none. RequestError: it refused.
        """
        for caller in self._alive(INTAKE):
            try:
                return caller.post(path, body)
            except WorkspaceError as error:
                if not isinstance(error.__cause__, ConnectionRefusedError):  # it may have taken it
                    raise
        raise self._nobody(f"a worker with role {INTAKE}")

    def all(self, path: str, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The answers of those that answer."""
        return list(self._answers(path, body))

    def owner(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer of the one that has the body's `partition` of the body's `machine`.

        Raises:
            CommandError: SW-CMD-013, nobody has it for a while.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for answer in self._answers(path, body):
                if answer["here"]:
                    return answer
            time.sleep(PAUSE)
        raise self._nobody(f"an owner of partition {body['partition']} of {body['machine']}")

    def _answers(self, path: str, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for caller in self._alive():
            try:
                yield caller.post(path, body)
            except WorkspaceError:  # it has ended, and is listed for some seconds yet
                continue

    def _alive(self, role: str | None = None) -> Sequence[Caller]:
        try:
            members = Members(self.link).alive(time.time_ns() // 1000)
        except StorageError as error:
            raise lists_away(error) from error
        urls = [str(about["url"]) for about in members.values() if role is None or role in about["roles"]]
        for url in urls:
            if url not in self._callers:
                self._callers[url] = Caller(url, self._token)
        return [self._callers[url] for url in urls]

    def _nobody(self, expected: str) -> CommandError:
        return CommandError(
            "SW-CMD-013",
            place=f"cluster {self._prefix}",
            expected=expected,
            found="no worker that says so in Redis",
            next_step="look at `stagewatch status`; start a worker: `stagewatch worker`",
        )


def link_of(cluster: ClusterSettings) -> Link:
    """The Redis of a cluster."""
    return Link(cluster.redis.url, cluster.prefix, cluster.redis.options(os.environ))


def lists_away(error: StorageError) -> StreamError:
    """Redis cannot be asked."""
    return StreamError(
        "SW-STREAM-023", place="lists", found=str(error), next_step="is Redis up? see [cluster.redis]"
    )


def _refusal(value: Mapping[str, Any]) -> RequestError:
    first: dict[str, str] = (value.get("errors") or [{"code": "SW-REQ-014"}])[0]
    fields = {name: text for name, text in first.items() if name in _FIELDS}
    return RequestError(fields.pop("code", "SW-REQ-014"), **fields)
