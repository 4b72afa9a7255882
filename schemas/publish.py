"""Writes the generated references: ``python -m schemas.publish`` from the top of the checkout.

Makes ``schemas/published/*.json`` and ``docs/errors.md`` anew. The one file of this package that writes
to disk: a tool for builders, which nothing may import at run time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

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
    """Write the schemas into the folder ``--out`` and the page to ``--errors``; both folders must exist.

    The file of an event type that is gone is left for its remover to delete; the tests name it.
    """
    parser = argparse.ArgumentParser(description="Write the published schemas and the page of error codes.")
    parser.add_argument("--out", default="schemas/published", help="folder of the JSON Schemas")
    parser.add_argument("--errors", default="docs/errors.md", help="the page of error codes")
    options = parser.parse_args(arguments)
    for name, text in schema_files().items():
        _write(f"{options.out}/{name}", text)
    _write(options.errors, errors_page())


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


if __name__ == "__main__":
    main()
