"""The errors of Stagewatch. Each has a code, a place, expected against found, and the next step.

::

    StagewatchError
    ├── EventError       SW-EVENT   a record that is not an event we can read
    ├── RuleError        SW-RULE    a rule, condition or duration that cannot be compiled
    ├── MappingError     SW-MAP     a source's record that cannot be mapped to events
    ├── SettingsError    SW-SET     settings that cannot be read or do not fit together
    ├── RequestError     SW-REQ     a request to the web API that is refused
    ├── WorkspaceError   SW-WS      a workspace on disk that cannot be opened or written
    ├── CommandError     SW-CMD     a command that cannot be carried out
    └── StreamError      SW-STREAM  a runtime, store or broker that cannot go on

Codes and their titles are in ``schemas.error_codes``. Nothing here reads files or prints.
"""

from __future__ import annotations

from schemas.error_codes import CODES

FOUND_LIMIT = 160
MESSAGE_LIMIT = 500


def escape(text: str) -> str:
    """The text with everything that a terminal or log would not print as itself written as an escape.

    >>> escape("a\\nb")
    'a\\\\nb'
    """
    if text.isprintable():
        return text
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode("ascii") for ch in text)


def shorten(text: str, limit: int) -> str:
    """The escaped text, cut to at most ``limit`` characters before escaping, with the length when cut."""
    if len(text) <= limit:
        return escape(text)
    return f"{escape(text[:limit])}… ({len(text)} characters)"


def show(value: object, limit: int = FOUND_LIMIT) -> str:
    """A value found in an input, made safe and short for an error: JSON-like, escaped, truncated.

    >>> show(True), show(None), show("x")
    ('true', 'null', '"x"')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{shorten(value, limit)}"'
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    return shorten(str(value), limit)


class StagewatchError(Exception):
    """Base of all coded errors.

    Args:
        code: a key of ``CODES``; an unknown one raises KeyError, so a typing slip is found at once.
        message: one sentence; the code's title when empty.
        place: where, e.g. ``deals.jsonl:17: data.amount``.
        expected: what would have been right.
        found: what was there, see ``show``; control characters are escaped and long text is cut.
        next_step: what the reader can do now.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        place: str = "",
        expected: str = "",
        found: str = "",
        next_step: str = "",
    ) -> None:
        self.code = code
        self.title = CODES[code]
        self.message = shorten(message, MESSAGE_LIMIT) if message else self.title
        self.place = shorten(place, MESSAGE_LIMIT)
        self.expected = shorten(expected, MESSAGE_LIMIT)
        self.found = shorten(found, MESSAGE_LIMIT)
        self.next_step = shorten(next_step, MESSAGE_LIMIT)
        super().__init__(code, self.message)

    def to_dict(self) -> dict[str, str]:
        """All fields as text, for JSON answers, logs and dead-letter records; empty fields are left out."""
        fields = {
            "code": self.code,
            "title": self.title,
            "message": self.message,
            "place": self.place,
            "expected": self.expected,
            "found": self.found,
            "next_step": self.next_step,
        }
        return {name: text for name, text in fields.items() if text}

    def __str__(self) -> str:
        """Several short lines: code and message, then place, expected, found and the next step."""
        lines = [f"{self.code}: {self.message}"]
        rest = (
            ("at", self.place),
            ("expected", self.expected),
            ("found", self.found),
            ("next", self.next_step),
        )
        return "\n".join(lines + [f"  {label + ':':<10}{text}" for label, text in rest if text])


class EventError(StagewatchError):
    """A record is not an event that can be read."""


class RuleError(StagewatchError):
    """A rule, a condition or a duration cannot be compiled."""


class MappingError(StagewatchError):
    """A source's record cannot be mapped to events."""


class SettingsError(StagewatchError):
    """Settings cannot be read or do not fit together."""


class RequestError(StagewatchError):
    """A request to the web API is refused."""


class WorkspaceError(StagewatchError):
    """A workspace on disk cannot be opened or written."""


class CommandError(StagewatchError):
    """A command cannot be carried out."""


class StreamError(StagewatchError):
    """A runtime, a store or the broker cannot go on."""
