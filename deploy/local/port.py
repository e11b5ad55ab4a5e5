"""Ports of this machine: finding a free one, and saying plainly when one is taken."""

import random
import socket

from pulse.errors import PulseError

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where no outgoing connection can take a port between finding it free and listening on it."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a program could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free() -> int:
    """A port that nothing listens on."""
    for port in random.sample(_BELOW_EPHEMERAL, 200):
        if is_free(port):
            return port
    raise PulseError("no free port between 20000 and 32000: stop some of the programs that listen there")


def demand(port: int, user: str, remedy: str, host: str = "127.0.0.1") -> None:
    """Raise PulseError in one sentence, naming `user` and ending with `remedy`, if the port is taken."""
    if not is_free(port, host):
        raise PulseError(
            f"port {port}, on which {user} should listen, is taken: stop the program that uses it or {remedy}"
        )
