"""Rule files on disk: found, read, checked one by one. A broken file never hides the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rules.problems import RuleErrors
from rules.texts import split_rules
from rules.yaml_positions import documents
from schemas.errors import RuleError
from schemas.fields import FieldType

SUFFIXES = (".yaml", ".yml")
TESTS = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule of a file: its id, its own YAML text, where it stands."""

    id: str
    text: str
    path: Path

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self._value("title", ""))

    @property
    def enabled(self) -> bool:
        """Whether it is switched on."""
        return self._value("enabled", True) is True

    def _value(self, key: str, default: object) -> object:
        document = next(d for d in documents(self.text) if d.value is not None)
        return document.value.get(key, default) if isinstance(document.value, Mapping) else default


@dataclass(slots=True)
class RuleFiles:
    """What was read. broken: file -> what is wrong with it; none of its rules is in `rules`."""

    rules: list[RuleText] = field(default_factory=list)
    broken: dict[Path, tuple[RuleError, ...]] = field(default_factory=dict)

    @property
    def errors(self) -> list[RuleError]:
        """Everything that is wrong, file by file."""
        return [error for errors in self.broken.values() for error in errors]


def rule_paths(paths: Iterable[Path], tests: bool = False) -> list[Path]:
    """The rule files (or the test files) that `paths`, files or folders, name; a file named outright is taken
    as it is."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES) if path.is_dir() else [path]
        for one in inside:
            if one.name.endswith(TESTS) == tests and not _hidden(one, path):
                found[one] = None
    return list(found)


def read_rules(
    paths: Sequence[Path], declared: Mapping[str, FieldType] | None = None, base: Path | None = None
) -> RuleFiles:
    """Read the rule files that `paths` name; places in errors are relative to `base`. An id stands once."""
    read = RuleFiles()
    seen: dict[str, Path] = {}
    for path in rule_paths(paths):
        name = str(path.relative_to(base)) if base is not None and path.is_relative_to(base) else str(path)
        try:
            texts = split_rules(path.read_bytes(), name, declared_fields=declared)
        except RuleErrors as errors:
            read.broken[path] = errors.errors
            continue
        except OSError as error:
            read.broken[path] = (_unreadable(name, error),)
            continue
        twice = [rule for rule, _ in texts if rule in seen]
        if twice:
            read.broken[path] = tuple(_twice(name, rule, seen[rule]) for rule in twice)
            continue
        seen.update((rule, path) for rule, _ in texts)
        read.rules += [RuleText(rule, text, path) for rule, text in texts]
    return read


def _hidden(path: Path, below: Path) -> bool:
    inner = path.relative_to(below) if below.is_dir() else Path(path.name)
    return any(part.startswith((".", "~")) for part in inner.parts)


def _unreadable(name: str, error: OSError) -> RuleError:
    return RuleError(
        "SW-RULE-005",
        "The file cannot be read",
        place=name,
        found=error.strerror or str(error),
        next_step="check the path and the rights on the file",
    )


def _twice(name: str, rule: str, first: Path) -> RuleError:
    return RuleError(
        "SW-RULE-017",
        f"`{rule}` stands in two files",
        place=name,
        expected="an id of its own",
        found=f"`{rule}`, also in {first.name}",
        next_step="give one of them another id, or take one file away",
    )
