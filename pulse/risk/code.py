"""Reason codes: each a sign that may speak against a device, in a group of signs that say the same thing."""

from typing import NamedTuple

from pulse.risk.evidence import Kind

SCORES = ("vpn", "proxy", "tor", "relay", "bot", "tamper")


class Group(NamedTuple):
    """Signs that are not independent: how those of a group are added up.

    The strongest counts whole, each other one for `others` of its weight; together they count for at most `most` nats.
    """

    others: float
    most: float
    is_conduct: bool
    """It says what a device does or pretends; else where it comes from, or what it openly is."""


GROUPS = {
    "access": Group(0, 99, is_conduct=False),
    "network": Group(0, 99, is_conduct=False),
    "geo": Group(0.5, 99, is_conduct=False),
    "leak": Group(0, 99, is_conduct=False),
    "transport": Group(1, 2, is_conduct=False),
    "velocity": Group(1, 3, is_conduct=True),
    "automation": Group(0.3, 99, is_conduct=True),
    "declared": Group(0, 99, is_conduct=False),
    "tamper": Group(1, 6, is_conduct=True),
}


class Code(NamedTuple):
    """A reason: its group and what it says to a reader."""

    group: str
    text: str


CODES = {
    "NET_NOT_ACCESS": Code("access", "not known as a network of homes or phones"),
    "NET_TOR": Code("network", "a Tor exit"),
    "NET_VPN": Code("network", "an exit of a VPN, or an autonomous system of such"),
    "NET_MANY_COUNTRIES": Code("network", "its autonomous system spreads over many countries"),
    "NET_HOSTING": Code("network", "a server's address, or an autonomous system of servers"),
    "NET_RELAY": Code("network", "a privacy relay"),
    "GEO_TIMEZONE": Code("geo", "a time zone of another country"),
    "GEO_CLOCK": Code("geo", "a clock hours away from that country's"),
    "GEO_UTC": Code("geo", "the time zone is UTC itself"),
    "GEO_LANGUAGE": Code("geo", "a language not spoken there"),
    "LEAK_WEBRTC": Code("leak", "WebRTC shows another network"),
    "TCP_TUNNEL": Code("transport", "segments as small as in a tunnel"),
    "TCP_SYSTEM": Code("transport", "the connection's system is not the user agent's"),
    "TCP_RELAYED": Code("transport", "the connection ends before the device"),
    "VEL_IPS": Code("velocity", "many addresses within a day"),
    "VEL_ASNS": Code("velocity", "many autonomous systems within a day"),
    "VEL_COUNTRIES": Code("velocity", "many countries within a day"),
    "VEL_TRAVEL": Code("velocity", "too far to have travelled"),
    "VEL_CROWD": Code("velocity", "more devices at the address than usual"),
    "BOT_SPOOFED": Code("automation", "calls itself a crawler whose addresses are others"),
    "BOT_WEBDRIVER": Code("automation", "a program drives the browser"),
    "BOT_HEADLESS": Code("automation", "a browser without a screen"),
    "BOT_NO_INPUT": Code("automation", "nobody moved, touched or typed"),
    "BOT_CLOCKWORK": Code("automation", "events like clockwork"),
    "BOT_DECLARED": Code("declared", "says that it is a program"),
    "BOT_CRAWLER": Code("declared", "a crawler at its operator's address"),
    "DEV_INCONSISTENT": Code("tamper", "its attributes contradict one another"),
    "DEV_HINTS": Code("tamper", "user agent and client hints contradict each other"),
    "DEV_CHANGED": Code("tamper", "changed what does not change"),
}

HALF_LIVES = {
    "NET_TOR": 14.0,
    "NET_VPN": 90.0,
    "NET_RELAY": 90.0,
    "NET_HOSTING": 365.0,
    "NET_MANY_COUNTRIES": 365.0,
}
"""In how many days half of what a list says has ceased to be so."""

FOREIGN_LAND = 0.25
"""What a wrong time zone or language counts for where the address's country is not the person's: behind a relay or gateway."""
SHARED = 0.5
"""What many addresses count for on phones, whose networks change them."""

FULL: dict[str, float] = {}
RELEVANCE: dict[Kind | None, dict[str, float]] = {
    "relay": {"geo": FOREIGN_LAND},
    "gateway": {"geo": FOREIGN_LAND},
    "mobile": {"VEL_IPS": SHARED, "VEL_CROWD": 0.0, "TCP_TUNNEL": 0.0},
    None: {"geo": FOREIGN_LAND, "VEL_IPS": SHARED, "VEL_CROWD": 0.0, "TCP_TUNNEL": 0.0},
}
"""What a sign counts for on a kind of network, where not in full. What is not known may be the most harmless of all."""
