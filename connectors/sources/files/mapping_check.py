"""Whether the parts of a mapping fit together: columns, lookups, templates, times, date formats. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import cast
from zoneinfo import ZoneInfo

from connectors.sources.files.cells import read_moment
from connectors.sources.files.mapping import (
    Column,
    DataValue,
    EventSpec,
    FileMapping,
    MappingDocument,
    Matcher,
    When,
)
from connectors.sources.files.mapping_yaml import Document, Path
from connectors.sources.files.problems import did_you_mean, nearest
from connectors.sources.files.template import TemplateError, parse_template
from schemas.errors import EventError, MappingError, show
from schemas.time import parse_time
from schemas.validation import CHECKERS

_UTC = ZoneInfo("UTC")
_PROBES = tuple(
    dt.datetime(year, month, day, 13, 45, 59, tzinfo=_UTC)
    for year, month, day in ((2001, 2, 3), (2011, 12, 10))
)
_OWN_FORMATS = frozenset({"iso", "excel", "epoch", "epoch_ms"})


def check_document(mapping: MappingDocument, document: Document) -> Iterator[MappingError]:
    """Every contradiction in the mapping, each with its place in the document."""
    for name, lookup in mapping.lookups.items():
        path: Path = ("lookups", name)
        if lookup.key not in lookup.columns:
            yield _no_column(lookup.key, lookup.columns, document, (*path, "key"))
        yield from _check_columns(lookup.columns, document, (*path, "columns"))
    for index, file in enumerate(mapping.files):
        yield from _FileCheck(mapping, file, document, ("files", index)).problems()


def columns_known(mapping: MappingDocument, file: FileMapping) -> dict[str, Column | None]:
    """Every name a template of the file may use: its columns, `table.column` of its lookups, `const.name`."""
    known: dict[str, Column | None] = dict(file.columns)
    for use in file.lookup:
        lookup = mapping.lookups.get(use.table)
        if lookup is not None:
            known.update({f"{use.table}.{name}": column for name, column in lookup.columns.items()})
    known.update({f"const.{name}": None for name in mapping.constants})
    return known


class _FileCheck:
    def __init__(self, mapping: MappingDocument, file: FileMapping, document: Document, path: Path) -> None:
        self._mapping = mapping
        self._file = file
        self._document = document
        self._path = path
        self._known = columns_known(mapping, file)

    def problems(self) -> Iterator[MappingError]:
        file = self._file
        yield from _check_columns(file.columns, self._document, (*self._path, "columns"))
        yield from self._lookups()
        if file.id is not None:
            yield from self._template(file.id, ("id",))
        for index, skip in enumerate(file.skip):
            yield from self._when(skip.when, ("skip", index, "when"))
        for index, remark in enumerate(file.remark):
            yield from self._when(remark.when, ("remark", index, "when"))
        for index, fill in enumerate(file.fill):
            yield from self._when(fill.when, ("fill", index, "when"))
            yield from self._template(fill.value, ("fill", index, "value"))
            if fill.column not in file.columns:
                yield self._unknown(fill.column, ("fill", index, "column"))
        for index, event in enumerate(file.events):
            yield from self._event(event, ("events", index))

    def _lookups(self) -> Iterator[MappingError]:
        for index, use in enumerate(self._file.lookup):
            if use.table not in self._mapping.lookups:
                step = did_you_mean(use.table, self._mapping.lookups, "declare it under lookups")
                place = self._document.place((*self._path, "lookup", index, "table"))
                yield MappingError("SW-MAP-006", place=place, found=show(use.table), next_step=step)
            if use.by not in self._file.columns:
                yield self._unknown(use.by, ("lookup", index, "by"))

    def _event(self, event: EventSpec, path: Path) -> Iterator[MappingError]:
        near = nearest(event.type, CHECKERS) if event.type not in CHECKERS else None
        if near is not None:
            step = f"write {near}; for a type of your own choose a name less like it"
            yield self._error("SW-MAP-009", (*path, "type"), near, event.type, step)
        yield from self._when(event.when, (*path, "when"))
        for key, text in (("id", event.id), ("subject", event.subject)):
            if text is not None:
                yield from self._template(text, (*path, key))
        yield from self._data(event.data, (*path, "data"))
        if event.time.column is not None:
            yield from self._moment(event.time.column, (*path, "time"))
        for key, text in (("value", event.time.value), ("missing", event.time.missing)):
            if text is not None:
                yield from self._fixed_time(text, (*path, "time", key))
        if event.recorded is not None:
            yield from self._moment(event.recorded, (*path, "recorded"))

    def _data(self, value: DataValue, path: Path) -> Iterator[MappingError]:
        if isinstance(value, str):
            yield from self._template(value, path)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self._data(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._data(inner, (*path, index))

    def _template(self, text: str, path: Path) -> Iterator[MappingError]:
        try:
            template = parse_template(text)
        except TemplateError as error:
            yield self._error("SW-MAP-008", path, str(error), text, "write columns as {name}")
            return
        for column in template.columns:
            if column not in self._known:
                yield self._unknown(column, path)

    def _when(self, when: When, path: Path) -> Iterator[MappingError]:
        for name, matcher in when.items():
            if name not in self._known:
                yield self._unknown(name, (*path, name))
                continue
            column = self._known[name]
            if column is None or column.one_of is None:
                continue
            for text in matched_texts(matcher):
                if text not in column.one_of:
                    step = did_you_mean(text, column.one_of, "correct the condition, or add it to one_of")
                    expected = ", ".join(column.one_of)
                    yield self._error("SW-MAP-004", (*path, name), expected, text, step)

    def _moment(self, name: str, path: Path) -> Iterator[MappingError]:
        if name not in self._known:
            yield self._unknown(name, path)
            return
        column = self._known[name]
        if column is None or column.type not in ("date", "datetime"):
            expected = "a column of type date or datetime"
            yield self._error("SW-MAP-004", path, expected, name, f"declare type: date on the column {name}")

    def _fixed_time(self, text: str, path: Path) -> Iterator[MappingError]:
        yield from self._template(text, path)
        if "{" not in text:
            try:
                parse_time(text, _UTC)
            except EventError as error:
                yield self._error("SW-MAP-004", path, error.expected, text, error.next_step)

    def _unknown(self, name: str, path: Path) -> MappingError:
        return _no_column(name, self._known, self._document, (*self._path, *path))

    def _error(self, code: str, path: Path, expected: str, found: str, step: str) -> MappingError:
        place = self._document.place((*self._path, *path))
        return MappingError(code, place=place, expected=expected, found=show(found), next_step=step)


def matched_texts(matcher: object) -> list[str]:
    """The texts that a condition compares with; none for "empty"."""
    if isinstance(matcher, Matcher):
        return matched_texts(matcher.is_not)
    atoms = cast(list[object], matcher) if isinstance(matcher, list) else [matcher]
    return [atom_text(atom) for atom in atoms if atom is not None]


def atom_text(atom: object) -> str:
    """A condition's value as the text a cell would have."""
    return str(atom).lower() if isinstance(atom, bool) else str(atom)


def _check_columns(columns: Mapping[str, Column], document: Document, path: Path) -> Iterator[MappingError]:
    for name, column in columns.items():
        at = (*path, name)
        if column.currency_from is not None and column.currency_from not in columns:
            yield _no_column(column.currency_from, columns, document, (*at, "currency_from"))
        if column.type in ("date", "datetime"):
            yield from _check_formats(column, document, (*at, "formats"))


def _check_formats(column: Column, document: Document, path: Path) -> Iterator[MappingError]:
    place = document.place(path)
    for form in column.formats:
        if form not in _OWN_FORMATS and read_moment(_PROBES[0].strftime(form), form, _UTC) is None:
            step = "use iso, excel, epoch, epoch_ms or strptime codes such as %Y/%m/%d %H:%M"
            yield MappingError(
                "SW-MAP-004", place=place, expected="a date format", found=show(form), next_step=step
            )
    for first, second in combinations([form for form in column.formats if form not in _OWN_FORMATS], 2):
        if any(_contradict(first, second, probe) for probe in _PROBES):
            found = f"{first} and {second}"
            step = "keep the one that the file uses; 03/04 would be read by whichever comes first"
            yield MappingError("SW-MAP-007", place=place, found=found, next_step=step)


def _contradict(first: str, second: str, probe: dt.datetime) -> bool:
    text = probe.strftime(first)
    one, two = read_moment(text, first, _UTC), read_moment(text, second, _UTC)
    return one is not None and two is not None and one.date() != two.date()


def _no_column(name: str, known: Mapping[str, object], document: Document, path: Path) -> MappingError:
    step = did_you_mean(name, known, "declare it under columns")
    shown = ", ".join(list(known)[:20])
    return MappingError(
        "SW-MAP-005", place=document.place(path), expected=shown, found=show(name), next_step=step
    )
