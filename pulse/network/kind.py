"""The words for kinds of networks, for kinds of bots, and for what an address says of a crawler's claim."""

from enum import StrEnum


class Kind(StrEnum):
    """What a network is for. The order is that of precedence: where two sources differ, the earlier word stands."""

    tor = "tor"
    """An exit of Tor."""
    relay = "relay"
    """A relay that keeps the country and hides the address, such as Apple's."""
    vpn = "vpn"
    """An exit of a VPN."""
    gateway = "gateway"
    """A company's way out through a security service: people at work."""
    crawler = "crawler"
    """The machines of a crawler that names itself."""
    hosting = "hosting"
    """Servers: clouds, hosters, content networks."""
    mobile = "mobile"
    """Phones, many behind an address."""
    eyeball = "eyeball"
    """Homes and offices."""
    unknown = "unknown"
    """There are data, and they say nothing of it. Where there are no data, the word is empty."""


class BotKind(StrEnum):
    """What a bot is for."""

    search = "search"
    ai = "ai"
    preview = "preview"
    monitor = "monitor"
    seo = "seo"
    ads = "ads"
    feed = "feed"
    archive = "archive"
    research = "research"
    scanner = "scanner"
    automation = "automation"
    library = "library"
    other = "other"


class Claim(StrEnum):
    """What its address says of who calls itself a known crawler; empty where neither is certain."""

    verified = "verified"
    """It lies in the ranges of that crawler."""
    spoofed = "spoofed"
    """It lies in none of the autonomous systems that the crawler comes from."""


PRECEDENCE = {kind: place for place, kind in enumerate(Kind)}


def stronger(one: Kind, other: Kind) -> Kind:
    """That of two kinds which has precedence."""
    return min(one, other, key=PRECEDENCE.__getitem__)
