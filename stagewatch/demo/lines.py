"""One line for each thing that happens in the demo, and the panel below, for any width. Decides nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rules.reasons import Reason, reason_text
from stagewatch.commands.output import Language
from stagewatch.commands.standing import STATES
from stagewatch.demo.mailbox import Mail
from stagewatch.demo.stories import Story
from stagewatch.demo.words import word

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "alerts": ("alert", "bold red"),
    "tasks": ("task", "yellow"),
    "approvals": ("approval", "magenta"),
    "mail": ("mail", "cyan"),
    "http": ("http", "dim"),
    "you": ("you", "bold black on green"),
}
"""Kind of a line -> (its word, its style)."""

STATE_STYLES: Final[Mapping[str, str]] = {
    "firing": "red", "overdue": "red", "timed_out": "red", "resolved": "green", "done": "green",
    "approved": "green", "withdrawn": "bold green", "open": "yellow", "requested": "magenta",
}  # fmt: skip
_DAYS: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_GRID: Final[Mapping[Language, tuple[int, int, int]]] = {"en": (9, 8, 10), "zh": (10, 4, 6)}
"""Columns of time, kind and state."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. own: it belongs to one of the two stories."""

    at: int
    kind: str
    state: str
    text: Text
    own: bool = False


@dataclass(frozen=True, slots=True)
class Stand:
    """What the panel shows. begin, end, now: logical time, us. counts: label and number."""

    begin: int
    end: int
    now: int
    counts: Sequence[tuple[str, str]]
    stories: Sequence[Story]
    url: str


def clock(at: int, zone: ZoneInfo, language: Language) -> str:
    """`Mon 09:30` in the organisation's zone."""
    moment = dt.datetime.fromtimestamp(at // 1_000_000, zone)
    day = _DAYS[moment.weekday()] if language == "zh" else moment.strftime("%a")
    return f"{day} {moment:%H:%M}"


def of_transition(topic: str, at: int, value: Mapping[str, Any], language: Language, own: bool) -> Line:
    """A line for a state change."""
    state = str(value["state"])
    shown = STATES.get(state, state) if language == "zh" else state.replace("_", " ")
    data = value.get("data") or {}
    whom = str(data.get("account_name") or "")
    text = Text()
    if topic == "alerts":
        text.append(f"{value['rule']}", "bold")
        reason = "" if state == "firing" else f"{reason_text(Reason(value['reason']), language)} · "
        text.append(f"  {reason}{value.get('title', '')}")
    else:
        receivers = ", ".join(value.get("receivers") or ())
        text.append(f"{receivers or value['rule']}", "bold")
        text.append(f"  {value.get('title', '')}")
    if whom:
        text.append(f" · {whom}", "dim")
    return Line(at, topic, shown, text, own)


def of_mail(at: int, mail: Mail, own: bool) -> Line:
    """A line for a mail."""
    text = Text.assemble((mail.to.partition("@")[0], "bold"))
    text.append(f"  {mail.subject}")
    return Line(at, "mail", "→", text, own)


def of_refusal(at: int, why: str) -> Line:
    """A line for an event that the server did not take."""
    status, _, rest = why.partition(" ")
    return Line(at, "http", status, Text(rest, "dim"))


def of_deed(at: int, who: str, what: str) -> Line:
    """A line for what the demo does in somebody's name."""
    text = Text.assemble((who.partition("@")[0], "bold"))
    text.append(f"  {what}")
    return Line(at, "you", "", text, True)


def grid(lines: Sequence[Line], zone: ZoneInfo, language: Language) -> Table:
    """Lines one below the other, cut at the screen's width."""
    table = Table.grid(padding=(0, 1), expand=True)
    for width in _GRID[language]:
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for line in lines:
        name, style = KINDS[line.kind]
        states = {shown: key for key, shown in STATES.items()} if language == "zh" else {}
        key = states.get(line.state, line.state.replace(" ", "_"))
        state = Text(line.state, STATE_STYLES.get(key, "dim"))
        row = (
            Text(clock(line.at, zone, language), "dim"),
            Text(word(name, language), style),
            state,
            line.text,
        )
        table.add_row(*row, style="on grey19" if line.own else "")
    return table


def panel(stand: Stand, zone: ZoneInfo, language: Language) -> RenderableType:
    """The panel below the lines: time, counts, stories, address."""
    moment = dt.datetime.fromtimestamp(stand.now // 1_000_000, zone)
    done = min(max(stand.now - stand.begin, 0), stand.end - stand.begin)
    top = Table.grid(padding=(0, 2), expand=True)
    top.add_column(no_wrap=True)
    top.add_column(ratio=1)
    date = f"{moment:%Y-%m-%d} {clock(stand.now, zone, language)}"
    top.add_row(Text(date, "bold"), ProgressBar(stand.end - stand.begin, done, complete_style="cyan"))
    counts = Text(overflow="ellipsis", no_wrap=True)
    for label, number in stand.counts:
        counts.append(f"{label} ", "dim").append(f"{number}  ", "bold")
    parts: list[RenderableType] = [top, counts]
    width = max(cell_len(word(story.name, language)) for story in stand.stories)
    parts += [_steps(story, width, language) for story in stand.stories]
    title = f"Stagewatch · {stand.url}/metrics"
    return Panel(
        Group(*parts), title=Text(title, "dim"), title_align="left", border_style="cyan", padding=(0, 1)
    )


def _steps(story: Story, width: int, language: Language) -> Text:
    name = word(story.name, language)
    line = Text(overflow="ellipsis", no_wrap=True).append(
        name + " " * (width - cell_len(name)) + "  ", "bold"
    )
    for number, step in enumerate(story.steps):
        done = number < story.done
        line.append("✓ " if done else "· ", "green" if done else "dim")
        line.append(word(f"{story.name}.{step}", language), "" if done else "dim").append(" ")
    return line
