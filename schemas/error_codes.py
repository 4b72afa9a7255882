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
    # --- mappings -----------------------------------------------------------------------------------
    # --- settings -----------------------------------------------------------------------------------
    # --- requests -----------------------------------------------------------------------------------
    # --- workspaces ---------------------------------------------------------------------------------
    # --- commands -----------------------------------------------------------------------------------
    # --- streams ------------------------------------------------------------------------------------
}
