"""Of which kind an autonomous system is, from its organisation's name, its addresses and a short list of the well known.

Names are of many languages and tell much: most networks of homes call themselves a telecom, most hosters a host. What
spreads over countries is never taken for homes, whatever it is called.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pulse.network.kind import Kind

CURATED = Path(__file__).parent / "curated.csv"

SPREAD_BITS = 1.0
"""From this entropy on a network sells exits in several countries, or is a carrier of carriers."""
HOSTING_SHARE = 0.3
"""From this share of a hoster's or content network's ranges on, the whole system is taken for one."""
SERVER_SHARE = 0.05
"""Beyond this share it is not taken for homes."""

_HOSTING = re.compile(
    r"host(?!ess)|server|\bvps|cloud|data ?cent(?:er|re)|datacamp|\bdatacent|colo(?:cation|crossing)?\b|\bdedi|virtual (?:machine|private)"
    r"|\bcdn\b|content delivery|rechenzentrum|\bidc\b|web ?(?:services|solutions)|digital ?ocean|linode|\bovh\b|hetzner|contabo|leaseweb|scaleway"
    r"|\bvultr|choopa|\bm247\b|worldstream|psychz|quadranet|zenlayer|clouvider|hivelocity|\bstark industries|\baeza\b",
    re.IGNORECASE,
)
_GATEWAY = re.compile(
    r"zscaler|netskope|\biboss\b|forcepoint|\bcato networks|menlo security|websense|palo alto networks|barracuda|cisco opendns|perimeter 81",
    re.IGNORECASE,
)
_VPN = re.compile(
    r"\bvpns?\b|nordvpn|tefincom|expressvpn|surfshark|proton ?(?:ag|vpn)|mullvad|\b31173 services|private ?internet ?access|windscribe|packet ?hub|anonymi[sz]er|\bcyberzone",
    re.IGNORECASE,
)
_MOBILE = re.compile(
    r"(?<!auto)(?<!exxon )mobil(?!e ?(?:ads|app|gam))|wireless(?! (?:broadband|internet))|cellular|\bcell\b|cellco|\bgsm\b|\blte\b|\b[345]g\b|celular|selular|vodacom|\bdocomo|iletisim"
    r"|airtel|\bmtn\b|safaricom|\bmovistar|\bjio\b|turkcell|megafon|vimpelcom|kyivstar|globe telecom|digicel|mascom|\bmts\b",
    re.IGNORECASE,
)
_ACCESS = re.compile(
    r"tele?(?:com|kom|fon|phon|vis|net\b|nor|link)|te?ele?comm?|communica|broadband|breitband|\bcable|kabel|\bfib(?:er|re|ra)|fibr|glasfaser|\bdsl\b"
    r"|\bisp\b|internet|provedor|banda (?:larga|ancha)|\bnet(?:works?)?\b|comcast|charter|\bcox\b|verizon|vodafone|orange|bouygues|\bsfr\b|\bkpn\b|swisscom"
    r"|telia|tele2|\btdc\b|proximus|unicom|chinanet|kddi|softbank|biglobe|\bbell canada|rogers|shaw|optus|telstra|viettel|vnpt|rostelecom|etisalat"
    r"|ooredoo|claro|\bwifi\b|wi-?fi\b|windstream|frontier|mediacom|\bwisp|liberty|virgin media|talktalk|\bsky (?:uk|italia|deutschland)|plusnet",
    re.IGNORECASE,
)
_OFFICES = re.compile(
    r"universi|college|school|institut|academ|research|educat|government|ministry|ministerio|department of|\bbank|insurance|hospital|health|"
    r"defen[cs]e|library|council|county|city of|exchange|\bixp?\b|registry|network information cent|\bantispam|security",
    re.IGNORECASE,
)


class System(NamedTuple):
    """What is known of an autonomous system; `entropy` in bits, None where no country is known of its addresses.

    `hosting` is the share of its addresses that lie in a hoster's or content network's ranges.
    """

    number: int
    name: str
    entropy: float | None
    hosting: float


def kind_of(system: System) -> Kind:
    """The kind of an autonomous system."""
    known = curated().get(system.number)
    if known is not None:
        return known
    if _GATEWAY.search(system.name):
        return Kind.gateway
    if _VPN.search(system.name):
        return Kind.vpn
    if system.hosting >= HOSTING_SHARE or _HOSTING.search(system.name):
        return Kind.hosting
    return _homes(system)


def _homes(system: System) -> Kind:
    spreads = system.entropy is None or system.entropy >= SPREAD_BITS
    if spreads or system.hosting > SERVER_SHARE or _OFFICES.search(system.name):
        return Kind.unknown
    if _MOBILE.search(system.name):
        return Kind.mobile
    return Kind.eyeball if _ACCESS.search(system.name) else Kind.unknown


@cache
def curated() -> dict[int, Kind]:
    """Networks of which name and addresses tell the wrong thing, or nothing, by number."""
    with CURATED.open(newline="", encoding="utf-8") as file:
        return {int(row["asn"]): Kind(row["kind"]) for row in csv.DictReader(file)}
