"""The rule set `pulsegate-v1`: published points for a VPN (0 to 24), engagement and lead suspicion (0 to 100 each).

Source: PulseGate's documentation, pages VPN Detection, Engagement Scoring and Fraud & Suspicion Detection.
"""

from typing import NamedTuple

from msgspec import Struct

from pulse.risk.evidence import Evidence, permitted
from pulse.risk.looked import looked
from pulse.risk.verdict import Reason, Score, Verdict, band_of

NAME = "pulsegate-v1"
VERSION = "1"
MOST_VPN_POINTS = 24
HOSTING_ASNS = frozenset(
    (
        *(16509, 14618),  # AWS
        *(15169, 396982),  # Google Cloud
        8075,  # Microsoft Azure
        14061,  # DigitalOcean
        20473,  # Vultr
        63949,  # Linode
        *(24940, 213230),  # Hetzner
        16276,  # OVH
        13335,  # Cloudflare
        *(20940, 16625),  # Akamai
        9009,  # M247
        174,  # Cogent
        6939,  # Hurricane Electric
        *(132203, 45090),  # Tencent Cloud
        *(45102, 37963),  # Alibaba Cloud
    )
)
"""The providers that the rules name; they speak of some 25 systems and do not number them."""


class Rule(NamedTuple):
    """A published sign: its code, its points and what it says."""

    code: str
    points: int
    text: str


VPN_RULES = (
    Rule("HOSTING_ASN", 3, "in an autonomous system of servers"),
    Rule("IP_VOLATILITY", 5, "more than 3 addresses within 24 hours"),
    Rule("ASN_VOLATILITY", 5, "more than 2 autonomous systems within 24 hours"),
    Rule("SESSION_VELOCITY", 3, "more than 10 sessions within 24 hours"),
    Rule("ASN_CHANGE", 5, "another autonomous system than in the session before"),
    Rule("LOW_BOT_SCORE", 3, "a bot score of 0 to 30"),
)

OF_DAY = ("IP_VOLATILITY", "ASN_VOLATILITY", "SESSION_VELOCITY", "ASN_CHANGE")
"""Those of them that count over several events."""


def vpn_rules(evidence: Evidence) -> tuple[Rule, ...]:
    """The published signs of a VPN that hold; each is one of `VPN_RULES`."""
    bot_score = evidence.bot_score
    holds = (
        evidence.asn in HOSTING_ASNS or "hosting" in (evidence.network, evidence.as_kind),
        (evidence.ips or 0) > 3,
        (evidence.asns or 0) > 2,
        (evidence.sessions or 0) > 10,
        bool(evidence.asn_changed),
        bot_score is not None and bot_score <= 30,
    )
    return tuple(rule for rule, held in zip(VPN_RULES, holds, strict=True) if held)


def vpn_points(evidence: Evidence) -> int:
    """0 to 24, as published; what may not be used without consent counts nothing."""
    return sum(rule.points for rule in vpn_rules(permitted(evidence)))


def as_hundred(points: float) -> float:
    """Points of 24 as 0 to 100."""
    return 100 * points / MOST_VPN_POINTS


class PulseGate:
    """The published points as a verdict: the VPN score is all of the risk."""

    name = NAME
    version = VERSION

    def score(self, evidence: Evidence) -> Verdict:
        """What the published rules say of a device."""
        rules = vpn_rules(permitted(evidence))
        reasons = tuple(Reason(rule.code, as_hundred(rule.points)) for rule in rules)
        value = as_hundred(sum(rule.points for rule in rules))
        _, missing = looked(evidence)
        score = Score(round(value), value, 0.0, reasons, "low")
        return Verdict(
            NAME,
            VERSION,
            round(value),
            value,
            band_of(value),
            "low",
            reasons,
            {"vpn": score},
            missing,
            None if evidence.network is None else evidence.network_age_days,
        )


LABELS = ((71, "Very Hot"), (46, "Hot"), (21, "Warm"), (0, "Cold"))


class Engagement(NamedTuple):
    """How much a visitor did, 0 to 100, and the published word for it."""

    score: int
    label: str


def engagement(duration_s: float, scroll_percent: float, clicks: int, returns: int) -> Engagement:
    """A point for each whole 10 s (35 at most), 3.33 % scrolled (30) and click (20), 5 for each return (15)."""
    score = (
        min(int(max(duration_s, 0) // 10), 35)
        + min(int(max(scroll_percent, 0) / 3.33), 30)
        + min(max(clicks, 0), 20)
        + min(5 * max(returns, 0), 15)
    )
    return Engagement(score, next(label for least, label in LABELS if score >= least))


class Lead(Struct, frozen=True, kw_only=True):
    """What is known of a form that was sent. A field that is None is not known and counts nothing."""

    honeypot_filled: bool = False
    seconds_to_submit: float | None = None
    has_session: bool | None = None
    engagement: int | None = None
    vpn: float | None = None
    """0 to 100."""
    forms_in_24h: int = 1
    """This one included."""
    competitor_domain: bool = False


class Suspicion(NamedTuple):
    """0 to 100, with the points of each reason before the cap."""

    score: int
    reasons: dict[str, int]


def suspicion(lead: Lead) -> Suspicion:
    """How suspicious a lead is, as published."""
    found = {
        "HONEYPOT": 40 if lead.honeypot_filled else 0,
        "SUBMIT_TIME": _submit_points(lead.seconds_to_submit),
        "NO_SESSION": 15 if lead.has_session is False else 0,
        "NO_ENGAGEMENT": 10 if lead.has_session and lead.engagement == 0 else 0,
        "VPN": _vpn_points(lead.vpn),
        "FORM_VELOCITY": _form_points(lead.forms_in_24h),
        "COMPETITOR": 25 if lead.competitor_domain else 0,
    }
    return Suspicion(min(sum(found.values()), 100), {code: points for code, points in found.items() if points})


def _submit_points(seconds: float | None) -> int:
    if seconds is None or seconds > 10:
        return 0
    return 30 if seconds < 5 else 10


def _vpn_points(vpn: float | None) -> int:
    if vpn is None or vpn <= 20:
        return 0
    return 15 if vpn > 50 else 5


def _form_points(forms: int) -> int:
    if forms < 2:
        return 0
    return 20 if forms >= 3 else 10
