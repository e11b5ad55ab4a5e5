"""Whose request it is: the visitor's address and country, as far as the proxies in between are trusted."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from api.collector.header import remembered
from pulse.errors import SettingError

COUNTRY = re.compile(r"[A-Za-z]{2}\Z")
NO_COUNTRIES = frozenset({"XX", "T1"})
"""What proxies write for an unknown place, and for Tor."""

_PORT = re.compile(r"^\[(.+)\](?::\d+)?$|^([^:]+):\d+$")


@dataclass(frozen=True, eq=False)
class Proxies:
    """The networks of the proxies that are trusted. Not compared by value: it is looked up for each request."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def trust(self, address: IPv4Address | IPv6Address | None) -> bool:
        """Whether an address is one of theirs."""
        return address is not None and any(address in network for network in self.networks)


def proxies(listed: str) -> Proxies:
    """The proxies of a setting, networks separated by commas; raises SettingError for what is none."""
    try:
        return Proxies(tuple(ip_network(each.strip(), strict=False) for each in listed.split(",") if each.strip()))
    except ValueError as error:
        raise SettingError(f"PULSE_TRUSTED_PROXIES: {error}") from None


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port, an IPv4 one also where it is written as IPv6; None for anything else."""
    with_port = _PORT.match(text.strip())
    bare = (with_port[1] or with_port[2]) if with_port else text.strip()
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


@lru_cache(4096)
def is_trusted(peer: str, trusted: Proxies) -> bool:
    """Whether a connection comes from a trusted proxy, so that its headers are believed."""
    return trusted.trust(address(peer))


@remembered(8192, by=1)
def visitor_address(peer: str, forwarded: str, trusted: Proxies) -> str:
    """The visitor's address: the nearest hop that is no trusted proxy, read from X-Forwarded-For's end.

    What stands before that hop was written by the visitor, and means nothing.
    """
    nearest = address(peer)
    for hop in reversed(forwarded.split(",") if forwarded else ()):
        found = address(hop)
        if found is None or not trusted.trust(nearest):
            break
        nearest = found
    return str(nearest) if nearest is not None else ""


def country(text: str) -> str | None:
    """The country that a proxy's header names, None if it names none."""
    return text.upper() if COUNTRY.match(text) and text.upper() not in NO_COUNTRIES else None
