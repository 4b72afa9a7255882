"""What the demo's organisation lives on: one process or a cluster. The play knows no more of it than this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import RenderableType

from connectors.sources.simulator import Organisation
from stagewatch.demo.past import Past, Told
from stagewatch.demo.plan import Plan
from stagewatch.demo.stories import Story, World
from stagewatch.demo.tally import Tally
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.stores.log import Logged

Hear = Callable[[Sequence[Logged]], None]
"""Told of state changes as they are committed."""


@dataclass(frozen=True, slots=True)
class Living:
    """What runs. urls: of its HTTP, any will do. now: logical time, us. settled: nothing is under way any
    more, called when nothing comes in.
    """

    urls: Sequence[str]
    token: str
    now: Callable[[], int]
    settled: Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Stands:
    """How all stands. states: topic -> state -> items, the past's included. messages: by state. dead:
    letters.
    """

    states: Mapping[str, Mapping[str, int]]
    messages: Mapping[str, int]
    dead: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What else there is to say at the end.

    rows: (name of a word, text) of the summary. promised: in words, and whether it came. facts: for programs.
    in_hand: messages that a killed process had in its hands: they may come twice, or still wait for its claim
    to end. shown: below the figures. next: commands to go on with.
    """

    rows: Sequence[tuple[str, str]] = ()
    promised: Mapping[str, bool] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    in_hand: int = 0
    shown: RenderableType | None = None
    next: Sequence[str] = ()


class Ground(Protocol):
    """Where the organisation lives. stories: its own, beside those of all. limit: seconds for everything.

    patience: seconds after the planned end in which what was promised may still come. mail_port: where it
    expects the mail server; 0: anywhere.
    """

    workspace: Workspace
    settings: Settings
    stories: Sequence[Story]
    limit: float
    patience: float
    mail_port: int

    def remember(self, file: Path, told: Told) -> Past:
        """Take the history of a file in, as a past that notifies nobody."""
        ...

    def live(self, plan: Plan, mail_port: int, hear: Hear) -> AbstractAsyncContextManager[Living]:
        """Run, in the time of the plan."""
        ...

    async def act(self, world: World) -> None:
        """Play its own stories to their ends."""
        ...

    def stands(self) -> Stands:
        """How all stands, after life."""
        ...

    def verdict(self, tally: Tally) -> Verdict:
        """What else there is to say, after life."""
        ...


GroundOf = Callable[[Path, Organisation], AbstractContextManager[Ground]]
"""Makes the ground in a folder, for an organisation."""
