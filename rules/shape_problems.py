"""Errors of pydantic as problems of a rule document: coded, with what was expected and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from rules.conditions.literals import half_width
from rules.conditions.model import Doc
from rules.document import NOT_BUILT, RuleDoc
from rules.problems import Loc, Problem, did_you_mean
from schemas.errors import show


def _plain(loc: Loc) -> Loc:
    """Without the names of alternatives (`<list>`) that pydantic puts between."""
    return tuple(step for step in loc if not (isinstance(step, str) and step.startswith("<")))


def shape_problem(detail: Mapping[str, Any]) -> Problem:
    """One error of pydantic as a problem of the document."""
    loc = _plain(tuple(detail["loc"]))
    kind = str(detail["type"])
    if kind == "coded":
        return _coded(loc, detail)
    if kind == "missing":
        name = str(loc[-1])
        step = f"add `{name}:`"
        return Problem(loc[:-1], "SW-RULE-012", f"`{name}` is missing", f"{name}: ...", "", step, at_key=True)
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    make = _literal if kind == "literal_error" else _wrong_size if kind in _SIZES else _wrong_type
    return make(loc, detail)


def _coded(loc: Loc, detail: Mapping[str, Any]) -> Problem:
    told = detail["ctx"]
    value = detail["input"]
    found = value if isinstance(value, str) else show(value)
    return Problem(loc, told["code"], told["message"], told["expected"], found, told["next_step"])


def _unknown_key(loc: Loc) -> Problem:
    name, model = str(loc[-1]), _model_at(loc[:-1])
    if name in NOT_BUILT.get(model.__name__, ()):
        message, step = f"`{name}` is not built yet", "take it out for now"
        return Problem(loc, "SW-RULE-011", message, "what is built", name, step, at_key=True)
    keys = [info.alias or key for key, info in model.model_fields.items()]
    near = half_width(name).partition(":")[0]
    step = did_you_mean(near.strip(), keys)
    return Problem(loc, "SW-RULE-010", f"There is no key `{name}` here", ", ".join(keys), name, step, True)


def _literal(loc: Loc, detail: Mapping[str, Any]) -> Problem:
    expected, value = str(detail["ctx"]["expected"]), detail["input"]
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    step = did_you_mean(str(value), words)
    return Problem(loc, "SW-RULE-014", "The value is not allowed", ", ".join(words), show(value), step)


_SIZES = frozenset({"string_too_short", "string_too_long", "too_short", "too_long"})
_TYPES = {
    "string_type": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "keys and values",
    "dict_type": "keys and values",
}


def _wrong_size(loc: Loc, detail: Mapping[str, Any]) -> Problem:
    message = str(detail["msg"])
    return Problem(loc, "SW-RULE-014", "The value is too short or too long", message, show(detail["input"]))


def _wrong_type(loc: Loc, detail: Mapping[str, Any]) -> Problem:
    expected = _TYPES.get(str(detail["type"]), str(detail["msg"]))
    value = detail["input"]
    quotes = (expected == "a text" and isinstance(value, (int, float))) or hasattr(value, "as_tuple")
    step = f'write it in quotes: "{value}"' if quotes else ""
    return Problem(loc, "SW-RULE-013", "The value has the wrong type", expected, show(value), step)


def _model_at(loc: Loc) -> type[Doc]:
    """The model that the keys at a place belong to; the nearest one above when there is none."""
    model: type[Doc] = RuleDoc
    for step in loc:
        info = next(
            (i for key, i in model.model_fields.items() if step in (i.alias, key) and step is not None), None
        )
        inner = next(_models(info.annotation), None) if info is not None else None
        model = inner or model
    return model


def _models(annotation: object) -> Iterator[type[Doc]]:
    """The document models within a type annotation, in order."""
    if isinstance(annotation, type) and issubclass(annotation, Doc):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
