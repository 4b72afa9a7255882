"""Writes the generated references: ``python -m schemas.publish`` from the top of the checkout.

Makes ``schemas/published/*.json`` and ``docs/errors.md`` anew. A tool for builders: nothing imports it at
run time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from schemas.error_codes import CODES, GROUPS
from schemas.jsonschema import all_schemas


def errors_page() -> str:
    """``docs/errors.md``: every code with its title, by group."""
    lines = [
        "# Error codes",
        "",
        "Every error names its code, the place, what was expected, what was found and the next step.",
        "Generated from `schemas/error_codes.py` by `python -m schemas.publish`; do not edit.",
    ]
    for prefix, title in GROUPS.items():
        codes = {code: text for code, text in CODES.items() if code.rpartition("-")[0] == prefix}
        if codes:
            lines += ["", f"## {title} ({prefix})", "", "| code | what it says |", "|---|---|"]
            lines += [f"| {code} | {text} |" for code, text in sorted(codes.items())]
    return "\n".join(lines) + "\n"


def schema_files() -> dict[str, str]:
    """file name -> text of every published schema."""
    return {
        name: json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in all_schemas().items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the schemas to ``--out`` (files of types that are gone are removed) and the page to
    ``--errors``."""
    parser = argparse.ArgumentParser(description="Write the published schemas and the page of error codes.")
    parser.add_argument("--out", type=Path, default=Path("schemas/published"))
    parser.add_argument("--errors", type=Path, default=Path("docs/errors.md"))
    options = parser.parse_args(arguments)
    files = schema_files()
    options.out.mkdir(parents=True, exist_ok=True)
    for old in options.out.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (options.out / name).write_text(text, encoding="utf-8")
    options.errors.parent.mkdir(parents=True, exist_ok=True)
    options.errors.write_text(errors_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
