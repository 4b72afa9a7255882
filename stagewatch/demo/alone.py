"""The demo in one process: the embedded runtime, its server and its workspace."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from connectors.channels.mail import MailSettings
from connectors.sources.simulator import Organisation
from stagewatch.demo.ground import Ground, Hear, Living, Stands, Verdict
from stagewatch.demo.mailbox import HOST
from stagewatch.demo.past import Past, Told, import_past, make_workspace
from stagewatch.demo.plan import Plan
from stagewatch.demo.stories import Story, World
from stagewatch.demo.tally import Tally
from stagewatch.service.outbox import TABLE
from stagewatch.service.server import Run, Server
from stagewatch.workspace.reader import WorkspaceReader
from streams.runtimes.collector import spare_old_objects
from streams.runtimes.embedded.clock import ScaledClock
from streams.runtimes.embedded.progress import Committed
from streams.views.port import OPEN_STATES

_STATES: Final = "SELECT topic, state, count(*) FROM views GROUP BY topic, state"
_MESSAGES: Final = "SELECT state, count(*) FROM outbox GROUP BY state"
SENDER: Final = "Stagewatch <watch@example.com>"


@contextlib.contextmanager
def alone(root: Path, org: Organisation) -> Iterator[Ground]:
    """The ground in a new workspace."""
    yield Alone(root, org)


class Alone:
    """See `Ground`."""

    stories: Sequence[Story] = ()
    limit, patience = 120.0, 15.0
    mail_port = 0

    def __init__(self, root: Path, org: Organisation) -> None:
        self.workspace, self.settings = make_workspace(root, org)
        self._ended = 0

    def remember(self, file: Path, told: Told) -> Past:
        """See `Ground.remember`."""
        past = import_past(self.workspace, self.settings, file, told)
        self._ended = past.ended
        return past

    @contextlib.asynccontextmanager
    async def live(self, plan: Plan, mail_port: int, hear: Hear) -> AsyncIterator[Living]:
        """See `Ground.live`."""
        token = secrets.token_urlsafe(24)
        clock = ScaledClock(plan.scale, max(time.time_ns() // 1000, self._ended))
        mail = MailSettings(host=HOST, port=mail_port, tls="none", sender=SENDER)
        settings = self.settings.model_copy(update={"mail": mail})
        environment = {settings.http.tokens_env: f"demo={token}"}
        how = Run(port=0, clock=clock, environment=environment, heard=_told(hear))
        async with Server(self.workspace, settings, how) as server:
            spare_old_objects()

            async def settled() -> bool:
                clock.stop()
                worked_off = await server.engine.call(
                    lambda runtime: not runtime.tick() and runtime.process().idle
                )
                await server.outbox.enter(time.time_ns() // 1000)
                waiting, _ = await server.outbox.counts()
                return worked_off and not waiting

            yield Living((server.url,), token, clock.now, settled)

    async def act(self, world: World) -> None:
        """It has no stories of its own."""

    def stands(self) -> Stands:
        """See `Ground.stands`."""
        states: dict[str, dict[str, int]] = {"alerts": {}, "tasks": {}, "approvals": {}}
        with WorkspaceReader(self.workspace) as reader:
            for topic, state, count in reader.database.rows(_STATES):
                states.setdefault(str(topic), {})[str(state)] = int(count)
            found = reader.database.rows(_MESSAGES) if reader.has(TABLE) else []
            messages = {str(state): int(count) for state, count in found}
            return Stands(states, messages, reader.letters.waiting())

    def verdict(self, tally: Tally) -> Verdict:
        """Nothing else."""
        return Verdict()


def _told(hear: Hear) -> Callable[[Committed], None]:
    """Passes state changes on to `hear` in the loop of the caller."""
    loop = asyncio.get_running_loop()

    def told(batch: Committed) -> None:
        seen = [logged for logged in batch.outputs if logged.topic in OPEN_STATES]
        if seen:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody looks any more
                loop.call_soon_threadsafe(hear, seen)

    return told
