"""What a site keeps of whoever visits it: the rest is taken away at the collector, and again in the stream, whatever a client sends."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args

from pulse.event import RawEvent

Mode = Literal["standard", "anonymous", "consented", "security"]
MODES: tuple[Mode, ...] = get_args(Mode)
STANDARD: Mode = "standard"
ANONYMOUS: Mode = "anonymous"
SECURITY: Mode = "security"

SIGNALS = "device_signals"
STARTED = "session_start"
PERSONAL = frozenset((SIGNALS, "identify", "alias"))
"""Events whose properties are of the device or say who it is, and nothing else."""
DEVICE = "device"
"""The property of `session_start` that tells of the device."""
PURPOSE = "purpose"


class Properties(Enum):
    """What of an event's properties may be kept."""

    all = "all"
    without_device = "without device"
    none = "none"
    if_for_security = "if for security"
    """And of the event the fingerprint then, else neither."""


def withhold(event: RawEvent, mode: str) -> Properties:
    """Take away the fields that a site of a mode does not keep; what of the properties may be."""
    if mode == ANONYMOUS:
        return _anonymous(event)
    if event.consent == "granted" or mode == STANDARD:
        return Properties.all
    event.screen = event.language = event.timezone = None
    if mode == SECURITY and event.event == SIGNALS and event.consent is None:
        event.visitor_id = event.user_id = event.session_id = event.referrer = event.title = None
        event.utm_source = event.utm_medium = event.utm_campaign = event.utm_term = event.utm_content = None
        event.url = event.url.partition("?")[0].partition("#")[0] if event.url else None
        return Properties.if_for_security
    event.fingerprint_id = None
    if event.event == STARTED:
        return Properties.without_device
    return Properties.none if event.event == SIGNALS else Properties.all


def left(event: RawEvent, may: Properties, properties: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is left of an event's properties; the fingerprint goes with those that are not for security."""
    if may is Properties.if_for_security and (properties or {}).get(PURPOSE) not in ("security", b'"security"'):
        event.fingerprint_id = None
        return None
    if may is Properties.none or not properties:
        return None
    if may is Properties.without_device:
        return {name: value for name, value in properties.items() if name != DEVICE} or None
    return dict(properties)


def _anonymous(event: RawEvent) -> Properties:
    event.visitor_id = event.user_id = event.session_id = event.fingerprint_id = None
    event.screen = event.language = event.timezone = None
    if event.event in PERSONAL:
        return Properties.none
    return Properties.without_device if event.event == STARTED else Properties.all
