"""YAML text as plain values with the position of each. Scalars by YAML 1.2 core rules: `no` and `18:30`
are text.

A number with a fraction stays text, so that no binary float arises. Knows nothing of mappings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from schemas.errors import MappingError, show

Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]

SIZE_LIMIT = 1_000_000
NODE_LIMIT = 100_000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")


@dataclass(slots=True)
class Document:
    """The value of a document and where each part stands: path -> (line, column), both from 1."""

    name: str
    value: Plain = None
    values_at: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys_at: dict[Path, tuple[int, int]] = field(default_factory=dict)
    nodes: int = 0

    def place(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column: path` of the deepest part of `path` that exists; steps unknown to it are left
        out.
        """
        known: Path = ()
        for step in path:
            if (*known, step) in self.values_at:
                known = (*known, step)
        line, column = (self.keys_at if key and known in self.keys_at else self.values_at).get(known, (1, 1))
        dotted = ".".join(str(step) for step in known)
        return f"{self.name}:{line}:{column}" + (f": {dotted}" if dotted else "")


def read_yaml(text: str, name: str) -> Document:
    """The document in `text`; `name` is the file's name for errors. Raises MappingError SW-MAP-001 or
    -004.
    """
    if len(text) > SIZE_LIMIT:
        raise _unreadable(name, f"at most {SIZE_LIMIT} characters", f"{len(text)} characters")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = Document(name)
        if root is not None:
            document.value = _value(root, (), document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise _unreadable(where, "YAML", str(error.problem or error.context)) from error
    except RecursionError as error:
        raise _unreadable(name, "YAML of some levels", "hundreds of levels within each other") from error
    except yaml.YAMLError as error:
        raise _unreadable(name, "YAML", str(error).splitlines()[0]) from error
    return document


def _value(node: yaml.Node, path: Path, document: Document) -> Plain:
    document.nodes += 1
    if document.nodes > NODE_LIMIT:
        raise _unreadable(document.name, f"at most {NODE_LIMIT} values", "more (aliases count each time)")
    document.values_at[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), document) for index, child in enumerate(node.value)]
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _mapping(node: yaml.MappingNode, path: Path, document: Document) -> Plain:
    made: dict[str, Plain] = {}
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(document.place(path), "a text as key", "a list or an object")
        inner = (*path, str(key.value))
        document.keys_at[inner] = (key.start_mark.line + 1, key.start_mark.column + 1)
        if key.value in made:
            raise _wrong(document.place(inner, key=True), "each key once", f"{show(key.value)} twice")
        made[key.value] = _value(child, inner, document)
    return made


def _scalar(node: yaml.ScalarNode) -> Plain:
    text = str(node.value)
    if node.style is not None:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    return int(text) if _INTEGER.fullmatch(text) else text


def _unreadable(place: str, expected: str, found: str) -> MappingError:
    step = "check indentation, quotes and colons at this place; full-width ： is not a colon"
    return MappingError("SW-MAP-001", place=place, expected=expected, found=found, next_step=step)


def _wrong(place: str, expected: str, found: str) -> MappingError:
    step = "write every key once, as plain text"
    return MappingError("SW-MAP-004", place=place, expected=expected, found=found, next_step=step)
