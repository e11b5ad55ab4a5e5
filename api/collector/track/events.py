"""From what a session tracker tells to events of the contract."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, Literal

from api.collector.decode import Incoming
from api.collector.stamp import Receipt
from api.collector.track.bodies import Device, Happening, Screen, SessionEnd, SessionStart, Started
from pulse.mode import ANONYMOUS, STANDARD

DENIED: Final[Literal["denied"]] = "denied"


def visitor_of(fingerprint_id: str) -> str:
    """The visitor that a fingerprint stands for, where the tracker names none."""
    return sha256(f"visitor:{fingerprint_id}".encode()).hexdigest()


def device_of(user_agent: str, fingerprint_id: str) -> str:
    """The device that a user agent and a fingerprint stand for."""
    return sha256(f"device:{user_agent}|{fingerprint_id}".encode()).hexdigest()


def started(body: SessionStart, receipt: Receipt, session_id: str, stranger: str) -> tuple[Incoming, Started]:
    """The event that a session began, and its answer.

    A visitor who does not want to be followed gets no name that lasts but `stranger`, and nothing of the device is kept;
    likewise where the site keeps nothing of devices, as nobody agrees here: then only a name of the site's own may last.
    """
    device, screen = body.device_info or Device(), body.screen or Screen()
    agent = device.user_agent or receipt.user_agent or ""
    is_hidden = receipt.unwilling or receipt.mode != STANDARD
    given = None if receipt.unwilling or receipt.mode == ANONYMOUS else body.visitor_id
    own = given or (stranger if is_hidden else visitor_of(body.fingerprint_id))
    answer = Started(session_id, own, device_of(agent, body.fingerprint_id), receipt.received_at)
    event = Incoming(
        event="session_start", session_id=session_id, visitor_id=own, url=body.page, referrer=body.referrer
    )
    if is_hidden:
        answer.device_id = stranger
        event.consent = DENIED if receipt.unwilling else None
        return event, answer
    event.fingerprint_id = body.fingerprint_id
    event.language = device.language or None
    event.screen = f"{screen.width:.0f}x{screen.height:.0f}" if screen.width and screen.height else None
    event.properties = {"device": {"id": answer.device_id, **_signals(device, screen)}}
    return event, answer


def happened(body: Happening) -> Incoming:
    """An event of a session; what has no field of its own goes into the properties."""
    own = {"x": body.x, "y": body.y, "element": body.element, "scroll_percent": body.scroll_percent}
    return Incoming(
        event=body.event_type,
        event_id=body.event_id,
        ts=body.timestamp,
        session_id=body.session_id,
        visitor_id=body.visitor_id,
        url=body.page,
        properties={**(body.metadata or {}), **_known(own)} or None,
    )


def ended(body: SessionEnd) -> Incoming:
    """The event that a session is over."""
    return Incoming(
        event="session_end",
        ts=body.timestamp,
        session_id=body.session_id,
        visitor_id=body.visitor_id,
        url=body.exit_page,
    )


def _signals(device: Device, screen: Screen) -> dict[str, Any]:
    return _known(
        {
            "platform": device.platform or None,
            "cores": device.hardware_concurrency,
            "memory_gb": device.device_memory,
            "colour_depth": screen.color_depth,
            "pixel_ratio": screen.pixel_ratio,
        }
    )


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
