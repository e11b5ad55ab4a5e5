"""What an address tells."""

from functools import lru_cache
from typing import Any, NamedTuple

from pulse.network.kind import Kind


class Found(NamedTuple):
    """Where an address is, and what its network is; empty where it does not tell.

    `network` is a `Kind`'s word, empty where there are no data at all; `source` who says so: a provider, or a file of the
    operator's. `as_entropy` (bits) is over how many countries the autonomous system spreads. `made_ms` is when the data
    that tell the kind were made, in ms since the epoch, 0 if that is not known.
    """

    country: str = ""
    region: str = ""
    city: str = ""
    asn: int = 0
    as_org: str = ""
    as_entropy: float = 0.0
    network: str = ""
    source: str = ""
    made_ms: int = 0


NOWHERE = Found()
UNKNOWN = Found(network=Kind.unknown.value)
"""Of an address of which the data know nothing."""
MAX_ASN = (1 << 32) - 1
REMEMBERED = 4_096
_TEXT = frozenset({str})

_ANONYMOUS = (
    ("is_tor_exit_node", Kind.tor),
    ("is_anonymous_vpn", Kind.vpn),
    ("is_public_proxy", Kind.vpn),
    ("is_residential_proxy", Kind.vpn),
    ("is_hosting_provider", Kind.hosting),
)
_TYPES = {
    "cellular": Kind.mobile,
    "residential": Kind.eyeball,
    "cable/dsl": Kind.eyeball,
    "hosting": Kind.hosting,
    "content_delivery_network": Kind.hosting,
    "search_engine_spider": Kind.crawler,
}


def told(record: dict[str, Any]) -> Found:
    """What a database's record tells, be it nested (GeoLite2, DB-IP) or flat (IPinfo, ip-location-db).

    Of a kind too: records of anonymous addresses, of types of users and of connections. Raises what Python raises for a
    record of yet another shape.
    """
    divisions = record.get("subdivisions") or [None]
    number = record.get("autonomous_system_number") or str(record.get("asn") or "").upper().removeprefix("AS")
    region = _named(divisions[0]) or _named(record.get("region")) or _named(record.get("state1"))
    organisation = record.get("autonomous_system_organization") or record.get("as_name") or record.get("org")
    return Found(
        country=(_named(record.get("country"), "iso_code") or str(record.get("country_code") or ""))[:2].upper(),
        region=region[:255],
        city=_named(record.get("city"))[:255],
        asn=_system(str(number)),
        as_org=_named(organisation)[:128],
        network=_kind(record),
    )


def told_once(record: dict[str, Any]) -> Found:
    """The same, remembered for records of texts alone: of countries there are few, and many addresses in each."""
    return _told(tuple(record.items())) if _TEXT.issuperset(map(type, record.values())) else told(record)


@lru_cache(maxsize=REMEMBERED)
def _told(items: tuple[tuple[str, str], ...]) -> Found:
    return told(dict(items))


def _system(number: str) -> int:
    """The number of an autonomous system; 0 for what is none."""
    found = int(number) if number.isdecimal() else 0
    return found if found <= MAX_ASN else 0


def _kind(record: dict[str, Any]) -> str:
    for flag, kind in _ANONYMOUS:
        if record.get(flag) is True:
            return kind
    traits = record.get("traits")
    said = traits.get("user_type") if isinstance(traits, dict) else record.get("connection_type")
    return _TYPES.get(str(said).lower(), "")


def _named(part: Any, key: str = "") -> str:
    if isinstance(part, dict):
        return str(part.get(key) or "") if key else str((part.get("names") or {}).get("en") or "")
    return part if isinstance(part, str) and not key else ""


def over(upper: Found, lower: Found) -> Found:
    """What either tells, the upper one's word first; where the upper names a country, the place is its own altogether."""
    place = upper if upper.country else lower
    system = upper if upper.asn and upper.asn != lower.asn else lower
    kind = upper if upper.network else lower
    return Found(
        country=place.country,
        region=place.region,
        city=place.city,
        asn=system.asn,
        as_org=system.as_org or (upper.as_org if upper.asn == system.asn else ""),
        as_entropy=system.as_entropy,
        network=kind.network,
        source=kind.source,
        made_ms=kind.made_ms,
    )
