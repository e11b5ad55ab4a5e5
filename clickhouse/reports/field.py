"""The fields that a filter or a breakdown may name: columns of `events`, and paths into its properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulse.errors import QueryError

Type = Literal["text", "number", "flag", "any"]
"""`any` is a property: its value says of which type it is."""

PROPERTY = "properties."
DEEPEST = 8
LONGEST_NAME = 200

TEXTS = (
    *("event", "visitor_id", "user_id", "session_id", "url", "host", "path", "referrer", "referrer_host", "channel"),
    *("title", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "screen", "language", "timezone"),
    *("country", "region", "city", "device_type", "browser", "browser_version", "os", "os_version", "ip"),
    *("fingerprint_id", "currency", "consent", "clock"),
    *("as_org", "network", "network_source", "bot_name", "bot_kind", "bot_claim"),
    *("risk_band", "risk_confidence", "risk_reasons", "risk_rules"),
)
COLUMNS: Mapping[str, Type] = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(("revenue", "asn", "as_entropy", "network_days"), "number"),
    **dict.fromkeys(("risk", "risk_vpn", "risk_proxy", "risk_tor", "risk_relay", "risk_bot", "risk_tamper"), "number"),
    **dict.fromkeys(("bot", "imported"), "flag"),
}


@dataclass(frozen=True)
class Field:
    """A column, or a path into the properties."""

    name: str
    type: Type
    path: tuple[str, ...] = ()


def field_of(name: str, where: str) -> Field:
    """The field of a name; raises QueryError, which says `where` it was named, if there is none."""
    if name in COLUMNS:
        return Field(name, COLUMNS[name])
    if name.startswith(PROPERTY):
        path = tuple(name.removeprefix(PROPERTY).split("."))
        if all(path) and len(path) <= DEEPEST and max(map(len, path)) <= LONGEST_NAME:
            return Field(name, "any", path)
        raise QueryError(f"{where}: {name!r} is no path of 1 to {DEEPEST} names, such as properties.plan")
    raise QueryError(f"{where}: there is no field {name!r}; fields are {', '.join(COLUMNS)}, and properties.NAME")
