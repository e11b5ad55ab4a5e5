"""From evidence to signs: which reason codes hold, and how strongly. What is missing is no sign."""

from math import log2

from pulse.risk.code import FULL, RELEVANCE
from pulse.risk.evidence import Evidence

Signs = dict[str, float]
"""The strength of each code that holds."""

LEAST_BITS = 1.0
MOST_BITS = 3.0
FIRST_BITS = 0.25
"""Spread over countries counts from one bit on, up to three, less a quarter (1.6·min(H, 3) − 0.4 = 1.6·(min(H, 3) − ¼))."""
CLOCK_HOURS = 1.5
RELAYED_RATIO = 0.3
MOST_RULES = 3

NO_ACCESS = ("unknown", "hosting", "vpn", "tor")
LISTED = {"hosting": "NET_HOSTING", "vpn": "NET_VPN", "tor": "NET_TOR", "relay": "NET_RELAY"}
OF_AS = {"hosting": ("NET_HOSTING",), "vpn": ("NET_VPN", "NET_HOSTING")}
"""What a system is known to be counts as if each of its ranges were listed, and a VPN's exits are servers: those of one
provider are told alike."""


def signs_of(evidence: Evidence) -> Signs:
    """The signs that hold, in the order of their groups."""
    found: Signs = {}
    relevance = RELEVANCE.get(evidence.network, FULL)
    if evidence.network is not None:
        _network(evidence, found)
    if evidence.consent:
        _geo(evidence, relevance.get("geo", 1.0), found)
        _connection(evidence, relevance, found)
        _velocity(evidence, relevance, found)
        _automation(evidence, found)
    if evidence.declared_bot:
        found["BOT_DECLARED"] = 1.0
    if evidence.crawler == "verified" or evidence.network == "crawler":
        found["BOT_CRAWLER"] = 1.0
    if evidence.crawler == "spoofed":
        found["BOT_SPOOFED"] = 1.0
    _tamper(evidence, found)
    return found


def _network(evidence: Evidence, found: Signs) -> None:
    kind = evidence.network
    listed = LISTED.get(kind or "")
    if listed:
        found[listed] = 1.0
    if kind not in NO_ACCESS:
        return
    found["NET_NOT_ACCESS"] = 1.0
    for known in OF_AS.get(evidence.as_kind or "", ()):
        found[known] = 1.0
    bits = evidence.as_bits
    if bits is not None and bits >= LEAST_BITS:
        found["NET_MANY_COUNTRIES"] = min(bits, MOST_BITS) - FIRST_BITS


def _geo(evidence: Evidence, counts: float, found: Signs) -> None:
    if evidence.timezone_differs:
        found["GEO_TIMEZONE"] = counts
    if evidence.timezone_hours is not None and evidence.timezone_hours >= CLOCK_HOURS:
        found["GEO_CLOCK"] = counts
    if evidence.timezone_utc:
        found["GEO_UTC"] = counts
    if evidence.language_differs:
        found["GEO_LANGUAGE"] = counts


def _connection(evidence: Evidence, relevance: Signs, found: Signs) -> None:
    if evidence.webrtc_differs:
        found["LEAK_WEBRTC"] = 1.0
    if evidence.tunnel_mss:
        found["TCP_TUNNEL"] = relevance.get("TCP_TUNNEL", 1.0)
    if evidence.tcp_os_differs:
        found["TCP_SYSTEM"] = 1.0
    if evidence.rtt_ratio is not None and evidence.rtt_ratio < RELAYED_RATIO:
        found["TCP_RELAYED"] = 1.0


def _velocity(evidence: Evidence, relevance: Signs, found: Signs) -> None:
    if evidence.ips is not None and evidence.ips > 1:
        found["VEL_IPS"] = log2(evidence.ips) * relevance.get("VEL_IPS", 1.0)
    if evidence.asns is not None and evidence.asns > 1:
        found["VEL_ASNS"] = log2(evidence.asns)
    if evidence.countries is not None and evidence.countries > 1:
        found["VEL_COUNTRIES"] = log2(evidence.countries)
    if evidence.impossible_travel:
        found["VEL_TRAVEL"] = 1.0
    if evidence.crowd is not None and evidence.crowd > 1:
        found["VEL_CROWD"] = log2(evidence.crowd) * relevance.get("VEL_CROWD", 1.0)


def _automation(evidence: Evidence, found: Signs) -> None:
    if evidence.webdriver:
        found["BOT_WEBDRIVER"] = 1.0
    if evidence.headless:
        found["BOT_HEADLESS"] = 1.0
    if evidence.no_input:
        found["BOT_NO_INPUT"] = 1.0
    if evidence.regular_timing:
        found["BOT_CLOCKWORK"] = 1.0


def _tamper(evidence: Evidence, found: Signs) -> None:
    if evidence.hints_differ:
        found["DEV_HINTS"] = 1.0
    if not evidence.consent:
        return
    if evidence.inconsistencies:
        found["DEV_INCONSISTENT"] = float(min(evidence.inconsistencies, MOST_RULES))
    if evidence.immutable_changed:
        found["DEV_CHANGED"] = 1.0
