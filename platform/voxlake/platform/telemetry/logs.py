"""What a program logs, one line an event: JSON for machines, or words for who sits before it.

Modules log by Python's `logging`, with facts as `extra`. Only facts that `FIELDS` names are
written, so that none gets into a log by chance; nothing writes headers, queries or raw paths.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

from voxlake.platform.secrets.redaction import redactor, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from structlog.typing import EventDict, Processor, WrappedLogger

    from voxlake.platform.settings import Settings

FIELDS = (
    "request_id",
    "method",
    "route",
    "status",
    "bytes",
    "seconds",
    "principal",
    "client",
    "cut_off",
    "kind",
)
"""Facts that events may carry."""

TOLD = ("voxlake", "uvicorn")
"""Whose events are written from the level of the settings on; of all others, warnings are.

Clients of HTTP and of databases tell at lower levels what they send, secrets too.
"""


@contextmanager
def written_logs(settings: Settings, stream: TextIO | None = None) -> Iterator[None]:
    """Write what this process logs in the ``with`` block to `stream`, by default to stderr.

    Without settings for it, a terminal gets words, and warnings alone.
    """
    stream = stream or sys.stderr
    terminal = stream.isatty()
    as_json = settings.log_format == "json" if settings.log_format else not terminal
    level = settings.log_level or ("warning" if terminal else "info")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(settings, as_json=as_json, colors=terminal))
    told = [logging.getLogger(name) for name in TOLD]
    before = [logger.level for logger in told]
    logging.getLogger().addHandler(handler)
    for logger in told:
        logger.setLevel(level.upper())
    try:
        yield
    finally:
        for logger, old in zip(told, before, strict=True):
            logger.setLevel(old)
        logging.getLogger().removeHandler(handler)


def _formatter(settings: Settings, *, as_json: bool, colors: bool) -> logging.Formatter:
    redact = redactor(secrets_of(settings))

    def redacted(_logger: WrappedLogger, _method: str, line: str | EventDict) -> str:
        assert isinstance(line, str)
        return redact(line)

    plain = structlog.dev.plain_traceback  # others show the values of variables
    shown: list[Processor] = (
        [format_exc_info, JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    )
    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            ExtraAdder(allow=FIELDS),
            add_log_level,
            add_logger_name,
            TimeStamper(fmt="iso", utc=True),
        ],
        processors=[ProcessorFormatter.remove_processors_meta, *shown, redacted],
    )
