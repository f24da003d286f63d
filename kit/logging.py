"""Structured logs with redaction: no phone number, secret or token leaves through a log line."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from kit.settings import Settings

_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-fA-F]{64}\b"), "<secret>"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 <secret>"),
    (re.compile(r"\bws_CO_[A-Za-z0-9_]+"), "ws_CO_<masked>"),  # ends in the payer's number
    (re.compile(r"(?<![0-9A-Za-z-])\+?([0-9]{3})[0-9]{5,9}([0-9]{2})(?![0-9A-Za-z-])"), r"\1*****\2"),
)
_SECRET_NAMES = re.compile(r"(?i)secret|password|passkey|token|authorization|pin$|credential|grant")


def redact(text: str) -> str:
    """The text with phone numbers masked and secrets removed."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    for name, value in event.items():
        if name in ("timestamp", "level"):
            continue
        if _SECRET_NAMES.search(name) and name != "event":
            event[name] = "<secret>"
        elif isinstance(value, str):
            event[name] = redact(value)
        elif value is not None and not isinstance(value, (int, float, bool)):
            event[name] = redact(str(value))
    return event


def configure_logging(process: str, settings: Settings) -> None:
    """Lines for a person or JSON, as the settings say; INFO and above, to standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.logs_are_json
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
        renderer,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
