"""YAML text to plain values with the place of every key and value. It knows YAML, not rules.

Scalars follow the YAML 1.2 core schema, where `no`, `on`, `18:30` and `0123` are text; numbers stay exact
(int or Decimal, never a binary float). PyYAML's `compose` recurses in C without a limit, so the tree is
built from parser events, with limits on depth and on what aliases repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import yaml
import yaml.reader

from rules.problems import Loc

MAX_DEPTH = 50
MAX_VALUES = 200_000
"""Values of one file after aliases are written out."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = {"0o": 8, "0x": 16}
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_TAGS = "tag:yaml.org,2002:"
_MAX_DIGITS = 400


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that stands twice; `first` is where it stood before."""

    loc: Loc
    key: str
    mark: Mark
    first: Mark


@dataclass(slots=True)
class Document:
    """One document of a file: its value and the places of its parts.

    values: loc -> place of the value; keys: loc -> place of the key.
    """

    mark: Mark
    value: object = None
    values: dict[Loc, Mark] = field(default_factory=dict)
    keys: dict[Loc, Mark] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)
    odd_keys: list[tuple[Loc, Mark]] = field(default_factory=list)

    def place(self, loc: Loc, at_key: bool = False) -> Mark:
        """The place of a loc, else of the nearest part above it. Steps that are not in the file are
        skipped.
        """
        here: Loc = ()
        for step in loc:
            if (*here, step) in self.values:
                here = (*here, step)
        return self.keys[here] if at_key and here in self.keys else self.values.get(here, self.mark)


class YamlError(Exception):
    """The text is not YAML that can be read. `code` is SW-RULE-005 (syntax) or -007 (limits)."""

    def __init__(self, code: str, reason: str, mark: Mark, next_step: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.mark = mark
        self.next_step = next_step


@dataclass(slots=True)
class _Scalar:
    value: object
    mark: Mark


@dataclass(slots=True)
class _List:
    mark: Mark
    items: list[_Node] = field(default_factory=list)


@dataclass(slots=True)
class _Map:
    mark: Mark
    pairs: list[tuple[_Node, _Node]] = field(default_factory=list)
    key: _Node | None = None


_Node = _Scalar | _List | _Map


def documents(text: str) -> Iterator[Document]:
    """The documents of a file, one after the other; those before a syntax error come first.

    Raises:
        YamlError: at the first place that cannot be read.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            root = builder.take(event)
            if root is not None:
                yield builder.document(root)
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark or error.context_mark)
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlError("SW-RULE-005", reason or "not YAML", mark) from None
    except yaml.reader.ReaderError as error:
        mark = _mark_of(text, len(text.encode()[: error.position].decode(errors="ignore")))
        raise YamlError("SW-RULE-005", str(error.reason), mark, "take the character out") from None
    except UnicodeEncodeError as error:
        mark = _mark_of(text, error.start)
        raise YamlError("SW-RULE-005", "half of a character", mark, "take the character out") from None


def _mark_of(text: str, position: int) -> Mark:
    """The place of a character by its number."""
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))


class _YamlMark(Protocol):
    line: int
    column: int


def _mark(mark: _YamlMark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)


class _Builder:
    """Builds the node tree of one document at a time from parser events, without recursion."""

    def __init__(self) -> None:
        self._open: list[_List | _Map] = []
        self._names: list[str | None] = []
        self._anchors: dict[str, _Node] = {}
        self._root: _Node | None = None
        self._left = MAX_VALUES

    def take(self, event: yaml.Event) -> _Node | None:
        """Take one event; the root when it ends a document that is not empty."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors, self._root = {}, None
        elif isinstance(event, yaml.DocumentEndEvent):
            return self._root
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            node, name = self._open.pop(), self._names.pop()
            self._add(node, name)
        return None

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        mark = _mark(event.start_mark)
        if event.tag is not None and event.tag not in (f"{_TAGS}map", f"{_TAGS}seq", "!"):
            raise YamlError("SW-RULE-005", f"the tag {event.tag} is not used here", mark, "leave the tag out")
        if len(self._open) >= MAX_DEPTH:
            raise YamlError("SW-RULE-007", f"more than {MAX_DEPTH} levels", mark, "write it flatter")
        self._open.append(_Map(mark) if isinstance(event, yaml.MappingStartEvent) else _List(mark))
        self._names.append(event.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            reason = f"the alias *{event.anchor} has no finished anchor before it"
            raise YamlError("SW-RULE-005", reason, _mark(event.start_mark), "write the value out")
        self._add(node, None)

    def _add(self, node: _Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent, _List):
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.pairs.append((parent.key, node))
            parent.key = None

    def document(self, root: _Node) -> Document:
        """The plain value and the places of a finished tree."""
        document = Document(root.mark)
        document.value = self._plain(root, (), document)
        return document

    def _plain(self, node: _Node, loc: Loc, document: Document) -> object:
        """Recursion is bounded by depth: aliases may nest, so it is counted here once more."""
        self._left -= 1
        if self._left < 0 or len(loc) > MAX_DEPTH:
            reason = f"aliases repeat more than {MAX_VALUES} values or {MAX_DEPTH} levels"
            raise YamlError("SW-RULE-007", reason, document.mark, "write values out instead of aliases")
        document.values[loc] = node.mark
        if isinstance(node, _Scalar):
            return node.value
        if isinstance(node, _List):
            return [self._plain(item, (*loc, i), document) for i, item in enumerate(node.items)]
        return self._mapping(node, loc, document)

    def _mapping(self, node: _Map, loc: Loc, document: Document) -> Mapping[str, object]:
        plain: dict[str, object] = {}
        for key, value in node.pairs:
            if not isinstance(key, _Scalar) or not isinstance(key.value, str):
                document.odd_keys.append((loc, key.mark))
                continue
            place = (*loc, key.value)
            if key.value in plain:
                first = document.keys[place]
                document.duplicates.append(Duplicate(place, key.value, key.mark, first))
                continue
            document.keys[place] = key.mark
            plain[key.value] = self._plain(value, place, document)
        return plain


def _scalar(event: yaml.ScalarEvent) -> _Scalar:
    mark = _mark(event.start_mark)
    if event.tag is not None and event.tag not in (f"{_TAGS}str", "!"):
        raise YamlError("SW-RULE-005", f"the tag {event.tag} is not used here", mark, "leave the tag out")
    plain = event.tag is None and event.style in (None, "")
    return _Scalar(core_scalar(event.value) if plain else event.value, mark)


def core_scalar(text: str) -> str | bool | int | Decimal | None:
    """A plain scalar by the YAML 1.2 core schema; numbers beyond 400 digits, `.inf` and `.nan` stay text.

    >>> core_scalar("no"), core_scalar("18:30"), core_scalar("0123"), core_scalar("true"), core_scalar("1.50")
    ('no', '18:30', '0123', True, Decimal('1.50'))
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED_INT.fullmatch(text):
        return int(text[2:], _BASED[text[:2]])
    return Decimal(text) if _FLOAT.fullmatch(text) and text not in (".", "+.", "-.") else text
