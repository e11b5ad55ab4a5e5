"""What was looked at, and what was not known."""

from functools import lru_cache

from pulse.risk.evidence import OPTIONAL, Evidence, missing

GROUP_OF_FIELD = {
    **dict.fromkeys(("network", "asn", "as_kind", "as_bits"), "network"),
    **dict.fromkeys(("declared_bot", "crawler", "bot_score"), "declared"),
    **dict.fromkeys(("timezone_differs", "timezone_hours", "timezone_utc", "language_differs"), "geo"),
    "webrtc_differs": "leak",
    **dict.fromkeys(("tunnel_mss", "tcp_os_differs", "rtt_ratio"), "transport"),
    **dict.fromkeys(("ips", "asns", "countries", "sessions", "asn_changed", "impossible_travel", "crowd"), "velocity"),
    **dict.fromkeys(("webdriver", "headless", "no_input", "regular_timing"), "automation"),
    **dict.fromkeys(("hints_differ", "inconsistencies", "immutable_changed"), "tamper"),
}


def looked(evidence: Evidence) -> tuple[int, tuple[str, ...]]:
    """How many groups of signs were looked at, and the names of what is not known."""
    absent = missing(evidence)
    return _groups(absent), absent


@lru_cache(maxsize=4096)
def _groups(absent: tuple[str, ...]) -> int:
    return len({GROUP_OF_FIELD[name] for name in OPTIONAL if name not in absent})
