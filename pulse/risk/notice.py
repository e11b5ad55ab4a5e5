"""What is told of a session of which much speaks against: once, with why."""

from collections.abc import Iterable
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from pulse.notice import Notice
from pulse.risk.code import CODES

FAMILY = "risk."
HIGH = FAMILY + "high"
NAMED = frozenset((FAMILY.rstrip("."), HIGH))
SEVERITIES = {"high": "warning", "critical": "critical"}


class Suspect(NamedTuple):
    """A session, and its first event of a high risk; `received` and `at` are ms since the epoch, `risk` is the highest so far."""

    who: str
    received: int
    at: int
    session_id: str
    visitor_id: str
    event: str
    path: str
    country: str
    network: str
    asn: int
    risk: int
    band: str
    confidence: str
    reasons: tuple[str, ...]
    rules: str


def is_asked(kinds: Iterable[str]) -> bool:
    """Whether an endpoint that names kinds is told of it."""
    return not NAMED.isdisjoint(kinds)


def notice_of(site_id: str, suspect: Suspect, left_out: int = 0) -> Notice:
    """The notice of a session; its id follows from site and session, so that it is one notice however often it is made.

    `left_out` is how many sessions after it, of its quarter of an hour, are not told of.
    """
    data = {
        "title": f"{site_id}: a session of {suspect.band} risk",
        "reason": f"risk {suspect.risk}: {_words(suspect.reasons)}",
        "severity": SEVERITIES.get(suspect.band, "warning"),
        "session_id": suspect.session_id,
        "visitor_id": suspect.visitor_id,
        "event": suspect.event,
        "path": suspect.path,
        "country": suspect.country,
        "network": suspect.network,
        "asn": suspect.asn,
        "risk": suspect.risk,
        "risk_band": suspect.band,
        "risk_confidence": suspect.confidence,
        "risk_reasons": list(suspect.reasons),
        "risk_rules": suspect.rules,
    }
    if left_out:
        data["left_out"] = left_out
    named = f"{site_id}\0{suspect.who}"
    return Notice(id=f"risk-{xxh3_128_hexdigest(named.encode())}", kind=HIGH, site_id=site_id, at=suspect.at, data=data)


def _words(codes: tuple[str, ...]) -> str:
    return "; ".join(CODES[code].text if code in CODES else code for code in codes) or "no reasons are told"
