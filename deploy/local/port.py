"""Ports of this machine: finding a free one, and saying plainly when one is taken."""

import random

from pulse.diagnosis.network import is_free
from pulse.errors import PulseError

LOOPBACK = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where no outgoing connection can take a port between finding it free and listening on it."""

_GIVEN: set[int] = set()


def free() -> int:
    """A port that nothing listens on, another each time: whoever was given one may not listen yet."""
    for port in random.sample(BELOW_EPHEMERAL, 200):
        if port not in _GIVEN and is_free(LOOPBACK, port):
            _GIVEN.add(port)
            return port
    raise PulseError("no free port between 20000 and 32000: stop some of the programs that listen there")


def demand(port: int, user: str, remedy: str, host: str = LOOPBACK) -> None:
    """Raise PulseError in one sentence, naming `user` and ending with `remedy`, if the port is taken."""
    if not is_free(host, port):
        raise PulseError(
            f"port {port}, on which {user} should listen, is taken: stop the program that uses it or {remedy}"
        )
