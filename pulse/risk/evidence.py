"""What is known of a device and of where it comes from. Every part may be missing."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import astuple, fields, replace

Kind = Literal["eyeball", "mobile", "hosting", "vpn", "relay", "tor", "gateway", "crawler", "unknown"]
"""What an address belongs to; `unknown` was looked up and is none of the others."""

Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Days = Annotated[float, Meta(ge=0, le=36_500)]
Bits = Annotated[float, Meta(ge=0, le=8)]
Hours = Annotated[float, Meta(ge=0, le=26)]
Factor = Annotated[float, Meta(ge=0, le=1_000_000)]


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """What a verdict is made of. Without `consent` only the address and the request's headers count."""

    consent: Annotated[bool, Meta(description="Whether what the device itself tells may be used.")] = False

    network: Annotated[Kind, Meta(description="What the address belongs to.")] | None = None
    network_age_days: Annotated[Days, Meta(description="How old the lists are that say so.")] = 0.0
    asn: Annotated[int, Meta(ge=0, le=4_294_967_295, description="The autonomous system's number.")] | None = None
    as_kind: (
        Annotated[Kind, Meta(description="What the autonomous system is, whatever its single ranges are.")] | None
    ) = None
    as_bits: (
        Annotated[Bits, Meta(description="How far the system's addresses are spread over countries: entropy in bits.")]
        | None
    ) = None

    declared_bot: Annotated[bool, Meta(description="The user agent says that it is a program.")] | None = None
    crawler: (
        Annotated[
            Literal["verified", "spoofed"],
            Meta(description="A well-known crawler by its user agent: from its operator's addresses, or not."),
        ]
        | None
    ) = None
    hints_differ: Annotated[bool, Meta(description="User agent and client hints contradict each other.")] | None = None
    bot_score: (
        Annotated[int, Meta(ge=0, le=100, description="A proxy's own bot score: 0 a program, 100 a person.")] | None
    ) = None

    timezone_differs: (
        Annotated[bool, Meta(description="The device's time zone is none of the address's country.")] | None
    ) = None
    timezone_hours: (
        Annotated[Hours, Meta(description="Hours between the device's clock and the nearest of that country.")] | None
    ) = None
    timezone_utc: (
        Annotated[bool, Meta(description="The device's time zone is UTC itself, in a country that has another.")] | None
    ) = None
    language_differs: (
        Annotated[bool, Meta(description="The first language is none of those spoken in that country.")] | None
    ) = None

    webrtc_differs: (
        Annotated[bool, Meta(description="WebRTC shows an address of another network than the request's.")] | None
    ) = None
    tunnel_mss: Annotated[bool, Meta(description="The connection's segment size is that of a tunnel.")] | None = None
    tcp_os_differs: Annotated[bool, Meta(description="The connection's system is not the user agent's.")] | None = None
    rtt_ratio: (
        Annotated[Factor, Meta(description="Round trip of the connection over that of the application.")] | None
    ) = None

    ips: Annotated[Count, Meta(description="Different addresses of this device within 24 hours.")] | None = None
    asns: Annotated[Count, Meta(description="Different autonomous systems within 24 hours.")] | None = None
    countries: Annotated[Count, Meta(description="Different countries within 24 hours.")] | None = None
    sessions: Annotated[Count, Meta(description="Sessions within 24 hours.")] | None = None
    asn_changed: Annotated[bool, Meta(description="Another autonomous system than in the session before.")] | None = (
        None
    )
    impossible_travel: (
        Annotated[bool, Meta(description="Two places too far apart for the time between them.")] | None
    ) = None
    crowd: (
        Annotated[Factor, Meta(description="Devices at the address, as a multiple of what is usual for its kind.")]
        | None
    ) = None

    webdriver: Annotated[bool, Meta(description="The browser says that a program drives it.")] | None = None
    headless: Annotated[bool, Meta(description="The browser bears marks of running without a screen.")] | None = None
    no_input: Annotated[bool, Meta(description="Nobody moved, touched, scrolled or typed.")] | None = None
    regular_timing: Annotated[bool, Meta(description="Events follow each other like clockwork.")] | None = None

    inconsistencies: (
        Annotated[Count, Meta(description="How many attributes of the device contradict one another.")] | None
    ) = None
    immutable_changed: (
        Annotated[bool, Meta(description="An attribute changed that does not change within a device's life.")] | None
    ) = None


OF_REQUEST = frozenset(
    ("network", "network_age_days", "asn", "as_kind", "as_bits", "declared_bot", "crawler", "hints_differ", "bot_score")
)
"""What needs no consent: the address and the request's headers."""
OPTIONAL = tuple(each.name for each in fields(Evidence) if each.default is None)
OF_DEVICE = tuple(name for name in OPTIONAL if name not in OF_REQUEST)

NOTHING_OF_DEVICE = dict.fromkeys(OF_DEVICE)


def permitted(evidence: Evidence) -> Evidence:
    """The evidence that may be used."""
    return evidence if evidence.consent else replace(evidence, **NOTHING_OF_DEVICE)


def missing(evidence: Evidence) -> tuple[str, ...]:
    """The names of what is not known, or may not be used."""
    if not evidence.consent:
        return (*[name for name in _OF_REQUEST if getattr(evidence, name) is None], *OF_DEVICE)
    return tuple([name for name, value in zip(_NAMES, astuple(evidence), strict=True) if value is None])


_NAMES = tuple(each.name for each in fields(Evidence))
_OF_REQUEST = tuple(name for name in OPTIONAL if name in OF_REQUEST)
