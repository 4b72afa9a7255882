"""One file's part of a mapping as a function of its rows: row in, items out. Pure; every row gives at
least one item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from connectors.sources.files.cleaning import Cleaner, Repair
from connectors.sources.files.conditions import condition
from connectors.sources.files.items import Imported, ImportItem, Place, Rejected, Remarked, Repaired, Skipped
from connectors.sources.files.lookup import Table
from connectors.sources.files.mapping import FileMapping, LookupUse, MappingDocument
from connectors.sources.files.mapping_check import columns_known
from connectors.sources.files.problems import did_you_mean
from connectors.sources.files.rows import Header
from connectors.sources.files.shaping import EventShape, content_hash
from connectors.sources.files.template import Scalar, parse_template
from schemas.envelope import Event, decode_event, entity_of
from schemas.errors import MappingError, StagewatchError, show

BLANK = "blank row"
LOOKUP_ONLY = "lookup table, read for other files"
REPEATED = "makes only events that an earlier row made"


@dataclass(slots=True)
class Surroundings:
    """What the rows of all files share: the organisation's zone, the moment of the import, tables, ids
    made once.
    """

    zone: ZoneInfo
    now: int
    tables: Mapping[str, Table] = field(default_factory=dict)
    made_once: dict[str, str] = field(default_factory=dict)


class RowPlan:
    """The rows of one file under its mapping.

    Steps: trim and repair, join lookups, skip, fill, require, type, make events, check each against its
    schema.
    """

    def __init__(
        self,
        mapping: MappingDocument,
        file: FileMapping,
        header: Header,
        around: Surroundings,
        *,
        file_order: int,
        spreadsheet: bool,
    ) -> None:
        self._width = header.width
        self._around = around
        self._order = file_order
        self._lookup_only = file.lookup_only
        zone = ZoneInfo(mapping.zone) if mapping.zone is not None else around.zone
        self._cleaner = Cleaner(file.columns, header.positions, zone, spreadsheet=spreadsheet)
        self._joins = [
            _Join(use, tuple(mapping.lookups[use.table].columns), around.tables) for use in file.lookup
        ]
        self._constants = {f"const.{name}": str(value) for name, value in mapping.constants.items()}
        self._skips = [(condition(skip.when), skip.reason) for skip in file.skip]
        self._remarks = [(condition(remark.when), remark.reason) for remark in file.remark]
        self._fills = [
            (fill.column, condition(fill.when), parse_template(fill.value), fill.reason) for fill in file.fill
        ]
        known = columns_known(mapping, file)
        self._shapes = [EventShape(event, file.id, mapping.source, known, zone) for event in file.events]

    def apply(self, cells: Sequence[str], place: Place) -> list[ImportItem]:
        """Everything that the row gives; a row that cannot be used gives one Rejected and nothing else."""
        if not "".join(cells).strip():
            return [Skipped(place, BLANK)]
        if self._lookup_only:
            return [Skipped(place, LOOKUP_ONLY)]
        try:
            return self._rows_items(cells, place)
        except StagewatchError as error:
            return [Rejected(place, error)]

    def _rows_items(self, cells: Sequence[str], place: Place) -> list[ImportItem]:
        at = str(place)
        if len(cells) != self._width:
            raise _ragged(at, self._width, len(cells))
        repairs: list[Repair] = []
        texts = self._cleaner.clean(cells, repairs, at)
        misses = [miss for join in self._joins if (miss := join.into(texts, at)) is not None]
        texts.update(self._constants)
        for holds, reason in self._skips:
            if holds is None or holds(texts):
                return [Skipped(place, reason)]
        if misses:
            raise misses[0]
        self._fill(texts, repairs)
        self._cleaner.require(texts, at)
        values = self._cleaner.convert(texts, at)
        for join in self._joins:
            join.values_into(values, texts)
        return self._items(texts, values, repairs, place)

    def _fill(self, texts: dict[str, str | None], repairs: list[Repair]) -> None:
        for column, holds, template, reason in self._fills:
            if texts[column] is None and (holds is None or holds(texts)):
                made = template.fill(texts)
                if made is not None:
                    texts[column] = str(made)
                    repairs.append(Repair(column, "", str(made), reason))

    def _items(
        self,
        texts: Mapping[str, str | None],
        values: Mapping[str, Scalar | None],
        repairs: list[Repair],
        place: Place,
    ) -> list[ImportItem]:
        made: list[Event] = []
        fresh: dict[str, str] = {}
        repeated = False
        at = str(place)
        for shape in self._shapes:
            if shape.wanted is None or shape.wanted(texts):
                record = shape.make(values, repairs, at)
                if shape.once and self._made_before(record, fresh, at):
                    repeated = True
                    continue
                event = decode_event(record, zone=self._around.zone, place=at)
                entity_of(event)
                made.append(event)
        if not made:
            return [Skipped(place, REPEATED)] if repeated else [Rejected(place, _no_event(at))]
        self._around.made_once.update(fresh)
        items: list[ImportItem] = [Repaired(place, *repair) for repair in repairs]
        items += [Remarked(place, reason) for holds, reason in self._remarks if holds is None or holds(texts)]
        now = self._around.now
        items += [Imported(place, self._order, n, event, event.time > now) for n, event in enumerate(made)]
        return items

    def _made_before(self, record: Mapping[str, object], fresh: dict[str, str], at: str) -> bool:
        name = str(record["id"])
        content = content_hash(record)
        earlier = self._around.made_once.get(name)
        if earlier is None:
            fresh[name] = content
            return False
        if earlier != content:
            step = "correct the rows, or set per_content: true for the event"
            expected = f"the same content as the earlier event {name}"
            raise MappingError(
                "SW-MAP-051", place=at, expected=expected, found="other content", next_step=step
            )
        return True


class _Join:
    def __init__(self, use: LookupUse, columns: tuple[str, ...], tables: Mapping[str, Table]) -> None:
        self._use = use
        self._table = tables.get(use.table, {})
        self._columns = [(column, f"{use.table}.{column}") for column in columns]

    def into(self, texts: dict[str, str | None], at: str) -> MappingError | None:
        """Adds the looked-up texts; the error to raise when the key is unknown and must not be."""
        key = texts[self._use.by]
        found = self._table.get(key) if key is not None else None
        for column, name in self._columns:
            value = found[column] if found is not None else None
            texts[name] = None if value is None else str(value)
        if key is None or found is not None or self._use.missing == "empty":
            return None
        step = did_you_mean(key, self._table, f"add it to the lookup {self._use.table}")
        place = f"{at}, column {self._use.by}"
        expected = f"a key of the lookup {self._use.table}"
        return MappingError("SW-MAP-048", place=place, expected=expected, found=show(key), next_step=step)

    def values_into(self, values: dict[str, Scalar | None], texts: Mapping[str, str | None]) -> None:
        """Replaces the looked-up texts by the table's typed values."""
        key = texts[self._use.by]
        found = self._table.get(key) if key is not None else None
        for column, name in self._columns:
            values[name] = found[column] if found is not None else None


def _ragged(at: str, width: int, cells: int) -> MappingError:
    step = "look for a missing or surplus delimiter, or a cell with the delimiter in it that is not quoted"
    return MappingError(
        "SW-MAP-040",
        place=at,
        expected=f"{width} cells as in the header",
        found=f"{cells} cells",
        next_step=step,
    )


def _no_event(at: str) -> MappingError:
    step = "add an event for such rows, or a skip with its reason"
    return MappingError(
        "SW-MAP-052", place=at, expected="a row that fulfils the when of some event", next_step=step
    )
