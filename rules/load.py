"""Rule files: text to checked documents, every error with file, line, column, expected, found and next step.

All errors of a file are collected; a syntax error ends the reading, the documents before it are still
checked. No file is opened here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from rules.compile import check_rule
from rules.document import RuleDoc
from rules.hints import line_hint, with_hint
from rules.problems import Loc, Problem, RuleErrors
from rules.shape_problems import shape_problem
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
        step = error.next_step or line_hint(line) or line_hint(above) or "check the indentation above"
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
        step = line_hint(text) or "begin with `rule: some-id`, then title, watch and when"
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
        problem = with_hint(problem)
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
