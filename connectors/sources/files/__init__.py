"""Files as a source: JSONL, CSV and Excel become events, and every row is accounted for."""

from connectors.sources.files.again import put_right, read_again, shown
from connectors.sources.files.history import sort_history
from connectors.sources.files.items import (
    Imported,
    ImportItem,
    KeptLine,
    KeptRow,
    Noted,
    Place,
    Rejected,
    Remarked,
    Repaired,
    Skipped,
)
from connectors.sources.files.mapping import MappingDocument
from connectors.sources.files.mapping_load import check_mapping, load_mapping, parse_mapping
from connectors.sources.files.reader import read_events
from connectors.sources.files.report import FileReport, ImportReport
from connectors.sources.files.report_view import report_table

__all__ = [
    "FileReport",
    "ImportItem",
    "ImportReport",
    "Imported",
    "KeptLine",
    "KeptRow",
    "MappingDocument",
    "Noted",
    "Place",
    "Rejected",
    "Remarked",
    "Repaired",
    "Skipped",
    "check_mapping",
    "load_mapping",
    "parse_mapping",
    "put_right",
    "read_again",
    "read_events",
    "report_table",
    "shown",
    "sort_history",
]
