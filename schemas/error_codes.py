"""The one registry of error codes: code -> title. A code is never given a second meaning.

To add one, append it to the group of its prefix and run ``python -m schemas.publish``, which writes
``docs/errors.md`` anew; a test holds both together. No logic belongs here.
"""

from __future__ import annotations

from typing import Final

GROUPS: Final[dict[str, str]] = {
    "SW-EVENT": "Events that cannot be read",
    "SW-RULE": "Rules that cannot be compiled",
    "SW-MAP": "Mappings of a source's records to events",
    "SW-SET": "Settings",
    "SW-REQ": "Requests to the web API",
    "SW-WS": "Workspaces on disk",
    "SW-CMD": "Commands that cannot be carried out",
    "SW-STREAM": "Streams, runtimes and stores",
}

CODES: Final[dict[str, str]] = {
    # --- events -------------------------------------------------------------------------------------
    "SW-EVENT-001": "The record is not JSON",
    "SW-EVENT-002": "The record is not a JSON object",
    "SW-EVENT-003": "A required attribute is missing",
    "SW-EVENT-004": "An attribute has the wrong type",
    "SW-EVENT-005": "An attribute is empty, too long or holds control characters",
    "SW-EVENT-006": "The specversion is not 1.0",
    "SW-EVENT-007": "The event type is not dotted lower case",
    "SW-EVENT-008": "The name of an extension is not lower-case letters and digits",
    "SW-EVENT-009": "The data is not JSON",
    "SW-EVENT-010": "The time cannot be read",
    "SW-EVENT-011": "The time has no offset from UTC",
    "SW-EVENT-012": "The precision is neither day nor instant",
    "SW-EVENT-013": "The record is too large",
    "SW-EVENT-014": "The record is nested too deeply",
    "SW-EVENT-015": "A number is not finite or beyond 64 bits",
    "SW-EVENT-016": "A value is not a JSON value",
    "SW-EVENT-020": "A required field of the data is missing",
    "SW-EVENT-021": "A field of the data has the wrong type",
    "SW-EVENT-022": "An amount of money is a binary float",
    "SW-EVENT-023": "An amount of money is not a plain decimal",
    "SW-EVENT-024": "A date cannot be read",
    "SW-EVENT-025": "A field of the data has a value that is not allowed",
    "SW-EVENT-030": "The event does not name its entity",
    "SW-EVENT-031": "The correction does not name an event",
    "SW-EVENT-040": "The batch is not a JSON array",
    "SW-EVENT-041": "A binary-mode header is missing or cannot be read",
    # --- rules --------------------------------------------------------------------------------------
    "SW-RULE-001": "The duration cannot be read",
    "SW-RULE-002": "Working time is not built yet",
    "SW-RULE-060": "The receiver cannot be read",
    "SW-RULE-061": "The text template cannot be read",
    "SW-RULE-062": "The text template names an unknown field",
    "SW-RULE-063": "The text template's form does not fit the field",
    "SW-RULE-070": "The rule tests cannot be read",
    "SW-RULE-071": "A time in the rule tests cannot be read",
    # --- mappings -----------------------------------------------------------------------------------
    "SW-MAP-001": "The mapping is not readable YAML",
    "SW-MAP-002": "A key of the mapping is unknown",
    "SW-MAP-003": "A key of the mapping is missing",
    "SW-MAP-004": "A value of the mapping has the wrong form",
    "SW-MAP-005": "The mapping names a column that it does not declare",
    "SW-MAP-006": "The mapping names a lookup that it does not declare",
    "SW-MAP-007": "Two date formats read the same text differently",
    "SW-MAP-008": "A text template of the mapping cannot be read",
    "SW-MAP-009": "The event type of the mapping is probably misspelt",
    "SW-MAP-020": "The file cannot be read",
    "SW-MAP-021": "The file is empty",
    "SW-MAP-022": "No part of the mapping fits the file",
    "SW-MAP-023": "The encoding of the file cannot be told",
    "SW-MAP-024": "A column is missing",
    "SW-MAP-025": "A column header stands twice",
    "SW-MAP-026": "The file has columns that the mapping does not know",
    "SW-MAP-027": "The sheet is missing",
    "SW-MAP-028": "The lookup file cannot be used",
    "SW-MAP-029": "The temporary file for sorting cannot be written",
    "SW-MAP-040": "The row has another number of cells than the header",
    "SW-MAP-041": "The quoting of the row is broken",
    "SW-MAP-042": "The line is too long",
    "SW-MAP-043": "The line is not in the encoding of the file",
    "SW-MAP-044": "A required value is missing",
    "SW-MAP-045": "A date or time cannot be read",
    "SW-MAP-046": "A number cannot be read",
    "SW-MAP-047": "A value is not one of the allowed ones",
    "SW-MAP-048": "The lookup has no such key",
    "SW-MAP-049": "The spreadsheet has lost digits of a long number",
    "SW-MAP-050": "The event of the row has no time",
    "SW-MAP-051": "Two rows make different events with the same id",
    "SW-MAP-052": "The row makes no event",
    "SW-MAP-053": "The currency of the amount is not the declared one",
    # --- settings -----------------------------------------------------------------------------------
    "SW-SET-101": "The mail password is not set",
    "SW-SET-102": "The certificate file of the mail server cannot be used",
    # --- requests -----------------------------------------------------------------------------------
    # --- workspaces ---------------------------------------------------------------------------------
    # --- commands -----------------------------------------------------------------------------------
    # --- streams ------------------------------------------------------------------------------------
}
