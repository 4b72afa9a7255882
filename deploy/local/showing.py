"""What people see of a local cluster: where its servers are, what dashboards show. Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deploy.local.boards import Query
from deploy.local.watching import Sample
from stagewatch.commands.output import Language
from stagewatch.demo.words import word

WIDTH = 100
"""Columns of what is shown where there is no terminal."""


def places(where: Mapping[str, str]) -> RenderableType:
    """Servers and where to find them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, place in where.items():
        table.add_row(f"  {name}", place)
    return table


def answers(found: Iterable[tuple[Query, Sequence[Sample]]], language: Language) -> RenderableType:
    """A line for each query of the dashboards: panel, series, the greatest value."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False, expand=True)
    table.add_column(word("board", language), style="dim", no_wrap=True)
    table.add_column(word("panel", language), no_wrap=True)
    for name in ("series", "value"):
        table.add_column(word(name, language), justify="right", no_wrap=True)
    table.add_column(word("query", language), style="dim", no_wrap=True, ratio=1)
    above = ("", "")
    for query, samples in found:
        board = query.board if query.board != above[0] else ""
        panel = query.panel if board or query.panel != above[1] else ""
        above = (query.board, query.panel)
        count = str(len(samples)) if samples else Text("–", "dim")
        table.add_row(board, panel, count, _greatest(query, samples), query.expression)
    return Group(Text(), table)


def _greatest(query: Query, samples: Sequence[Sample]) -> str:
    values = [sample.value for sample in samples if not math.isnan(sample.value)]
    return shown(max(values), query.unit) if values else ""


def shown(value: float, unit: str) -> str:
    """A number in Grafana's unit.

    >>> shown(0.0123, "s"), shown(-7200.0, "s"), shown(0.5, "percentunit"), shown(120_000_000, "bytes")
    ('12.3 ms', '-2 h', '50 %', '120 MB')
    """
    if unit == "s":
        return _time(value)
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        return f"{value / 1e6:.0f} MB"
    rate = {"ops": "/s", "reqps": "/s"}.get(unit, "")
    return f"{value:,.4g}{rate}" if value < 1e4 else f"{value:,.0f}{rate}"


def _time(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1000:.3g} ms" if seconds else "0 s"
