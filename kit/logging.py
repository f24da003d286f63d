"""Structured logs with redaction: no phone number, secret or token leaves through a log line."""

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
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

    def name_the_process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        event["process"] = process  # not by a context variable: threads would not have it
        return event

    processors: list[Any] = [
        name_the_process,
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
    _take_over()


class _Library(logging.Handler):
    """What libraries log, as lines like our own."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _take_over() -> None:
    """Nothing is written past the redaction: not by a library, not by a thread that fails."""
    root = logging.getLogger()
    root.handlers = [_Library()]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    log = structlog.get_logger()

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        name = failed.thread.name if failed.thread is not None else "?"
        log.error("a thread failed", thread=name, exc_info=failed.exc_value)

    def at_last(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
        log.critical("the process failed", exc_info=error)

    threading.excepthook = in_thread
    sys.excepthook = at_last
