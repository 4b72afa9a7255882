"""Plays the demo: past, server, mail server, the world's events by HTTP, stories, screen, summary.

The wiring of the demo is here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Final

from connectors.sources.simulator import Organisation
from schemas.time import DAY
from stagewatch.commands.output import Language, put_json, say
from stagewatch.commands.running import secrets_of
from stagewatch.demo import lines, summary
from stagewatch.demo.alone import alone
from stagewatch.demo.ground import Ground, GroundOf, Living
from stagewatch.demo.lines import Line, Stand
from stagewatch.demo.mailbox import Mail, Mailbox
from stagewatch.demo.past import Life, Past, write_past
from stagewatch.demo.plan import Plan
from stagewatch.demo.screen import Screen
from stagewatch.demo.sender import Record, Sender
from stagewatch.demo.stories import Stories, Story, World
from stagewatch.demo.summary import Session
from stagewatch.demo.tally import ENDS, Tally
from stagewatch.demo.words import word
from stagewatch.logs import configure_logs
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.rulefiles import read_rules
from streams.stores.log import Logged

BEAT: Final = 0.1
"""Seconds between two looks at what has arrived."""

SETTLE: Final = 8.0
"""Seconds in which the last messages may be sent."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the demo is wanted. keep: where the workspace stays. svg: where a picture goes. ground: on what."""

    plan: Plan
    keep: Path | None
    svg: Path | None
    as_json: bool
    language: Language
    ground: GroundOf = alone


def run(wish: Wish) -> int:
    """Play; the exit code: 0 when all that was promised has happened."""
    try:
        with _ended_by_signals(), _place(wish.keep) as root:
            return _session(wish, root)
    except KeyboardInterrupt:
        say(word("stopped", wish.language))
        return 1


def _session(wish: Wish, root: Path) -> int:
    started = time.perf_counter()
    org = Organisation(wish.plan.seed, wish.plan.size)
    with wish.ground(root, org) as ground, _logs(ground.workspace, ground.settings):
        demo = Demo(wish, org, ground)
        life = demo.remember()
        demo.plan = wish.plan.after(time.perf_counter() - started)
        whole = asyncio.run(demo.live(life))
        session = demo.session(time.perf_counter() - started, whole)
        _tell(wish, demo.screen, session)
    return 1 if session.missing else 0


def _tell(wish: Wish, screen: Screen, session: Session) -> None:
    shown = summary.as_text(session, wish.language)
    if wish.as_json:
        put_json(summary.as_json(session))
    else:
        screen.console.print(shown)
    if wish.svg is not None:
        screen.draw(wish.svg, shown)


@contextlib.contextmanager
def _logs(workspace: Workspace, settings: Settings) -> Iterator[None]:
    """Logs go to a file of the workspace: the screen is for what happens."""
    with (workspace.root / "demo.log").open("w", encoding="utf-8") as log:
        configure_logs("json", "info", secrets=secrets_of(workspace, settings), stream=log)
        for name in ("uvicorn.error", "mail.log"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            logging.getLogger().handlers.clear()


@contextlib.contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="stagewatch-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "demo"


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end it as Ctrl-C does: everything is stopped and removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Demo:
    """One session: `remember` the past, then `live`."""

    def __init__(self, wish: Wish, org: Organisation, ground: Ground) -> None:
        self.wish, self.plan, self.org, self.ground = wish, wish.plan, org, ground
        self.screen = Screen(ground.settings.tz, wish.language, wish.as_json)
        self.tally = Tally()
        self.past = Past()
        self._fresh: list[Line] = []
        self.stories = Stories(org)

    def _say(self, name: str, **values: object) -> None:
        self.screen.say(word(name, self.wish.language, **values))

    def remember(self) -> Life:
        """Write the history and import it; the same world's further life."""
        plan = self.plan
        rules = len(read_rules([self.ground.workspace.rules]).rules)
        self._say("made", rules=rules, people=len(self.org.workers), teams=len(self.org.teams))
        file = self.ground.workspace.root / "history.jsonl"
        with self.screen.progress() as told:
            life = write_past(file, self.org, plan, told)
            self.past = past = self.ground.remember(file, told)
        self._say(
            "imported", days=plan.past, events=past.events, seconds=f"{past.seconds:.1f}",
            refused=past.refused, parked=past.parked,
        )  # fmt: skip
        stands = past.standing.items()
        counts = [f"{rules.total():,} {word(topic, self.wish.language)}" for topic, rules in stands]
        self._say("nobody", standing=", ".join(counts))
        gc.freeze()
        return life

    async def live(self, life: Life) -> bool:
        """Let the world live where it can; False when it was stopped before its end."""
        ground = self.ground
        async with (
            Mailbox(self._mail, ground.mail_port) as mailbox,
            ground.live(self.plan, mailbox.port, self._transitions) as living,
            Sender(living.urls, living.token) as self._sender,
        ):
            self._now = living.now
            world = World(self._sender, living.now, self._deed, self._post, mailbox.mails)
            return await self._play(living, life, world)

    async def _play(self, living: Living, life: Life, world: World) -> bool:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stopped.set)
        plan = self.plan
        self._say("lives", days=plan.days, seconds=plan.seconds, scale=plan.scale, url=living.urls[0])
        acting = asyncio.create_task(self._act(world))
        begin, end = self._now(), time.monotonic() + plan.seconds
        stand = Stand(begin, begin + plan.days * DAY, begin, [], self._shown, living.urls[0])
        try:
            with self.screen.panel():
                while not stopped.is_set() and not self._over(end, acting):
                    await self._post(life.until(self._now()))
                    self._show(stand)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stopped.wait(), BEAT)
                if not stopped.is_set():
                    await self._settle(living)
                self._show(stand)
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
        if not acting.cancelled():
            acting.result()
        return not stopped.is_set()

    def _over(self, end: float, acting: asyncio.Task[None]) -> bool:
        """The days have passed and the stories are told; or nobody waits any longer."""
        late = time.monotonic() - end
        return late > self.ground.patience or (late > 0 and acting.done())

    async def _act(self, world: World) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.stories.run(world))
            group.create_task(self.ground.act(world))

    @property
    def _shown(self) -> Sequence[Story]:
        return (*self.stories.all, *self.ground.stories)

    async def _settle(self, living: Living) -> None:
        """Nothing new comes in; wait until every message is sent."""
        quiet = time.monotonic() + SETTLE
        while time.monotonic() < quiet:
            await asyncio.sleep(BEAT)
            if await living.settled():
                return

    # -- what happens --------------------------------------------------------------------------------------

    def _transitions(self, seen: Sequence[Logged]) -> None:
        for logged in seen:
            self.tally.transition(logged.topic, logged.value)
            self.stories.transition(logged.topic, logged.value)
            own = self.stories.own(logged.value)
            language = self.wish.language
            self._fresh.append(lines.of_transition(logged.topic, logged.at, logged.value, language, own))

    def _mail(self, mail: Mail) -> None:
        self.tally.mail(mail)
        self.stories.wake()
        own = self.stories.about(mail)
        self._fresh.append(lines.of_mail(self._now(), mail, own))

    def _deed(self, who: str, what: str) -> None:
        self._fresh.append(lines.of_deed(self._now(), who, word(what, self.wish.language)))

    async def _post(self, records: Sequence[Record]) -> None:
        posted = await self._sender.post(records)
        self.tally.posted(posted)
        self._fresh += [lines.of_refusal(self._now(), why) for why in posted.refused]

    def _show(self, stand: Stand) -> None:
        fresh, self._fresh = self._fresh, []
        self.screen.show(fresh)
        self.screen.stand(replace(stand, now=self._now(), counts=self._counts()))

    def _counts(self) -> list[tuple[str, str]]:
        tally = self.tally
        alerts = f"{tally.count('alerts', 'firing')} −{tally.count('alerts', *ENDS)}"
        numbers = [
            ("events", f"{tally.accepted:,}"),
            ("refused", f"{tally.refused.total():,}"),
            ("alerts", f"+{alerts}"),
            ("tasks", f"+{tally.count('tasks', 'open')}"),
            ("approvals", f"+{tally.count('approvals', 'requested')}"),
            ("mails", f"{len(tally.mails):,}"),
        ]
        return [(word(name, self.wish.language), number) for name, number in numbers]

    # -- the end -------------------------------------------------------------------------------------------

    def session(self, seconds: float, whole: bool) -> Session:
        """All that the summary is made of."""
        ground = self.ground
        session = Session(
            self.plan, self.past, self.tally, self.stories, ground.stands(), ground.verdict(self.tally),
            seconds, ground.limit, whole, ground.settings.tz, self.wish.keep, ground.stories,
        )  # fmt: skip
        session.missing.extend(summary.missing(session))
        return session
