"""Reads a mapping document: YAML, models, and whether its parts fit together. Errors name
file:line:column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors.sources.files.mapping import (
    Column,
    EventSpec,
    EventTime,
    FileMapping,
    Fill,
    Lookup,
    LookupUse,
    MappingDocument,
    Matcher,
    Remark,
    Skip,
)
from connectors.sources.files.mapping_check import check_document
from connectors.sources.files.mapping_yaml import Document, read_yaml
from connectors.sources.files.mapping_yaml import Path as KeyPath
from connectors.sources.files.problems import did_you_mean
from schemas.errors import MappingError, show

MODELS: Mapping[str, type[BaseModel]] = {
    "files": FileMapping,
    "lookups": Lookup,
    "columns": Column,
    "events": EventSpec,
    "time": EventTime,
    "skip": Skip,
    "fill": Fill,
    "remark": Remark,
    "lookup": LookupUse,
    "when": Matcher,
}
NAMED = frozenset({"lookups", "columns", "when"})


def load_mapping(path: Path) -> MappingDocument:
    """The mapping in the file; raises the first MappingError of `check_mapping`."""
    mapping, errors = check_mapping(path)
    if mapping is None or errors:
        raise errors[0]
    return mapping


def check_mapping(path: Path) -> tuple[MappingDocument | None, list[MappingError]]:
    """The mapping in the file, and everything that is wrong with it; None when it cannot be understood at
    all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return None, [_unreadable(path, "a file", error.strerror or type(error).__name__)]
    except UnicodeDecodeError as error:
        return None, [_unreadable(path, "text in UTF-8", str(error))]
    return parse_mapping(text, path.name)


def _unreadable(path: Path, expected: str, found: str) -> MappingError:
    step = "check the path and the rights on the file, which must be UTF-8"
    message = "The mapping cannot be read"
    return MappingError(
        "SW-MAP-001", message, place=str(path), expected=expected, found=found, next_step=step
    )


def parse_mapping(text: str, name: str) -> tuple[MappingDocument | None, list[MappingError]]:
    """As `check_mapping`, from text; `name` stands for the file in errors."""
    try:
        document = read_yaml(text, name)
    except MappingError as error:
        return None, [error]
    try:
        mapping = MappingDocument.model_validate(document.value)
    except ValidationError as error:
        return None, list(_problems(error, document))
    return mapping, list(check_document(mapping, document))


def _problems(error: ValidationError, document: Document) -> Iterator[MappingError]:
    told: set[str] = set()
    for detail in error.errors(include_url=False):
        made = _problem(detail, document)
        if made.place not in told or made.code != "SW-MAP-004":
            yield made
        told.add(made.place)


def _problem(detail: ErrorDetails, document: Document) -> MappingError:
    path = cast(KeyPath, tuple(detail["loc"]))
    last = str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        known = _known_keys(path)
        step = did_you_mean(last, known, "remove it; a key that is not known is never ignored")
        place = document.place(path, key=True)
        return MappingError("SW-MAP-002", place=place, expected=", ".join(known), found=last, next_step=step)
    if detail["type"] == "missing":
        step = f"add the key {last}"
        return MappingError("SW-MAP-003", place=document.place(path), expected=last, next_step=step)
    return MappingError(
        "SW-MAP-004",
        place=document.place(path),
        expected=_expected(detail, path),
        found=show(detail["input"]),
        next_step="examples/maven/mapping.yaml shows what the keys take",
    )


def _expected(detail: ErrorDetails, path: KeyPath) -> str:
    if detail["type"] == "model_type":
        return f"keys and values: {', '.join(_known_keys((*path, '')))}"
    return detail["msg"].removeprefix("Value error, ")


def _known_keys(path: KeyPath) -> list[str]:
    fields = _model_at(path[:-1]).model_fields
    return sorted(field.alias or name for name, field in fields.items())


def _model_at(path: KeyPath) -> type[BaseModel]:
    steps = [step for step in path if isinstance(step, str)]
    for depth, (key, model) in enumerate(reversed([(step, MODELS.get(step)) for step in steps])):
        if model is not None and depth <= 1 and (depth == 1) == (key in NAMED):
            return model
    return MappingDocument if not steps else MODELS.get(steps[-1], FileMapping)
