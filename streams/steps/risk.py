"""How much speaks against the device: a verdict on each event, of its address and headers, and of what it was allowed to tell."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import DecodeError, Struct, ValidationError, json

from pulse.event import RefinedEvent
from pulse.risk.code import SCORES
from pulse.risk.evidence import Evidence
from pulse.risk.packed import Seen
from pulse.risk.pulsegate import HOSTING_ASNS
from pulse.risk.rule_sets import RuleSet
from pulse.risk.signs import NO_ACCESS
from pulse.timezones import countries_of, hours_apart, is_universal, keeps_universal
from pulse.topics import DAY_MS
from streams.steps.step import Arrival, Step

REMEMBERED = 65_536
SIGNALS = "device_signals"
"""The event by which a browser tells of its device."""
PROGRAMS = frozenset(("webdriver", "program_globals"))
MARKS = frozenset(
    ("headless_agent", "no_languages", "no_plugins", "no_window", "no_round_trip", "software_graphics", *PROGRAMS)
)
CONTRADICTIONS = frozenset(("language", "platform", "client_hints", "touch", "timezone", "navigator_changed", "screen"))
"""What the tracker tells; other words are not looked at, nor kept."""
NO_SCREEN = "headless_agent"
"""A browser that says so itself; of other marks one alone is seen on people's devices as well, two hardly ever."""
HINTS = "client_hints"
LONGEST = 500


class Device(NamedTuple):
    """What a device told of itself: traces of a program that drives it, and what contradicts itself in it."""

    automation: frozenset[str]
    contradictions: frozenset[str]


class Sight(NamedTuple):
    """What of an event a verdict is made of. Without leave the device told nothing: no time zone, and no country to it."""

    network: str
    network_days: int
    asn: int
    as_entropy: float
    is_bot: bool
    claim: str
    has_leave: bool
    country: str = ""
    timezone: str = ""
    day: int = 0
    device: Device | None = None
    hints_differ: bool | None = None
    seen: Seen | None = None


class Judged(NamedTuple):
    """A verdict as it stands in an event; `reasons` are codes with commas between, the weightiest first."""

    risk: int
    band: str
    vpn: int
    proxy: int
    tor: int
    relay: int
    bot: int
    tamper: int
    confidence: str
    reasons: str
    rules: str


class Clock(NamedTuple):
    """Whether a device's time zone is of another country than its address, hours between them, and whether it is UTC where nobody keeps it."""

    differs: bool | None = None
    hours: float | None = None
    is_universal: bool | None = None


NO_CLOCK = Clock()
UNSEEN = Seen(0, 0, 0, 0, None)


class _Signals(Struct):
    automation: str = ""
    inconsistent: str = ""


class _Told(Struct):
    device: _Signals
    purpose: str = ""


_told = json.Decoder(_Told)


Values = tuple[tuple[Any, ...], tuple[Any, ...]]
"""What is `Judged`, to be put: all up to the last score, and the words after it."""


def judging(rules: RuleSet) -> Callable[[Sight], Values]:
    """What a rule set says of sights; it remembers what it said."""
    return lru_cache(maxsize=REMEMBERED)(lambda sight: halved(judged(rules, sight)))


def judge_seen(judge: Callable[[Sight], Values], sight: Sight, seen: Seen) -> Values:
    """What is said of a sight, once it is known where else the device was seen."""
    return judge(sight._replace(seen=seen))


def halved(verdict: Judged) -> Values:
    """A verdict to be put."""
    words = Judged._fields.index("confidence")
    return verdict[:words], verdict[words:]


def put_risk(rules: RuleSet) -> Step:
    """The verdict of a rule set, in the event's fields."""
    judge = judging(rules)

    def put(e: RefinedEvent, arrival: Arrival) -> None:
        put_verdict(e, judge(sight_of(e, arrival)))

    return put


def put_verdict(e: RefinedEvent, verdict: Values) -> None:
    """The verdict into the event's fields."""
    scores, words = verdict
    e.risk, e.risk_band, e.risk_vpn, e.risk_proxy, e.risk_tor, e.risk_relay, e.risk_bot, e.risk_tamper = scores
    e.risk_confidence, e.risk_reasons, e.risk_rules = words


def sight_of(event: RefinedEvent, arrival: Arrival) -> Sight:
    """What of an event counts. Signals of the device do where the visitor agreed, or where they are for security and nobody refused.

    The country is the address's, whatever the client says; where that is not known, what the client or a proxy says.
    """
    seen = event.network, event.network_days, event.asn, event.as_entropy, event.bot, event.bot_claim
    told = signals_of(event) if event.event == SIGNALS and event.consent != "denied" else None
    agreed = event.consent == "granted"
    if not agreed and told is None:
        return sight(*seen, has_leave=False, hints_differ=arrival.hints_differ)
    day: int = event.ts // DAY_MS  # type: ignore[operator,assignment]
    return sight(
        *seen, True, arrival.country or event.country or "", event.timezone or "", day, told, arrival.hints_differ
    )


def sight(
    network: str,
    network_days: int,
    asn: int,
    as_entropy: float,
    is_bot: bool,
    claim: str,
    has_leave: bool,
    country: str = "",
    timezone: str = "",
    day: int = 0,
    device: Device | None = None,
    hints_differ: bool | None = None,
) -> Sight:
    """What counts and no more, that many be alike: of most systems only that they are known, how far they spread where that says something."""
    system = asn if asn in HOSTING_ASNS else min(asn, 1)
    bits = as_entropy if network in NO_ACCESS else 0.0
    return Sight(
        network, network_days, system, bits, is_bot, claim, has_leave, country, timezone, day, device, hints_differ
    )


def signals_of(event: RefinedEvent) -> Device | None:
    """What a device tells of itself in an event; None where it tells nothing that can be read, or has no leave to."""
    try:
        told = _told.decode(event.properties or "null")
    except (DecodeError, ValidationError):
        return None
    if event.consent != "granted" and told.purpose != "security":
        return None
    return _device(told.device.automation[:LONGEST], told.device.inconsistent[:LONGEST])


def hide_device(event: RefinedEvent, arrival: Arrival) -> None:
    """A fingerprint goes where its visitor said no; so do signals of a device, which go also where nobody asked and they are not for security."""
    consent = event.consent
    if consent == "denied":
        event.fingerprint_id = None
    if event.event != SIGNALS or consent == "granted":
        return
    if consent == "denied" or signals_of(event) is None:
        event.fingerprint_id = None
        event.properties = None  # type: ignore[assignment]


def hide_devices(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """The same of many, most of which hide nothing."""
    for event in events:
        if event.consent == "denied" or event.event == SIGNALS:
            hide_device(event, arrival)
    return True


@lru_cache(maxsize=4_096)
def _device(automation: str, inconsistent: str) -> Device:
    return Device(_words(automation) & MARKS, _words(inconsistent) & CONTRADICTIONS)


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))


def judged(rules: RuleSet, sight: Sight) -> Judged:
    """What a rule set says of a sight."""
    verdict = rules.score(evidence_of(sight))
    scores = (verdict.scores[name].score if name in verdict.scores else 0 for name in SCORES)
    reasons = ",".join(reason.code for reason in verdict.reasons)
    named = f"{verdict.rule_set}/{verdict.version}"
    return Judged._make((verdict.risk, verdict.band, *scores, verdict.confidence, reasons, named))


def evidence_of(sight: Sight) -> Evidence:
    """The evidence in a sight; what nothing is known of is missing from it."""
    clock, device, seen = clock_of(sight), sight.device, sight.seen or UNSEEN
    return Evidence(
        consent=sight.has_leave,
        network=sight.network or None,  # type: ignore[arg-type]
        network_age_days=float(min(sight.network_days, 36_500)),
        asn=sight.asn or None,
        as_bits=sight.as_entropy if sight.asn else None,
        declared_bot=sight.is_bot,
        crawler=sight.claim or None,  # type: ignore[arg-type]
        timezone_differs=clock.differs,
        timezone_hours=clock.hours,
        timezone_utc=clock.is_universal,
        ips=seen.ips or None,
        asns=seen.asns or None,
        countries=seen.countries or None,
        sessions=seen.sessions or None,
        asn_changed=seen.moved,
        crowd=seen.crowd or None,
        impossible_travel=seen.travelled,
        webdriver=bool(device.automation & PROGRAMS) if device else None,
        headless=is_headless(device.automation - PROGRAMS) if device else None,
        hints_differ=_either(sight.hints_differ, HINTS in device.contradictions if device else None),
        inconsistencies=len(device.contradictions - {HINTS}) if device else None,
    )


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Whether one of two is so; None where neither is known."""
    return other if one is None else one or bool(other)


def is_headless(marks: frozenset[str]) -> bool:
    """Whether a browser runs without a screen, by the marks that it bears."""
    return NO_SCREEN in marks or len(marks) > 1


def clock_of(sight: Sight) -> Clock:
    """What the device's time zone tells of the address's country; nothing where either is not known."""
    if not (sight.country and sight.timezone):
        return NO_CLOCK
    at_home = countries_of(sight.timezone)
    if is_universal(sight.timezone):
        return Clock(is_universal=not keeps_universal(sight.country))
    return Clock(
        sight.country not in at_home if at_home else None, hours_apart(sight.timezone, sight.country, sight.day)
    )
