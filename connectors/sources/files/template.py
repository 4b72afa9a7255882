"""Texts with columns in braces: `{opportunity_id}/won`, `{sales_agent|slug}`. Parsed once, filled per row.

A brace is written twice to mean itself. No expressions, no loops: what a template can do is bounded by its
length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Scalar = str | int | bool
Values = Mapping[str, Scalar | None]

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]")
_NAME = re.compile(r"([^|{}]+?)(?:\|([a-z]+))?")
_SLUG_GAP = re.compile(r"[\W_]+")


class TemplateError(ValueError):
    """The text is not a template."""


def slug(text: str) -> str:
    """Lower case with dots between words, as in mail addresses: "Moses Frase" -> "moses.frase"."""
    return _SLUG_GAP.sub(".", text.lower()).strip(".")


FILTERS: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "slug": slug}


@dataclass(frozen=True, slots=True)
class Reference:
    """A column in a template, with the filter for its text if there is one."""

    column: str
    filter: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: plain texts and references in order.

    Example:
        >>> parse_template("{id}/won").fill({"id": "A1"})
        'A1/won'
    """

    parts: tuple[str | Reference, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it names."""
        return tuple(part.column for part in self.parts if isinstance(part, Reference))

    @property
    def sole_column(self) -> str | None:
        """The column, when the template is that column and nothing else, so that the value keeps its type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference) and self.parts[0].filter is None:
            return self.parts[0].column
        return None

    def fill(self, values: Values) -> Scalar | None:
        """The value for a row; None when any column it names is empty."""
        sole = self.sole_column
        if sole is not None:
            return values[sole]
        made = []
        for part in self.parts:
            if isinstance(part, str):
                made.append(part)
                continue
            value = values[part.column]
            if value is None:
                return None
            made.append(FILTERS[part.filter](str(value)) if part.filter else str(value))
        return "".join(made)


def parse_template(text: str) -> Template:
    """The template in `text`; raises TemplateError for a lone brace, an empty name or an unknown filter."""
    parts: list[str | Reference] = []
    for match in _PART.finditer(text):
        piece = match.group(0)
        if piece in ("{", "}"):
            raise TemplateError(f"a lone {piece} in {text!r}; write {piece}{piece} to mean the brace itself")
        part = _reference(match.group(1)) if match.group(1) is not None else _literal(piece)
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return Template(tuple(parts))


def _literal(piece: str) -> str:
    return piece[0] if piece in ("{{", "}}") else piece


def _reference(inner: str) -> Reference:
    match = _NAME.fullmatch(inner.strip())
    if match is None:
        raise TemplateError(f"no column in {{{inner}}}")
    name, chosen = match.group(1).strip(), match.group(2)
    if chosen is not None and chosen not in FILTERS:
        raise TemplateError(f"unknown filter {chosen!r}; there are {', '.join(sorted(FILTERS))}")
    return Reference(name, chosen)
