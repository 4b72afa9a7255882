"""Rule files: text to checked documents, every error with file, line, column, expected, found and next step.

All errors of a file are collected; a syntax error ends the reading, the documents before it are still
checked. No file is opened here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from pydantic import ValidationError

from rules.compile import check_rule
from rules.conditions.literals import half_width, number_hint
from rules.conditions.model import Doc
from rules.document import NOT_BUILT, RuleDoc
from rules.problems import Loc, Problem, RuleErrors, did_you_mean
from rules.yaml_positions import Document, Mark, YamlError, documents
from schemas.errors import RuleError, show
from schemas.types import FieldType

MAX_BYTES = 1 << 20
MAX_RULES = 1000
MAX_ERRORS = 200
"""Errors of one file that are told."""

_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def load_rules(
    text: str | bytes, file: str, *, declared_fields: Mapping[str, FieldType] | None = None
) -> list[RuleDoc]:
    """The rules of one file, in its order, shape and meaning checked.

    Args:
        text: YAML 1.2, one or more documents; bytes must be UTF-8 (a byte order mark is skipped).
        file: its name, only for the places of errors.
        declared_fields: the workspace's own fields, `"kind.field"` -> type.

    Raises:
        RuleErrors: all that is wrong, each placed `file:line:column`, in the order of the file.
    """
    loader = _Loader(file, declared_fields or {})
    rules = loader.load(text)
    if loader.errors:
        placed = sorted(loader.errors, key=lambda found: (found[0].line, found[0].column))
        raise RuleErrors(error for _, error in placed[:MAX_ERRORS])
    return rules


@dataclass(slots=True)
class _Loader:
    """Reads one file; errors are collected with their places."""

    file: str
    declared: Mapping[str, FieldType]
    errors: list[tuple[Mark, RuleError]] = field(default_factory=list)
    seen: dict[str, Mark] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def load(self, raw: str | bytes) -> list[RuleDoc]:
        text = self._decode(raw)
        if text is None:
            return []
        self.lines = text.splitlines()
        rules: list[RuleDoc] = []
        try:
            for count, document in enumerate(documents(text), 1):
                if count > MAX_RULES:
                    self._limit(document.mark)
                    break
                rule = None if document.value is None else self._rule(document)
                if rule is not None:
                    rules.append(rule)
        except YamlError as error:
            self._syntax(error)
        return rules

    def _decode(self, raw: str | bytes) -> str | None:
        size = len(raw) if isinstance(raw, bytes) else len(raw.encode("utf-8", "surrogatepass"))
        if size > MAX_BYTES:
            step = "split the file: a folder of rule files is read as a whole"
            self._tell(Mark(1, 1), "SW-RULE-004", "", f"at most {MAX_BYTES} bytes", f"{size} bytes", step)
            return None
        if isinstance(raw, str):
            return raw.removeprefix("\ufeff")
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._encoding(raw, error.start)
            return None

    def _encoding(self, raw: bytes, start: int) -> None:
        name = next((name for mark, name in _MARKS if raw.startswith(mark)), "") or _guess(raw)
        before = raw[:start].decode("utf-8", "replace")
        mark = Mark(before.count("\n") + 1, start - raw.rfind(b"\n", 0, start))
        found = f"the byte 0x{raw[start]:02x}" + (f"; the file looks like {name}" if name else "")
        self._tell(mark, "SW-RULE-003", "", "UTF-8", found, "save the file with the encoding UTF-8")

    def _limit(self, mark: Mark) -> None:
        step = "split the file: a folder of rule files is read as a whole"
        self._tell(mark, "SW-RULE-008", "", f"at most {MAX_RULES} rules", f"more than {MAX_RULES}", step)

    def _syntax(self, error: YamlError) -> None:
        line = self.lines[error.mark.line - 1] if 0 < error.mark.line <= len(self.lines) else ""
        above = self.lines[error.mark.line - 2] if 1 < error.mark.line <= len(self.lines) + 1 else ""
        step = error.next_step or _line_hint(line) or _line_hint(above) or "check the indentation above"
        self._tell(
            error.mark, error.code, f"The YAML cannot be read: {error.reason}", "YAML", line.strip(), step
        )

    def _tell(self, mark: Mark, code: str, message: str, expected: str, found: str, step: str) -> None:
        place = f"{self.file}:{mark.line}:{mark.column}"
        self.errors.append(
            (
                mark,
                RuleError(code, message, place=place, expected=expected, found=found, next_step=step),
            )
        )

    def _rule(self, document: Document) -> RuleDoc | None:
        before = len(self.errors)
        self._keys(document)
        if not isinstance(document.value, dict):
            self._no_mapping(document)
            return None
        try:
            rule = RuleDoc.model_validate(document.value)
        except ValidationError as error:
            self._shape(error, document)
            self._rest(document.value, error, document)
            return None
        for problem in check_rule(rule, self.declared):
            self._problem(problem, document)
        self._once(rule, document)
        return rule if len(self.errors) == before else None

    def _keys(self, document: Document) -> None:
        for double in document.duplicates:
            found = f"`{double.key}`, first in line {double.first.line}"
            step = "keep one of them"
            self._tell(double.mark, "SW-RULE-006", f"`{double.key}` stands twice", "one value", found, step)
        for _, mark in document.odd_keys:
            message, step = "The key is not a text", "write the key in quotes"
            self._tell(mark, "SW-RULE-013", message, "a text as key", "a number or a list", step)
        for loc in _nulls(document.value, ()):
            if loc:
                self._null(loc, document)

    def _null(self, loc: Loc, document: Document) -> None:
        name = str(loc[-1])
        step = "for a missing value use `is_empty`" if name == "value" else "give it a value or take it out"
        mark = document.place(loc, at_key=True)
        self._tell(mark, "SW-RULE-013", f"`{name}` has no value", "a value", "nothing", step)

    def _no_mapping(self, document: Document) -> None:
        text = document.value if isinstance(document.value, str) else ""
        step = _line_hint(text) or "begin with `rule: some-id`, then title, watch and when"
        found = show(document.value)
        self._tell(document.mark, "SW-RULE-009", "", "keys and values: rule, title, watch, when", found, step)

    def _shape(self, error: ValidationError, document: Document) -> None:
        nulls = set(_nulls(document.value, ()))
        told: set[tuple[Mark, str]] = set()
        details = error.errors(include_url=False)
        for detail in details:
            problem = shape_problem(dict(detail))
            if detail["type"] == "too_short" and any(_within(d["loc"], detail["loc"]) for d in details):
                continue  # its items are wrong, not missing
            mark = document.place(problem.loc, problem.at_key)
            if (mark, problem.code) in told or _below(problem.loc, nulls):
                continue
            told.add((mark, problem.code))
            self._problem(problem, document)

    def _rest(self, value: dict[str, object], error: ValidationError, document: Document) -> None:
        """Check the meaning of the parts whose shape is right, with something harmless for the others."""
        broken = {detail["loc"][0] for detail in error.errors(include_url=False)}
        whole = {key: part for key, part in value.items() if key not in broken}
        if "watch" not in whole:
            return
        harmless = {"rule": "some-id", "title": "-", "when": {"event": "account.updated"}}
        for problem in check_rule(RuleDoc.model_validate({**harmless, **whole}), self.declared):
            if problem.loc[0] in whole:
                self._problem(problem, document)

    def _problem(self, problem: Problem, document: Document) -> None:
        mark = document.place(problem.loc, problem.at_key)
        problem = _with_hint(problem)
        self.errors.append((mark, problem.error(f"{self.file}:{mark.line}:{mark.column}")))

    def _once(self, rule: RuleDoc, document: Document) -> None:
        mark = document.place(("rule",))
        first = self.seen.setdefault(rule.rule, mark)
        if first is not mark:
            found = f"`{rule.rule}`, first in line {first.line}"
            step = "give one of them another id"
            self._tell(mark, "SW-RULE-017", f"`{rule.rule}` stands twice", "an id of its own", found, step)


def _nulls(value: object, loc: Loc) -> Iterator[Loc]:
    """Places of keys and items without a value; `holds:` alone may have none."""
    if value is None:
        if not (loc and loc[-1] == "holds"):
            yield loc
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _nulls(part, (*loc, key))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _nulls(part, (*loc, i))


def _plain(loc: Loc) -> Loc:
    """Without the names of alternatives (`<list>`) that pydantic puts between."""
    return tuple(step for step in loc if not (isinstance(step, str) and step.startswith("<")))


def _below(loc: Loc, nulls: set[Loc]) -> bool:
    """The problem is only that a value is missing, which is told already."""
    return any(loc == null or loc == null[:-1] for null in nulls if null)


def _within(loc: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _guess(raw: bytes) -> str:
    """The encoding that Chinese files without UTF-8 usually have."""
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "GBK"


def _is_wide(char: str) -> bool:
    return half_width(char) != char


def _line_hint(line: str) -> str:
    """A next step when a line has full-width punctuation or tabs."""
    wide = next((char for char in line if _is_wide(char)), "")
    if wide:
        name = unicodedata.name(wide, "").lower()
        return f"write `{half_width(wide)}` instead of `{wide}` ({name})"
    return "indent with spaces instead of tabs" if "\t" in line else ""


def _with_hint(problem: Problem) -> Problem:
    """Numbers like `50万` and full-width punctuation get their own next step."""
    found = problem.found.strip('"')
    if problem.code in ("SW-RULE-015", "SW-RULE-034") and (plain := number_hint(found)):
        return problem if problem.next_step else replace(problem, next_step=f"write {plain}")
    wide = any(_is_wide(char) for char in found) and problem.code not in ("SW-RULE-061", "SW-RULE-062")
    if wide and "half-width" not in problem.next_step:
        step = f"write {half_width(found)} with half-width characters"
        return replace(problem, next_step=step)
    return problem


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
