"""A progress bar on stderr for people; nothing for pipes and programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

Told = Callable[[int, int], None]
"""Done so far, and of how much."""


def nobody(done: int, total: int) -> None:
    """Progress for nobody."""


@contextlib.contextmanager
def bar(label: str, shown: bool) -> Iterator[Told]:
    """A bar that is told how far things are, if `shown` and stderr is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
