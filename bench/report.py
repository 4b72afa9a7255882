"""What becomes of a bench's report: a table on the screen, a JSON file, and the table of all results."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Figure, Report

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("durable-rules", "msgspec", "starlette", "uvicorn")

_HEAD = """# What was measured

Written by `python -m bench` (`make bench`); one JSON file per bench beside this page. Rates count CPU time of
the measuring process unless a line says otherwise; a line gives the median, and the least and greatest of all
rounds. Figures of different machines or days are not to be compared, ratios are.
"""


def show(report: Report, console: Console) -> None:
    """Print the table."""
    table = Table(title=report.title, title_justify="left", title_style="bold", header_style="bold")
    for name in ("", "median", "least", "greatest"):
        table.add_column(name, justify="left" if not name else "right")
    table.add_column("unit")
    table.add_column("asked for")
    for figure in report.figures:
        table.add_row(figure.what, *_three(figure), figure.unit, figure.goal)
    console.print(table)
    for note in report.notes:
        console.print(f"  * {note}")
    console.print()


def _three(figure: Figure) -> tuple[str, str, str]:
    if len(figure.values) == 1:
        return figure.shown(figure.median), "", ""
    low, high = min(figure.values), max(figure.values)
    return figure.shown(figure.median), figure.shown(low), figure.shown(high)


def save(name: str, report: Report, directory: Path = RESULTS, command: str = "python -m bench {}") -> None:
    """Write `NAME.json` and the page of all results. command: that measured it, {} stands for the name."""
    directory.mkdir(exist_ok=True)
    content = {
        "bench": name,
        "title": report.title,
        "command": command.format(name),
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "figures": [_plain(figure) for figure in report.figures],
        "notes": report.notes,
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (directory / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    write_page(directory)


def _plain(figure: Figure) -> dict[str, Any]:
    found: dict[str, Any] = {"what": figure.what, "unit": figure.unit, "median": figure.median}
    found["values"] = [float(f"{value:.6g}") for value in figure.values]
    found["median"] = float(f"{figure.median:.6g}")
    found["digits"] = figure.digits
    if figure.goal:
        found["asked for"] = figure.goal
    return found


def machine() -> dict[str, str]:
    """What the figures depend on: processor, memory, versions. Nothing that names a machine."""
    cpu = next(
        (line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine()
    )
    memory = next((line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0 0").split()[1]
    found = {
        "processor": cpu.partition(":")[2].strip() or cpu,
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory) / (1 << 20):.0f} GiB",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    return found | {name: version(name) for name in PACKAGES}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def write_page(directory: Path) -> None:
    """The page with the tables of all JSON files."""
    parts = [_HEAD]
    for path in sorted(directory.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        parts.append(
            f"## {found['title']}\n\n`{found['command']}`, {found['day']}, "
            f"{_machine_text(found['machine'])}\n"
        )
        rows = ["| | median | least - greatest | unit | asked for |", "|---|---:|---:|---|---|"]
        rows += [_row(figure) for figure in found["figures"]]
        parts.append("\n".join(rows) + "\n")
        if found["notes"]:
            parts.append("\n".join(f"* {note}" for note in found["notes"]) + "\n")
    (directory / "README.md").write_text("\n".join(parts), encoding="utf-8")


def _row(plain: dict[str, Any]) -> str:
    values, digits = plain["values"], plain["digits"]
    span = f"{min(values):,.{digits}f} - {max(values):,.{digits}f}" if len(values) > 1 else ""
    cells = (plain["what"], f"{plain['median']:,.{digits}f}", span, plain["unit"], plain.get("asked for", ""))
    return f"| {' | '.join(cells)} |"


def _machine_text(found: dict[str, str]) -> str:
    head = f"{found['processor']}, {found['cores']} cores, {found['memory']}"
    rest = ", ".join(
        f"{name} {text}" for name, text in found.items() if name not in ("processor", "cores", "memory")
    )
    return f"{head}; {rest}"
