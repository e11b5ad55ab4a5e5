"""Where processes listen: whether PULSE_HOST is an address of this machine at all."""

import socket
from contextlib import closing

from pulse.errors import SettingError


def demand(host: str) -> None:
    """Raise SettingError unless this machine can listen on `host`, be its ports free or not."""
    fault = fault_of(host)
    if fault:
        raise SettingError(
            f"PULSE_HOST: {host} {fault}: set it to 127.0.0.1, to 0.0.0.0 for every address of this machine, or to one of these"
        )


def fault_of(host: str) -> str:
    """What is wrong with a host to listen on; empty if nothing is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host or None, 0, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        return "cannot be resolved to an address"
    with closing(socket.socket(family)) as attempt:
        try:
            attempt.bind((host, 0))
        except OSError:
            return "is no address of this machine"
    return ""
