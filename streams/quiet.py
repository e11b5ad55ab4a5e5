"""Libraries that say too much: aiokafka tells of a broker that is away ten times a second."""

import logging
from time import monotonic

REPEATED_EACH_S = 30.0
LIBRARIES = ("faust", "mode", "aiokafka", "streams.app")
"""`streams.app` because Faust logs the starting of subclasses under the module they stand in."""


class Seldom(logging.Filter):
    """Lets a library's message through once in so many seconds."""

    def __init__(self, each_s: float = REPEATED_EACH_S) -> None:
        super().__init__()
        self._each_s = each_s
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        if not record.name.startswith(LIBRARIES):
            return True
        key, now = (record.name, str(record.msg)), monotonic()
        if now - self._last.get(key, -self._each_s) < self._each_s:
            return False
        self._last[key] = now
        return True


def configure() -> None:
    """Let libraries log warnings and errors, each seldom."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.root.handlers:
        handler.addFilter(Seldom())
