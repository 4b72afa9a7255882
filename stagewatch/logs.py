"""Structured logs: one JSON object per line (or colours for people), with ids, without secrets.

Set up once by the composition root; everybody else says `structlog.get_logger(name)`. Records of the standard
library's logging go the same way.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

HIDDEN: Final = "***"
LEAST_SECRET: Final = 8
MOST_REPEATS: Final = 5
REPEATS_SECONDS: Final = 10.0
MOST_KINDS: Final = 1000
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|authorization|cookie|api_?key|credential|private_?key", re.IGNORECASE
)
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"/d/[\w.-]{8,}"), f"/d/{HIDDEN}"),
    (re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
)


class Redactor:
    """Hides secrets: values under telling names, bearer tokens, link tokens, passwords in addresses, and the
    given secrets wherever they stand.

    >>> Redactor(["s3cret-value"])(None, "info", {"event": "s3cret-value of x", "password": "y"})
    {'event': '*** of x', 'password': '***'}
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= LEAST_SECRET}, key=len, reverse=True)

    def __call__(self, logger: object, method: str, record: MutableMapping[str, Any]) -> EventDict:
        """A structlog processor."""
        return {name: self._value(name, value) for name, value in record.items()}

    def _value(self, name: str, value: Any) -> Any:
        if _SECRET_NAME.search(name) and value not in (None, True, False):
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(n): self._value(str(n), v) for n, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value("", v) for v in value]
        return value

    def text(self, text: str) -> str:
        """The text with every secret hidden."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, instead in _SECRET_TEXT:
            text = pattern.sub(instead, text)
        return text


class Repeats(logging.Filter):
    """Lets few lines of a kind of the library `name` pass in a while; the next one that passes says how many
    did not. A kind is its logger and its text before the values are put in: a client of Kafka without a
    broker says the same hundreds of times a second.

    >>> line = logging.makeLogRecord({"name": "aiokafka.conn", "msg": "no broker", "created": 0.0})
    >>> repeats = Repeats("aiokafka")
    >>> sum(repeats.filter(line) for _ in range(1000)) == MOST_REPEATS
    True
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        if not super().filter(record):
            return True
        kind = (record.name, str(record.msg))
        begun, count = self._seen.get(kind, (record.created, 0))
        if record.created - begun >= REPEATS_SECONDS:
            begun, left_out, count = record.created, count - MOST_REPEATS, 0
            if left_out > 0:
                record.msg, record.args = f"{record.getMessage()} ({left_out} more like it before)", ()
        if len(self._seen) >= MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = (begun, count + 1)
        return count < MOST_REPEATS


def configure_logs(
    style: Literal["json", "console"] = "json",
    level: Literal["debug", "info", "warning", "error"] = "info",
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the process; may be called again. `secrets` are values to hide wherever they
    appear.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                Redactor(secrets),
                structlog.processors.EventRenamer("message"),
                *_renderer(style),
            ],
        )
    )
    handler.addFilter(Repeats("aiokafka"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)


def _renderer(style: Literal["json", "console"]) -> list[Processor]:
    if style == "console":
        return [structlog.dev.ConsoleRenderer(event_key="message", timestamp_key="time")]
    return [structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
