"""Addresses that may hold a password: what is wrong with one is told without a word of it."""

from urllib.parse import urlsplit

from pulse.errors import SettingError

WHOLE = "write it as http://USER:PASSWORD@HOST:PORT/DATABASE"
ESCAPED = "with / as %2F, # as %23, ? as %3F and @ as %40 in user and password"


def demand(setting: str, url: str, whole: str = WHOLE) -> None:
    """Raise SettingError, naming the setting, unless the address can be read and names a host."""
    fault = fault_of(url)
    if fault:
        raise SettingError(f"{setting}: {fault}: {whole}, {ESCAPED}")


def fault_of(url: str) -> str:
    """What is wrong with an address; empty if it can be read and names a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "its host is none"
    try:
        _ = parts.port
    except ValueError:
        return "its port is no number up to 65535"
    return "" if parts.hostname else "it names no host"
