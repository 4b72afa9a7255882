"""Writes the published JSON Schema of rules: `python -m rules.publish` from the top of the checkout.

Made from the models, for editors and the web form. The one file of this package that writes to disk: a tool
for builders, which nothing may import at run time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from pydantic.json_schema import JsonSchemaValue

from rules.compiler import FOLDED, NOT_WATCHED
from rules.document import RuleDoc
from schemas.events.registry import EVENT_MODELS, KINDS

TITLE = "A rule of Stagewatch"
PATH = "rules/published/rule.schema.json"


def rule_schema() -> JsonSchemaValue:
    """The JSON Schema (2020-12) of one rule document."""
    schema = RuleDoc.model_json_schema(by_alias=True)
    for model in (schema, *schema["$defs"].values()):
        model["properties"] = {name: _given(name, part) for name, part in model["properties"].items()}
    kinds = sorted(set(KINDS) - NOT_WATCHED)
    types = sorted(name for name in EVENT_MODELS if not name.endswith(FOLDED))
    schema["properties"]["watch"]["examples"] = kinds
    schema["$defs"]["EventRef"]["properties"]["type"]["examples"] = types
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **schema, "title": TITLE}


def _given(name: str, part: JsonSchemaValue) -> JsonSchemaValue:
    """A key that may be absent still needs a value when it is there; `holds:` alone may be empty."""
    if name == "holds" or "anyOf" not in part:
        return part
    rest = [choice for choice in part["anyOf"] if choice != {"type": "null"}]
    kept = {key: value for key, value in part.items() if key not in ("anyOf", "default")}
    if part.get("default") is not None:
        kept["default"] = part["default"]
    return {**kept, **rest[0]} if len(rest) == 1 else {**kept, "anyOf": rest}


def rule_schema_text() -> str:
    """The file's text."""
    return json.dumps(rule_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the schema to `--out`; its folder must exist."""
    parser = argparse.ArgumentParser(description="Write the published JSON Schema of rules.")
    parser.add_argument("--out", default=PATH, help="the file")
    options = parser.parse_args(arguments)
    with open(options.out, "w", encoding="utf-8", newline="\n") as file:
        file.write(rule_schema_text())


if __name__ == "__main__":
    main()
