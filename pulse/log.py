"""Logging: one JSON object a line on standard error, never a secret, never a line per event."""

import logging
import sys
from datetime import UTC, datetime

from msgspec import json

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and whatever `extra` brought."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.encode(line, enc_hook=str).decode()


def configure(level: str = "INFO") -> None:
    """Make every logger of this process write JSON lines to standard error."""
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[writer], force=True)
