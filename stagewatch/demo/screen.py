"""Where the demo's lines go: above a panel in a terminal, one by one in a pipe, nowhere for `--json`.

Everything shown can be drawn again as a picture of the session. It decides nothing.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from stagewatch.commands.output import Language
from stagewatch.demo.lines import Line, Stand, grid, panel
from stagewatch.demo.past import Told
from stagewatch.demo.words import word

PIPE_WIDTH: Final = 100
PICTURE_WIDTH: Final = 110
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts that a picture would fetch from elsewhere: the reader's own are used instead."""
AROUND: Final = 1
"""Lines before and after those of the stories that a picture shows."""


@dataclass(slots=True)
class Screen:
    """Shows the session; `quiet` shows nothing."""

    zone: ZoneInfo
    language: Language
    quiet: bool = False
    console: Console = field(init=False)
    _texts: list[RenderableType] = field(default_factory=list)
    _lines: list[Line] = field(default_factory=list)
    _last: RenderableType | None = None
    _live: Live | None = None

    def __post_init__(self) -> None:
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        self.console = Console(width=width, highlight=False, quiet=self.quiet)

    def say(self, what: RenderableType) -> None:
        """A text between the lines."""
        shown = Text(what) if isinstance(what, str) else what
        self._texts.append(shown)
        self.console.print(shown)

    def show(self, lines: Sequence[Line]) -> None:
        """Lines below what was shown before."""
        if lines:
            self._lines += lines
            self.console.print(grid(lines, self.zone, self.language))

    def stand(self, stand: Stand) -> None:
        """Bring the panel up to date."""
        self._last = panel(stand, self.zone, self.language)
        if self._live is not None:
            self._live.update(self._last)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Told]:
        """Bars for the steps before life begins; nothing in a pipe."""
        if self.quiet or not self.console.is_terminal:
            yield _nobody
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def told(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(word(step, self.language), total=None)
                bars.update(tasks[step], completed=done, total=total or None)

            yield told

    @contextlib.contextmanager
    def panel(self) -> Iterator[None]:
        """Keep a panel below the lines, in a terminal."""
        if self.quiet or not self.console.is_terminal:
            yield
            return
        live = Live(console=self.console, refresh_per_second=8, transient=True, redirect_stderr=False)
        with live:
            self._live = live
            yield
            self._live = None

    def draw(self, path: Path, summary: RenderableType) -> None:
        """Write an SVG picture of the session: texts, the lines of the stories and around them, the end."""
        picture = Console(
            record=True, width=PICTURE_WIDTH, file=io.StringIO(), force_terminal=True, highlight=False,
            color_system="truecolor",
        )  # fmt: skip
        picture.print(Text("$ stagewatch demo", "bold green"))
        for text in self._texts:
            picture.print(text)
        for part in self._excerpt():
            picture.print(part)
        if self._last is not None:
            picture.print(self._last)
        picture.print(summary)
        drawn = _FONT_FACE.sub("", picture.export_svg(title="stagewatch demo"))
        path.write_text(drawn, encoding="utf-8")

    def _excerpt(self) -> Iterator[RenderableType]:
        chosen = [
            any(line.own for line in self._lines[max(0, n - AROUND) : n + AROUND + 1])
            for n in range(len(self._lines))
        ]
        skipped, part = 0, list[Line]()
        for wanted, line in zip(chosen, self._lines, strict=True):
            if wanted:
                if skipped:
                    yield Text(word("more", self.language, count=skipped), "dim")
                    skipped = 0
                part.append(line)
                continue
            if part:
                yield grid(part, self.zone, self.language)
                part = []
            skipped += 1
        if part:
            yield grid(part, self.zone, self.language)
        if skipped:
            yield Text(word("more", self.language, count=skipped), "dim")


def _nobody(step: str, done: int, total: int) -> None:
    """Progress for nobody."""
