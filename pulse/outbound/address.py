"""Which addresses may be called: those of the public internet, and those of networks that are allowed by name."""

from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from pulse.errors import PulseError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL = (
    ("0.0.0.0/8", "this machine"),
    ("10.0.0.0/8", "private"),
    ("100.100.100.200/32", "a cloud's metadata"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "this machine"),
    ("168.63.129.16/32", "a cloud's metadata"),
    ("169.254.169.254/32", "a cloud's metadata"),
    ("169.254.170.0/24", "a cloud's metadata"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "this machine"),
    ("::1/128", "this machine"),
    ("64:ff9b:1::/48", "private"),
    ("fd00:ec2::254/128", "a cloud's metadata"),
    ("fd20:ce::254/128", "a cloud's metadata"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "a tunnel"),
    ("2620:4f:8000::/48", "reserved"),
    ("3fff::/20", "for documentation"),
)
"""IANA's registries of special-purpose addresses, and where clouds tell machines their credentials."""

GLOBAL = IPv6Network("2000::/3")
"""All that IANA has given out of IPv6 for the internet."""
TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last 32 bits are the IPv4 address that is reached."""
_ISATAP = (0x00005EFE, 0x02005EFE)


class Refused(PulseError):
    """An address that Pulse does not call; the message says why."""


class NoAddress(Refused):
    """A name that leads nowhere, now."""


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as `10.0.0.0/8, fd00::/8`; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Why an address may not be called: of which kind it is; None if it may.

    An IPv4 address within an IPv6 one is judged as itself. ISATAP puts one behind any network, which is judged too.
    """
    inner = embedded(address)
    if inner is None:
        return _kind(address, allowed)
    is_behind = isinstance(address, IPv6Address) and address not in TRANSLATED and address.ipv4_mapped is None
    return refusal(inner, allowed) or (_kind(address, allowed) if is_behind else None)


def _kind(address: Address, allowed: Sequence[Network]) -> str | None:
    if any(address in network for network in allowed):
        return None
    kind = next((kind for network, kind in _special() if address in network), None)
    if kind is None and isinstance(address, IPv6Address) and address not in GLOBAL:
        return "reserved"
    return kind


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for (mapped, NAT64, ISATAP), None if it stands for itself."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    if address in TRANSLATED or (number >> 32 & 0xFFFFFFFF) in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return address.ipv4_mapped


@cache
def _special() -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(text), kind) for text, kind in SPECIAL)
