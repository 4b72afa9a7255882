"""Writes small files, reads them by a mapping and hands back what came out. Holds no tests and no
expectations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.sources.files import (
    Imported,
    ImportItem,
    ImportReport,
    MappingDocument,
    Rejected,
    Repaired,
    Skipped,
    parse_mapping,
    read_events,
)

NOW = 1_772_443_800_000_000
ZONE = ZoneInfo("Asia/Shanghai")

DEALS = """\
mapping: trial
source: crm/trial
files:
  - match: "deals*.*"
    id: "{id}"
    columns:
      id: {required: true}
      agent: {repairs: {"Lee Wei": Li Wei}, empty: [N/A]}
      stage: {required: true, one_of: [Open, Won, Lost]}
      opened: {type: date, formats: ["%Y-%m-%d", "%Y/%m/%d"]}
      closed: {type: date, formats: ["%Y-%m-%d", "%Y/%m/%d"]}
      value: {type: money, currency: CNY, thousands: ","}
    skip:
      - {when: {id: Total}, reason: "sum row"}
    fill:
      - {column: value, when: {stage: Open}, value: "1000", reason: "open deal without a value"}
    events:
      - name: created
        type: opportunity.created
        time: {column: opened, missing: "2017-12-31", reason: "no date"}
        data: {opportunity: "{id}", owner: "{agent}"}
      - name: won
        type: opportunity.won
        when: {stage: Won}
        time: closed
        data: {opportunity: "{id}", amount: "{value}"}
"""

HEADER = "id,agent,stage,opened,closed,value\n"


@dataclass
class Result:
    """The items by kind, and the report over all of them."""

    items: list[ImportItem]
    report: ImportReport

    @property
    def events(self) -> list[Imported]:
        """The events."""
        return [item for item in self.items if isinstance(item, Imported)]

    @property
    def rejected(self) -> dict[str, str]:
        """Place -> code."""
        return {str(item.place): item.error.code for item in self.items if isinstance(item, Rejected)}

    @property
    def skipped(self) -> dict[str, str]:
        """Place -> reason."""
        return {str(item.place): item.reason for item in self.items if isinstance(item, Skipped)}

    @property
    def repaired(self) -> list[tuple[str, str, str, str]]:
        """(place, column, found, used)."""
        return [
            (str(item.place), item.column, item.found, item.used)
            for item in self.items
            if isinstance(item, Repaired)
        ]


def mapping_of(text: str) -> MappingDocument:
    """The mapping, which must be without problems."""
    mapping, errors = parse_mapping(text, "mapping.yaml")
    assert errors == []
    assert mapping is not None
    return mapping


def read(folder: Path, files: Mapping[str, str | bytes], mapping: str | None = DEALS) -> Result:
    """Writes the files into the folder, reads them in order, and sums the report."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(path)
    return read_paths(paths, mapping)


def read_paths(paths: list[Path], mapping: str | None = DEALS) -> Result:
    """Reads the paths in order and sums the report."""
    document = mapping_of(mapping) if mapping is not None else None
    items = list(read_events(paths, document, zone=ZONE, now=NOW))
    report = ImportReport()
    for item in items:
        report.add(item)
    return Result(items, report)
