"""What must hold of any rule set whatever its weights, without knowing the truth about a single device.

Each law takes evidence and tells how it is broken, or says nothing.
"""

from collections.abc import Callable
from math import isclose
from random import Random

from msgspec.structs import replace

from pulse.risk.evidence import OF_DEVICE, OPTIONAL, Evidence
from pulse.risk.rule_sets import RuleSet
from pulse.risk.sightings import Sightings, address_key, seen
from pulse.risk.verdict import Verdict

Law = Callable[[RuleSet, Evidence, Random], str]

ALIKE = 5.0
"""Points by which two exits of one provider may differ at most."""
VPN_ALONE = 35
HAIR = 1e-6

FLAGS = (
    *("declared_bot", "hints_differ", "timezone_differs", "timezone_utc", "language_differs", "webrtc_differs"),
    *("tunnel_mss", "tcp_os_differs", "asn_changed", "impossible_travel", "webdriver", "headless", "no_input"),
    *("regular_timing", "immutable_changed"),
)
COUNTED = ("ips", "asns", "countries", "sessions", "inconsistencies", "crowd", "timezone_hours", "as_bits")
MOST = {"as_bits": 8.0, "timezone_hours": 26.0}
LISTED = ("hosting", "vpn")
"""What an address of which nothing was known may turn out to be."""


def more_never_lowers(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """One sign more, or a stronger one, lowers no score."""
    return _not_higher(rules.score(evidence), rules.score(worse(evidence, random)), "one sign more lowers")


def absence_never_raises(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """What is not known raises no score."""
    name = random.choice(OPTIONAL)
    less = replace(evidence, **{name: None})
    return _not_higher(rules.score(less), rules.score(evidence), f"without {name} there is a higher")


def refusal_never_raises(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """A visitor who gives no consent has no higher score, and nothing of the device counts."""
    refused = rules.score(replace(evidence, consent=False))
    bare = rules.score(replace(evidence, consent=False, **dict.fromkeys(OF_DEVICE)))
    if refused.scores != bare.scores:
        return "something of the device counts without consent"
    given = rules.score(replace(evidence, consent=True))
    return _not_higher(refused, given, "without consent there is a higher")


def reasons_add_up(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """Points and log-odds of the reasons are the score, which lies between 0 and 100."""
    verdict = rules.score(evidence)
    if not _adds_up(0.0, [each.points for each in verdict.reasons], verdict.value, verdict.risk):
        return f"the reasons of the risk do not make {verdict.value}"
    for name, score in verdict.scores.items():
        if not _adds_up(score.base, [each.points for each in score.reasons], score.value, score.score):
            return f"the reasons of {name} do not make {score.value}"
        odds = [each.log_odds or 0.0 for each in score.reasons]
        if score.log_odds is not None and not isclose(
            sum(odds, score.base_log_odds or 0.0), score.log_odds, abs_tol=HAIR
        ):
            return f"the log-odds of {name} do not make {score.log_odds}"
    return ""


def exits_are_alike(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """Another address of a system that is known to be a VPN's, or of servers, changes a score by less than 5."""
    as_kind = random.choice(("vpn", "hosting"))
    listed = ("vpn", "hosting", "unknown") if as_kind == "vpn" else ("hosting", "unknown")
    one, other = (rules.score(replace(evidence, as_kind=as_kind, network=random.choice(listed))) for _ in range(2))
    if abs(one.value - other.value) >= ALIKE:
        return f"another exit changes the risk from {one.value:.1f} to {other.value:.1f}"
    for name, score in one.scores.items():
        if abs(score.value - other.scores[name].value) >= ALIKE:
            return f"another exit changes {name} from {score.value:.1f} to {other.scores[name].value:.1f}"
    return ""


def a_vpn_is_no_crime(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """Who only comes through a VPN, and does nothing else, has a risk of 35 at most."""
    only = Evidence(
        consent=True,
        network=random.choice(("vpn", "hosting", "unknown")),
        as_kind=random.choice(("vpn", "hosting", None)),
        as_bits=random.uniform(0, 8),
        timezone_differs=evidence.timezone_differs,
        timezone_hours=evidence.timezone_hours,
        timezone_utc=evidence.timezone_utc,
        language_differs=evidence.language_differs,
        webrtc_differs=evidence.webrtc_differs,
        tunnel_mss=evidence.tunnel_mss,
    )
    found = rules.score(only).risk
    return f"a VPN alone is a risk of {found}" if found > VPN_ALONE else ""


def order_does_not_matter(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """Sightings in any order leave the same state."""
    one = [
        (random.randrange(60), random.randrange(50), random.randrange(25), random.choice("ABCDEFGHIJKL"))
        for _ in range(random.randrange(60))
    ]
    other = random.sample(one, len(one))
    return "" if _seen_all(one) == _seen_all(other) else f"another order of {one} leaves another state"


def mapped_is_the_same(rules: RuleSet, evidence: Evidence, random: Random) -> str:
    """An address of version 4 written as one of version 6 is the same address."""
    salt, text = random.getrandbits(32), ".".join(str(random.randrange(256)) for _ in range(4))
    same = address_key(text, salt) == address_key(f"::ffff:{text}", salt)
    return "" if same else f"::ffff:{text} counts as another address than {text}"


LAWS: dict[str, Law] = {
    "more never lowers": more_never_lowers,
    "absence never raises": absence_never_raises,
    "refused consent never raises": refusal_never_raises,
    "reasons add up": reasons_add_up,
    "exits of a provider are alike": exits_are_alike,
    "a VPN is no crime": a_vpn_is_no_crime,
    "order does not matter": order_does_not_matter,
    "a mapped address is the same": mapped_is_the_same,
}
OF_PUBLISHED = ("more never lowers", "absence never raises", "refused consent never raises", "reasons add up")
"""Those that hold of published points too, which were not made by these laws."""


def worse(evidence: Evidence, random: Random) -> Evidence:
    """The evidence with one sign more, or a stronger one."""
    name = random.choice((*FLAGS, *COUNTED, "network", "crawler"))
    if name in FLAGS:
        return replace(evidence, **{name: True})
    if name == "crawler":
        return evidence if evidence.crawler else replace(evidence, crawler="spoofed")
    if name == "network":
        return replace(evidence, network=random.choice(LISTED)) if evidence.network == "unknown" else evidence
    more = (getattr(evidence, name) or 0) + random.choice((1, 3, 20))
    return replace(evidence, **{name: min(more, MOST.get(name, 1_000_000))})


def _not_higher(low: Verdict, high: Verdict, how: str) -> str:
    if low.value > high.value + HAIR or low.risk > high.risk:
        return f"{how} risk: {low.value:.3f} and {high.value:.3f}"
    for name, score in low.scores.items():
        if score.value > high.scores[name].value + HAIR:
            return f"{how} {name}: {score.value:.3f} and {high.scores[name].value:.3f}"
    return ""


def _adds_up(base: float, points: list[float], value: float, rounded: int) -> bool:
    return isclose(sum(points, base), value, abs_tol=HAIR) and rounded == round(value) and 0 <= rounded <= 100


def _seen_all(sightings: list[tuple[int, int, int, str]]) -> Sightings:
    state = Sightings()
    for minute, address, asn, country in sightings:
        state = seen(state, minute, address, asn, country)
    return state
