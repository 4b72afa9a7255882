"""What happens to the demo's cluster meanwhile: a worker is killed, missed by Prometheus, and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from deploy.local.boards import MAY_BE_EMPTY, all_queries
from deploy.local.showing import answers
from deploy.local.site import Site
from stagewatch.commands.output import Language
from stagewatch.demo.ground import Verdict
from stagewatch.demo.heard import Heard
from stagewatch.demo.stories import SEEN_SECONDS, Story, World
from stagewatch.demo.words import word

ALERT = "StagewatchDown"
FIRES_AFTER = "4s"
"""Instead of the two minutes of the rule."""

BEGIN = 4.0
"""Seconds of life before."""

LOOK = 0.2

NEXT = ("make cluster", "docs/operations.md")


class Kill:
    """See `stagewatch.demo.cluster.Plot`. The worker that is killed is the one that senders talk to."""

    def __init__(self, site: Site, language: Language) -> None:
        self._language: Language = language
        self.story = Story("kill", ("killed", "taken", "fired", "told", "back", "quiet"))
        self._site = site
        self._name, self._worker = next(iter(site.workers.items()))

    async def run(self, world: World, heard: Heard) -> None:
        """Play it to its end."""
        story, site = self.story, self._site
        await asyncio.sleep(BEGIN)
        killed, at = time.monotonic(), world.now()
        await asyncio.to_thread(self._worker.kill)
        world.tell(self._name, "kill.does")
        story.step("killed")
        await heard.until(lambda: heard.worked_off(at))
        story.facts["seconds_to_take_over"] = round(time.monotonic() - killed, 1)
        story.step("taken")
        await _until(lambda: ALERT in site.prometheus.firing())
        story.facts["seconds_to_alert"] = round(time.monotonic() - killed, 1)
        story.step("fired")
        await _until(self._mailed)
        story.step("told")
        await asyncio.sleep(SEEN_SECONDS)
        await self._come_back(world, heard)
        await _until(lambda: ALERT not in site.prometheus.firing())
        story.step("quiet")

    async def _come_back(self, world: World, heard: Heard) -> None:
        """Start it again; it is back when it has partitions, and all of them have gone on since."""
        begun = time.monotonic()
        await asyncio.to_thread(self._worker.start)
        world.tell(self._name, "kill.returns")
        await _until(lambda: self._worker.total("stagewatch_partition_owned") > 0)
        at = world.now()
        await heard.until(lambda: heard.worked_off(at))
        self.story.facts["seconds_to_return"] = round(time.monotonic() - begun, 1)
        self.story.step("back")

    def _mailed(self) -> bool:
        site = self._site
        mails = any(ALERT in str(mail["Subject"]) for mail in site.mail.mails())
        return mails and ALERT in site.alertmanager.alerts()

    def verdict(self) -> Verdict:
        """See `Plot.verdict`: what was measured, and what dashboards show of it."""
        prometheus, tongue, facts = self._site.prometheus, self._language, self.story.facts
        found = [(query, prometheus.query(query.expression)) for query in all_queries()]
        empty = [query for query, samples in found if not samples and query.expression not in MAY_BE_EMPTY]
        answered = sum(1 for _, samples in found if samples)
        rows = [
            ("kill.took", word("kill.took.is", tongue, seconds=facts.get("seconds_to_take_over", "?"))),
            ("kill.restored", word("kill.restored.is", tongue, seconds=facts.get("seconds_to_return", "?"))),
            (
                "kill.alerted",
                word("kill.alerted.is", tongue, alert=ALERT, seconds=facts.get("seconds_to_alert", "?")),
            ),
            ("boards", word("boards.are", tongue, asked=len(found), answered=answered)),
        ]
        return Verdict(
            rows,
            {f"{query.board} shows {query.panel}: {query.expression}": False for query in empty},
            {"kill": facts, "queries": {"asked": len(found), "answered": answered}},
            shown=answers(found, tongue),
            next=NEXT,
        )


async def _until(true: Callable[[], bool]) -> None:
    """Look again and again, in a thread: servers are asked."""
    while True:
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(LOOK)
