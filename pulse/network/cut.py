"""An address cut to its network, which is all that is kept of it."""

from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from pulse.network.finder import address_of

KEPT_BITS = {4: 24, 6: 48}
"""How much of an address is kept."""
KEPT_TUNNEL_BITS = 40
"""How much of one in 2002::/16 (6to4, RFC 3056): the 32 bits after the first 16 are an address of version 4."""
TUNNEL = b"\x20\x02"
MAPPED = bytes(10) + b"\xff\xff"
"""What an address of version 4 begins with when it is written as one of version 6."""


def network_of(text: str) -> str | None:
    """The network of an address; None for what is none. The system's own functions tell it of nearly all, and soon."""
    try:
        if ":" not in text:
            inet_pton(AF_INET, text)
            return text[: text.rindex(".")] + ".0"
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return parsed_network_of(text)
    if packed.startswith(MAPPED):
        return inet_ntop(AF_INET, packed[12:15] + b"\0")
    if packed.startswith(TUNNEL):
        return inet_ntop(AF_INET6, packed[:5] + bytes(11))
    return inet_ntop(AF_INET6, packed[:6] + bytes(10))


def parsed_network_of(text: str) -> str | None:
    """The network of an address in any form that Python knows; None for what is none."""
    address = address_of(text)
    if address is None:
        return None
    hidden = hidden_bits(address)
    return str(type(address)(int(address) >> hidden << hidden))


def last_of(network: str) -> str:
    """The last address of what an address was cut to; the text itself for what is no address."""
    first = address_of(network)
    if first is None:
        return network
    return str(type(first)(int(first) | (1 << hidden_bits(first)) - 1))


def hidden_bits(address: IPv4Address | IPv6Address) -> int:
    """How many bits at the end of an address are not kept."""
    is_tunnel = address.version == 6 and address.packed.startswith(TUNNEL)
    return address.max_prefixlen - (KEPT_TUNNEL_BITS if is_tunnel else KEPT_BITS[address.version])
