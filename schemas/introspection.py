"""Reads the marks of a model's fields: the one place that looks into pydantic's field definitions.

Field catalogue, validation and parents all ask here, so that the models stay the only source of truth.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from schemas.types import FieldType, Mark


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field as it stands in ``data``: its mark, and for lists and objects the marks of what is inside."""

    mark: Mark
    required: bool = False
    items: Mapping[str, FieldInfo] = field(default_factory=dict)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The model's fields by the name they have in ``data``.

    Raises:
        TypeError: a field has a type that carries no mark, which is a slip in the model.
    """
    found = {}
    for name, info in model.model_fields.items():
        hint = typing.Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        mark, items = _read(hint, f"{model.__name__}.{name}")
        found[info.alias or name] = FieldInfo(mark, info.is_required(), items)
    return found


def _read(hint: object, name: str) -> tuple[Mark, Mapping[str, FieldInfo]]:
    for part in _alternatives(hint):
        marks = [extra for extra in getattr(part, "__metadata__", ()) if isinstance(extra, Mark)]
        if marks:
            return marks[0], {}
        origin = typing.get_origin(part)
        if origin is list:
            return Mark(FieldType.LIST), _inside(typing.get_args(part)[0])
        if origin is dict:
            return Mark(FieldType.MAP), {}
        if isinstance(part, type) and issubclass(part, BaseModel):
            return Mark(FieldType.MAP), fields_of(part)
    raise TypeError(f"{name} carries no mark")


def _inside(hint: object) -> Mapping[str, FieldInfo]:
    return fields_of(hint) if isinstance(hint, type) and issubclass(hint, BaseModel) else {}


def _alternatives(hint: object) -> Iterator[object]:
    """The hint itself, or the members of a union, at any depth of Annotated and Optional."""
    if any(isinstance(extra, Mark) for extra in getattr(hint, "__metadata__", ())):
        yield hint
        return
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _alternatives(member)
    else:
        yield hint
