"""Ending a process, also where a clean stop is not to be had. All state is in the log, so nothing is lost by it."""

import logging
import os
import signal
import threading
from collections.abc import Callable

STOP_S = 5.0
"""How long a stop may take: what is in flight is repeated by the next start, without effect."""

LEAVING_S = 2.0
"""How long a group may take to be told that a member leaves: only a broker that is away takes longer."""

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


def when_asked(stop: Callable[[], object], seconds: float) -> None:
    """At SIGTERM or SIGINT call `stop` from a thread of its own, and end with 0 after so many seconds at the latest.

    A handler in Python would wait for as long as the main thread waits in librdkafka, up to a minute. To be called
    from the main thread.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        while os.read(told, 1):
            stop()
            within(seconds, 0)

    threading.Thread(target=wait, name="asked to stop", daemon=True).start()


def briefly(do: Callable[[], object], seconds: float = LEAVING_S) -> bool:
    """Do what would be good to have done, for no longer than so many seconds; whether it came to its end."""
    done = threading.Thread(target=do, name="leaving", daemon=True)
    done.start()
    done.join(seconds)
    return not done.is_alive()
