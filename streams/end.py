"""Ending the process when a clean stop is not to be had. All state is in the log, so nothing is lost by it."""

import logging
import os
import threading

STOP_S = 8.0
"""How long a stop may take: what is in flight is repeated by the next start, without effect."""

log = logging.getLogger(__name__)


def at_once(reason: str, code: int = 1) -> None:
    """End now, committing nothing more."""
    log.critical("ending: %s", reason)
    logging.shutdown()
    os._exit(code)


def within(seconds: float, code: int) -> None:
    """End after so many seconds at the latest, whatever still waits for a broker that is away."""
    timer = threading.Timer(seconds, at_once, (f"still not stopped after {seconds:g} s", code))
    timer.daemon = True
    timer.start()
