"""What the collector writes on each accepted event: whose it is, when and whence it came."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from api.collector.decode import Incoming
from api.collector.ids import ENTROPY_BITS, uuid7
from pulse.clock import SKEW_TOLERATED_MS, Bounds, event_time, is_too_old, to_ms
from pulse.event import MAX_MS
from pulse.mode import STANDARD, Mode, Properties, left, withhold
from pulse.rejection import Reason, Rejection

SECONDS = range(1_000_000_000, 4_102_444_801)
"""Numbers that are moments since 2001 in seconds, and in ms some of the first weeks of 1970, of which nobody has events."""
Entropy = Callable[[int], int]
"""Gives a random number of so many bits."""


class Receipt(Struct, frozen=True, gc=False):
    """What is known of a request apart from its body; `received_at` and `sent_at` in ms since the epoch.

    `imports` where its key may import, `yields` where it asks that others go first, `unwilling` where the browser says
    that its visitor does not want to be followed (Global Privacy Control, Do Not Track). `mode` says what the site keeps.
    """

    site_id: str
    received_at: int
    secret: bool
    imports: bool = False
    yields: bool = False
    sent_at: int | None = None
    ip: str | None = None
    user_agent: str | None = None
    client_hints: str | None = None
    country: str | None = None
    unwilling: bool = False
    mode: Mode = STANDARD


Fault = tuple[Reason, str, str]
"""A reason, the field at fault, and what is wrong with it."""


def stamp(
    events: Sequence[Incoming], indexes: Sequence[int], receipt: Receipt, bounds: Bounds, entropy: Entropy
) -> tuple[Sequence[Incoming], Sequence[int], list[Rejection]]:
    """The events of a request, stamped in place, with their indexes, and those refused for their site or time."""
    site_id, received_at, imports = receipt.site_id, receipt.received_at, receipt.imports
    sent_at, is_seen = receipt.sent_at, not receipt.secret
    is_unwilling = is_seen and receipt.unwilling
    oldest = SECONDS.stop if imports else received_at - bounds.late_ms
    earliest, latest = received_at - SKEW_TOLERATED_MS, received_at + SKEW_TOLERATED_MS
    faults: dict[int, Fault] = {}
    for position, event in enumerate(events):
        ts = event.ts
        sent = event.sent_at
        is_plain = sent is sent_at is None or (sent.__class__ is int and earliest <= sent <= latest)
        if event.site_id or ts.__class__ is not int or not is_plain or ts < oldest:
            fault = _fault(event, receipt, bounds)
            if fault:
                faults[position] = fault
                continue
        event.site_id, event.received_at, event.imported = site_id, received_at, imports
        if event.event_id is None:
            event.event_id = uuid7(received_at, entropy(ENTROPY_BITS))
        if is_seen or event.ip is None:
            event.ip = receipt.ip
            event.country = event.country or receipt.country
        if is_seen or event.user_agent is None:
            event.user_agent, event.client_hints = receipt.user_agent, receipt.client_hints
        if is_unwilling and event.consent is None:
            event.consent = "denied"
    _hide(events, receipt.mode)
    return _without(events, indexes, faults) if faults else (events, indexes, [])


def _hide(events: Sequence[Incoming], mode: Mode) -> None:
    """Take away what the site does not keep, before anything of it is written anywhere."""
    if mode == STANDARD:
        return
    for event in events:
        may = withhold(event, mode)
        if may is not Properties.all:
            event.properties = left(event, may, event.properties)


def _without(
    events: Sequence[Incoming], indexes: Sequence[int], faults: Mapping[int, Fault]
) -> tuple[Sequence[Incoming], Sequence[int], list[Rejection]]:
    refused = [
        Rejection(indexes[position], reason, detail, field, events[position].event_id)
        for position, (reason, field, detail) in faults.items()
    ]
    kept = [position for position in range(len(events)) if position not in faults]
    return [events[position] for position in kept], [indexes[position] for position in kept], refused


def _fault(event: Incoming, receipt: Receipt, bounds: Bounds) -> Fault | None:
    if event.site_id and event.site_id != receipt.site_id:
        return _wrong_site(event.site_id, receipt.site_id)
    return _settle_time(event, receipt, bounds)


def _wrong_site(named: str, own: str) -> Fault:
    return Reason.wrong_site, "site_id", f"the key writes to site {own!r}, not to {named!r}"


def _settle_time(event: Incoming, receipt: Receipt, bounds: Bounds) -> Fault | None:
    """Make the event's times ms since the epoch, or say what is wrong with them.

    The client's clock is corrected in refinement; here it only tells whether the event is too old.
    """
    if event.ts is None:
        event.ts, event.sent_at = receipt.received_at, None
        return None
    ts, sent_at = to_ms(event.ts), receipt.sent_at if event.sent_at is None else to_ms(event.sent_at)
    if not 0 <= ts <= MAX_MS:
        return Reason.invalid, "ts", "outside of 1970 to 2100"
    if ts in SECONDS:
        return Reason.invalid, "ts", f"{ts} seems to be in seconds; times are in milliseconds"
    if sent_at is not None and not 0 <= sent_at <= MAX_MS:
        return Reason.invalid, "sent_at", "outside of 1970 to 2100"
    event.ts, event.sent_at = ts, sent_at
    counted, _ = event_time(ts, sent_at, receipt.received_at, bounds.early_ms)
    if not receipt.imports and is_too_old(counted, receipt.received_at, bounds.late_ms):
        days = bounds.late_ms / 86_400_000
        return Reason.too_old, "ts", f"older than {days:g} days; a key with events:import may send it"
    return None
