"""`people.yaml`: persons, teams and absences, checked as the events they become. Decides nothing about
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rules.problems import did_you_mean, dotted
from rules.yaml_positions import Document, YamlError, documents
from schemas.envelope import decode_event
from schemas.errors import EventError, SettingsError, StagewatchError, show
from schemas.fields import FIELDS

SECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "people": ("person", "person.updated"),
    "teams": ("team", "team.updated"),
    "away": ("person", "person.away"),
}
"""Section -> (key that names the entry, event type)."""

_AWAY: Final = frozenset({"person", "from", "to", "deputy", "reason"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One person, team or absence: the event type it becomes and that event's data."""

    type: str
    name: str
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """`person` or `team`."""
        return self.type.partition(".")[0]


class InvalidPeopleError(Exception):
    """All that is wrong with the file; `errors` is never empty."""

    def __init__(self, errors: list[SettingsError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def load_people(path: Path, zone: ZoneInfo) -> list[Entry]:
    """The entries of the file; none when there is no file.

    Raises:
        InvalidPeopleError: SW-SET-010 (not readable), SW-SET-011 (an entry is wrong), with file:line:column.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPeopleError([_unreadable(path.name, str(error))]) from error
    return parse_people(text, path.name, zone)


def parse_people(text: str, name: str, zone: ZoneInfo) -> list[Entry]:
    """The entries of a text; `name` stands before the places of errors. Raises as `load_people`."""
    try:
        document = next(documents(text), None)
    except YamlError as error:
        place = f"{name}:{error.mark.line}:{error.mark.column}"
        raise InvalidPeopleError([_unreadable(place, error.reason, error.next_step)]) from None
    if document is None or document.value is None:
        return []
    reader = _Reader(document, name, zone)
    entries = list(reader.entries())
    if reader.errors:
        raise InvalidPeopleError(reader.errors)
    return entries


def _unreadable(place: str, found: str, step: str = "") -> SettingsError:
    return SettingsError(
        "SW-SET-010",
        place=place,
        expected="YAML in UTF-8 with people, teams, away",
        found=found,
        next_step=step or "compare it with the people.yaml of a new workspace",
    )


class _Reader:
    def __init__(self, document: Document, name: str, zone: ZoneInfo) -> None:
        self._document = document
        self._name = name
        self._zone = zone
        self.errors: list[SettingsError] = []

    def entries(self) -> Iterator[Entry]:
        value = self._document.value
        for twice in self._document.duplicates:
            self._tell(twice.loc, "each key once", f"`{twice.key}` twice", "keep one of them")
        if not isinstance(value, Mapping):
            self._tell((), "the keys people, teams, away", show(value), "begin with `people:`")
            return
        for section, items in value.items():
            if section not in SECTIONS:
                step = did_you_mean(section, SECTIONS)
                self._tell((section,), ", ".join(SECTIONS), section, step)
            elif not isinstance(items, list):
                if items is not None:
                    self._tell((section,), "a list", show(items), "begin each entry with a dash")
            else:
                yield from self._section(section, items)

    def _section(self, section: str, items: list[object]) -> Iterator[Entry]:
        seen: set[str] = set()
        for number, item in enumerate(items):
            entry = self._entry(section, number, item)
            if entry is None:
                continue
            if entry.name in seen and section != "away":
                self._tell((section, number), "each id once", show(entry.name), "keep one of them")
                continue
            seen.add(entry.name)
            yield entry

    def _entry(self, section: str, number: int, item: object) -> Entry | None:
        key, event_type = SECTIONS[section]
        loc = (section, number)
        if not isinstance(item, Mapping):
            self._tell(loc, f"an object with `{key}`", show(item), f"write {{{key}: some-id, ...}}")
            return None
        known = (
            _AWAY
            if section == "away"
            else frozenset(FIELDS[key]) - {"created", "age", "director"}
            | ({"director"} if key == "team" else set())
        )
        unknown = [name for name in item if name not in known]
        for name in unknown:
            self._tell((*loc, name), ", ".join(sorted(known)), name, did_you_mean(name, known))
        data = {name: _plain(value) for name, value in item.items()}
        if unknown or not self._checked(loc, event_type, data):
            return None
        return Entry(event_type, str(data[key]), data)

    def _checked(self, loc: tuple[str | int, ...], event_type: str, data: Mapping[str, Any]) -> bool:
        record = {
            "specversion": "1.0",
            "id": "x",
            "source": "people.yaml",
            "type": event_type,
            "time": "2000-01-01T00:00:00Z",
            "data": data,
        }
        try:
            decode_event(record, zone=self._zone)
        except EventError as error:
            field = error.place.rpartition("data.")[2].partition(".")[0]
            self._wrong((*loc, field), error)
            return False
        return True

    def _wrong(self, loc: tuple[str | int, ...], error: StagewatchError) -> None:
        self.errors.append(
            SettingsError(
                "SW-SET-011",
                error.message,
                place=self._place(loc),
                expected=error.expected,
                found=error.found,
                next_step=error.next_step,
            )
        )

    def _tell(self, loc: tuple[str | int, ...], expected: str, found: str, step: str) -> None:
        self.errors.append(
            SettingsError(
                "SW-SET-011", place=self._place(loc), expected=expected, found=found, next_step=step
            )
        )

    def _place(self, loc: tuple[str | int, ...]) -> str:
        mark = self._document.place(loc, at_key=True)
        return f"{self._name}:{mark.line}:{mark.column}: {dotted(loc)}"


def _plain(value: object) -> object:
    """YAML's numbers as JSON has them; a date is text already."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
