"""Structured logs: one JSON object per line on standard output, and no secret in any of them.

Kopf, aiohttp and the official client log through the standard library, so everything meets in one handler, and the
redaction is its last step: it sees tracebacks and other people's messages as well as our own.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"

SECRET_KEYS = re.compile(r"(?i)authorization|token|passw|secret|credential|private.?key|api.?key|cookie")
SECRET_TEXT = re.compile(
    r"""(?xi)
    (?<=bearer\ ) [^\s"']+                                    # an Authorization header's value
    | eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                          # a JSON web token, wherever it stands
    | (?<=://) [^/\s:@"']+ : [^/\s@"']+ (?=@)                  # user and password of a URL
    | (?<=[?&]) (?: [\w-]*(?:token|sig|signature|key|secret|password|credential)[\w-]* ) = [^&\s"']+
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    """,
    re.DOTALL,
)

Entry = MutableMapping[str, Any]


def redacted(value: Any, key: str = "") -> Any:
    """The value without secrets: whole where its key names one, else whatever looks like one in its text."""
    if key and SECRET_KEYS.search(key) and isinstance(value, str | bytes):
        return REDACTED
    if isinstance(value, str):
        return SECRET_TEXT.sub(REDACTED, value)
    if isinstance(value, bytes):
        return redacted(value.decode(errors="replace"))
    if isinstance(value, MutableMapping):
        return {name: redacted(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return SECRET_TEXT.sub(REDACTED, str(value))


def redact(_: Any, __: str, entry: Entry) -> Entry:
    """A structlog processor."""
    return {name: redacted(value, name) for name, value in entry.items()}


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger of the process through one JSON handler; `level` is debug, info, warning or error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The framework tells each event at DEBUG and each stop of a stream at INFO; only its warnings are for people.
    for noisy in ("kopf", "asyncio", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING if level != "debug" else logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
