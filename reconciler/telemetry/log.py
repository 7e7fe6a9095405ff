"""Sets up structlog once for a process.

Own loggers write directly; records of libraries (asyncio, watchfiles, pyghmi) pass through the
same processors by way of the standard library's root logger.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


class LogFormat(enum.Enum):
    """How lines look."""

    CONSOLE = "console"
    JSON = "json"


def configure(
    stream: TextIO,
    *,
    log_format: LogFormat,
    level: int = logging.INFO,
    colours: bool = False,
    redact: Callable[[str], str],
) -> None:
    """Send every log line of this process to ``stream``.

    Args:
        stream: where lines go; each is written and flushed at once.
        log_format: for people or for machines.
        level: lines below it are dropped.
        colours: only for the console format, on a terminal.
        redact: cuts secrets out of every text value.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redacting(redact),
    ]
    renderer = _renderer(log_format, colours=colours)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger of this process."""
    found: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return found


def _renderer(log_format: LogFormat, *, colours: bool) -> list[Processor]:
    if log_format is LogFormat.JSON:
        return [
            # show_locals would print the passwords that are in local variables.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _redacting(redact: Callable[[str], str]) -> Processor:
    def process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: _clean(value, redact) for key, value in event.items()}

    return process


def _clean(value: object, redact: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, redact) for item in value]
    return value
