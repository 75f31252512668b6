"""Structured logs on standard error: ids and figures, never a customer's words or data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from host.settings import LogOptions

# Keys whose values are customers' words or personal data, whoever logs them.
PRIVATE = frozenset(
    {"text", "body", "content", "message_text", "payload", "entities", "facts", "slots"}
    | {"address", "sender", "sender_name", "customer", "name", "email", "mail", "phone"}
    | {"street", "postal_code", "city", "subject", "remote", "peer"}
)
_OURS = ("bot", "plugins")


def configure(options: LogOptions) -> None:
    """Send the records of all loggers, structlog's and the standard library's, the same way."""
    as_json = not sys.stderr.isatty() if options.as_json is None else options.as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(keep_private)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                short_trace,
                drop_private,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.level.upper())


def keep_private(record: logging.LogRecord) -> bool:
    """Keep values out of libraries' records.

    aiohttp's arguments hold the caller's address, asyncio's second line an exception's text.
    """
    if not record.name.startswith(_OURS) and isinstance(record.msg, str):
        record.msg, record.args = record.msg.split("\n", 1)[0], ()
    return True


def drop_private(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every value whose name says that it is private."""
    for key in PRIVATE & event.keys():
        del event[key]
    return event


def short_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put kind and places in the place of an exception: its text may quote a customer."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["at"] = _places(error.__traceback__)
    return event


def _places(trace: TracebackType | None, most: int = 6) -> str:
    frames = traceback.extract_tb(trace)[-most:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
