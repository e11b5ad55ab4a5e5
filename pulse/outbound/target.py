"""An address as a user writes it, taken apart once: what is checked is what is called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from pulse.outbound.address import Address, Network, Refused, refusal

LONGEST = 2_000
PORTS = {"http": 80, "https": 443}

_UNWANTED = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ESCAPED = re.compile(r"(?:[!$&-;=?-Z_a-z~\[\]@]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True)
class Target:
    """Where to send: `host` is a name in ASCII or an address without brackets; `path` begins with / and holds the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The host where it is an address, None where it is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """Host and port as the header Host names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Take an address apart; raises Refused for what is none, and for addresses that may not be called."""
    parts = _parts(url)
    host, port = parts.hostname or "", parts.port
    if "@" in parts.netloc:
        raise Refused("must not hold a user or a password; send them in a header")
    if not host or port == 0:
        raise Refused("names no host, or a port that is none")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.startswith("/") or _ESCAPED.fullmatch(path) is None:
        raise Refused("holds characters that must be written as %XX")
    found = Target(parts.scheme, _host(host, "[" in parts.netloc), port or PORTS[parts.scheme], path)
    if found.address is not None:
        demand([found.address], allowed)
    return found


def _parts(url: str) -> SplitResult:
    if len(url) > LONGEST:
        raise Refused(f"must not be longer than {LONGEST:,} characters")
    if _UNWANTED.search(url):
        raise Refused("must not hold spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused(f"is not an address: {error}") from None
    if parts.scheme not in PORTS:
        raise Refused("must begin with https:// or http://")
    return parts


def demand(addresses: Sequence[Address], allowed: Sequence[Network], is_named: bool = False) -> None:
    """Raise Refused unless all of a host's addresses may be called.

    Of a host that is a name it is told of which kind the address is, not the address: who sees the error is not to
    learn where things are in the network around.
    """
    for address in addresses:
        kind = refusal(address, allowed)
        if kind is not None:
            what = f"an address that is {kind}" if is_named else f"{address}, which is {kind}"
            raise Refused(f"leads to {what}: PULSE_WEBHOOK_ALLOW lists the networks that may be called all the same")


def _host(host: str, bracketed: bool) -> str:
    if bracketed:
        return _ipv6(host)
    if "%" in host:
        raise Refused("must not hold escapes in the host")
    name = _ascii(host).removesuffix(".")
    if _NUMERIC.fullmatch(name.rpartition(".")[2]):
        return _ipv4(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise Refused("names a host that cannot be")
    return name


def _ipv6(host: str) -> str:
    if "%" in host:
        raise Refused("must not hold a zone")
    try:
        return str(IPv6Address(host))
    except ValueError as error:
        raise Refused(f"is not an address: {error}") from None


def _ipv4(name: str) -> str:
    """Only four decimal numbers: programs disagree on what other forms (octal, hexadecimal, fewer parts) lead to."""
    try:
        return str(IPv4Address(name))
    except ValueError:
        raise Refused("names an IPv4 address in another form than four decimal numbers") from None


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode().lower() if not host.isascii() else host.lower()
    except UnicodeError:
        raise Refused("names a host that cannot be") from None
