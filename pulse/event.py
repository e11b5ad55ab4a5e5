"""The event contract: what a client may send, what the collector adds, what refinement adds.

docs/events.md is made from these structs. A field's limits stand in its type; a value outside
them is refused by the field's name and the limit it broke.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

MAX_EVENTS_PER_REQUEST = 2_000
MAX_REQUEST_BYTES = 20 * 1024 * 1024
MAX_EVENT_BYTES = 32 * 1024
MAX_PROPERTIES = 255
MAX_PROPERTY_NAME = 200
MAX_NESTING = 32
"""Levels of objects and arrays in properties, themselves the first."""
MAX_MS = 4_102_444_800_000
"""The latest moment that is taken as a time at all: 2100-01-01, in ms since the epoch."""

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?!\\n)$"
COUNTRY = "^([A-Za-z]{2})?(?!\\n)$"
CURRENCY = "^([A-Za-z]{3})?(?!\\n)$"
SITE = "^[a-z0-9][a-z0-9_-]{0,63}(?!\\n)$"

Moment = Annotated[int, Meta(ge=0, le=MAX_MS)] | Annotated[float, Meta(ge=0, le=MAX_MS)] | datetime
Identity = Annotated[str, Meta(max_length=200)]
Address = Annotated[str, Meta(max_length=4096)]
Text = Annotated[str, Meta(max_length=1024)]
Label = Annotated[str, Meta(max_length=255)]
Word = Annotated[str, Meta(max_length=64)]


class Event(Struct, kw_only=True, omit_defaults=True, gc=False):
    """One event as a client sends it."""

    event: Annotated[str, Meta(min_length=1, max_length=200, description="What happened: `page_view`, `purchase`, ….")]
    event_id: (
        Annotated[
            str,
            Meta(pattern=UUID, description="The client's UUID; the same id again is the same event. Made if missing."),
        ]
        | None
    ) = None
    ts: (
        Annotated[
            Moment,
            Meta(
                description="When it happened: ms since the epoch, or an ISO 8601 time (UTC if it names no zone). Now if missing."
            ),
        ]
        | None
    ) = None
    sent_at: (
        Annotated[Moment, Meta(description="When the client sent it, by the client's clock: corrects a wrong clock.")]
        | None
    ) = None
    visitor_id: (
        Annotated[
            Identity,
            Meta(description="The browser or device. Derived from address and user agent, anew each day, if missing."),
        ]
        | None
    ) = None
    user_id: Annotated[Identity, Meta(description="The person, once known.")] | None = None
    session_id: (
        Annotated[
            Identity, Meta(description="The client's own session; else sessions end after 30 minutes of silence.")
        ]
        | None
    ) = None
    url: Annotated[Address, Meta(description="The page's address.")] | None = None
    referrer: Annotated[Address, Meta(description="Where the visitor came from.")] | None = None
    title: Annotated[Text, Meta(description="The page's title.")] | None = None
    utm_source: (
        Annotated[Label, Meta(description="Campaign source; taken from the url if missing. Likewise the other four.")]
        | None
    ) = None
    utm_medium: Annotated[Label, Meta(description="Campaign medium.")] | None = None
    utm_campaign: Annotated[Label, Meta(description="Campaign name.")] | None = None
    utm_term: Annotated[Label, Meta(description="Campaign term.")] | None = None
    utm_content: Annotated[Label, Meta(description="Campaign content.")] | None = None
    screen: Annotated[Word, Meta(description="Screen size, `1920x1080`.")] | None = None
    language: Annotated[Word, Meta(description="Language tag, `de-AT`.")] | None = None
    timezone: Annotated[Word, Meta(description="IANA time zone, `Europe/Vienna`.")] | None = None
    country: (
        Annotated[
            str,
            Meta(
                pattern=COUNTRY,
                description="ISO 3166-1 alpha-2. Looked up from the address if missing and a database is set.",
            ),
        ]
        | None
    ) = None
    region: Annotated[Label, Meta(description="Region within the country.")] | None = None
    city: Annotated[Label, Meta(description="City.")] | None = None
    device_type: (
        Annotated[
            Word,
            Meta(description="`desktop`, `mobile`, `tablet`, …. From the user agent if missing; so browser and os."),
        ]
        | None
    ) = None
    browser: Annotated[Word, Meta(description="Browser family.")] | None = None
    os: Annotated[Word, Meta(description="Operating system family.")] | None = None
    fingerprint_id: (
        Annotated[Identity, Meta(description="The device's fingerprint, where consent allows one.")] | None
    ) = None
    revenue: Annotated[float, Meta(ge=-1e12, le=1e12, description="Money earned, kept to four decimals.")] | None = None
    currency: Annotated[str, Meta(pattern=CURRENCY, description="ISO 4217 code of the revenue.")] | None = None
    consent: Annotated[Literal["granted", "denied"], Meta(description="The visitor's answer, where asked.")] | None = (
        None
    )
    ip: (
        Annotated[
            Word,
            Meta(
                description="The visitor's address, from a server with a secret key; else the connection's. Stored truncated."
            ),
        ]
        | None
    ) = None
    user_agent: (
        Annotated[
            Text, Meta(description="The visitor's user agent, from a server with a secret key; else the connection's.")
        ]
        | None
    ) = None
    client_hints: (
        Annotated[
            Annotated[str, Meta(max_length=512)],
            Meta(
                description="What the visitor's browser sent as `Sec-CH-UA`, `Sec-CH-UA-Mobile` and `Sec-CH-UA-Platform`, with `|` between, from a server with a secret key; else the connection's."
            ),
        ]
        | None
    ) = None
    properties: (
        Annotated[
            dict[str, Any],
            Meta(
                description="Anything else: at most 255 names of at most 200 characters, nested at most 32 levels deep."
            ),
        ]
        | None
    ) = None


class RawEvent(Event, kw_only=True, omit_defaults=True, gc=False):
    """An accepted event, one line of a record of `pulse.events.raw`."""

    site_id: Annotated[str, Meta(max_length=64, description="The site, as the key says.")] = ""
    received_at: Annotated[
        int, Meta(ge=0, le=MAX_MS, description="When the collector received it, ms since the epoch.")
    ] = 0
    imported: Annotated[bool, Meta(description="Sent with a key that may import: any age is accepted.")] = False


class RefinedEvent(RawEvent, kw_only=True, omit_defaults=True, gc=False):
    """An enriched event, one line of a record of `pulse.events`; its properties are JSON text."""

    host: Annotated[str, Meta(description="Host of the url.")] = ""
    path: Annotated[str, Meta(description="Path of the url.")] = ""
    referrer_host: Annotated[str, Meta(description="Host of the referrer, empty where it is the site's own.")] = ""
    channel: Annotated[str, Meta(description="Acquisition channel.")] = ""
    browser_version: Annotated[str, Meta(description="Major version of the browser.")] = ""
    os_version: Annotated[str, Meta(description="Major version of the operating system.")] = ""
    asn: Annotated[int, Meta(description="Autonomous system of the address, 0 if unknown.")] = 0
    as_org: Annotated[str, Meta(description="Organisation of the autonomous system.")] = ""
    as_entropy: Annotated[
        float,
        Meta(description="Over how many countries the autonomous system spreads, in bits; 0 if it is one or unknown."),
    ] = 0.0
    network: Annotated[
        str,
        Meta(
            description="Kind of network: `eyeball`, `mobile`, `hosting`, `vpn`, `relay`, `tor`, `gateway`, `crawler`, `unknown`; empty where there are no data. See network.md."
        ),
    ] = ""
    network_source: Annotated[
        str,
        Meta(
            description="Who says of which kind it is: a provider, or a file of the operator's; empty if it follows from the autonomous system."
        ),
    ] = ""
    network_days: Annotated[int, Meta(description="How old the data were that tell the kind, in days.")] = 0
    bot: Annotated[bool, Meta(description="A crawler or another machine, by its user agent.")] = False
    bot_name: Annotated[str, Meta(description="Name of the bot, where it is known.")] = ""
    bot_kind: Annotated[
        str,
        Meta(
            description="What the bot is for: `search`, `ai`, `preview`, `monitor`, `seo`, `ads`, `feed`, `archive`, `research`, `scanner`, `automation`, `library`, `other`."
        ),
    ] = ""
    bot_claim: Annotated[
        str,
        Meta(
            description="What the address says of who calls itself a known crawler: `verified`, `spoofed`, or empty where it cannot be told."
        ),
    ] = ""
    risk: Annotated[int, Meta(description="How much speaks against the device, 0 to 100. See risk.md.")] = 0
    risk_band: Annotated[str, Meta(description="`low`, `elevated` from 25 on, `high` from 60, `critical` from 85.")] = (
        ""
    )
    risk_vpn: Annotated[
        int, Meta(description="How likely it hides behind a VPN, 0 to 100. Likewise the next five.")
    ] = 0
    risk_proxy: Annotated[int, Meta(description="How likely it goes through somebody else's device.")] = 0
    risk_tor: Annotated[int, Meta(description="How likely it comes through Tor.")] = 0
    risk_relay: Annotated[int, Meta(description="How likely it comes through a privacy relay.")] = 0
    risk_bot: Annotated[int, Meta(description="How likely a program drives it.")] = 0
    risk_tamper: Annotated[int, Meta(description="How likely it is made to look like another.")] = 0
    risk_confidence: Annotated[str, Meta(description="How sure that is: `low`, `medium`, `high`.")] = ""
    risk_reasons: Annotated[
        str, Meta(description="Codes of what speaks against it, the weightiest first, with commas between.")
    ] = ""
    risk_rules: Annotated[str, Meta(description="The rule set and its version that say so.")] = ""
    clock: Annotated[str, Meta(description="What was done to the time: empty, `skewed` or `future`.")] = ""
    properties: Raw = None  # type: ignore[assignment]
    """Decoded as the object's own bytes; encoded as a string holding them, which the store reads fastest."""
