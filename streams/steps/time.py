"""When it happened."""

from collections.abc import Sequence

from pulse.clock import SKEW_TOLERATED_MS, Bounds, event_time, to_ms
from pulse.event import MAX_MS, RefinedEvent
from pulse.rejection import Reason
from streams.steps.step import Arrival, Refusal, Step, Together


def put_received_at(early_ms: int) -> Step:
    """What names no moment of receipt, or one after it was written to the log, was received when it was written."""

    def put_all(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        if (written := arrival.timestamp) > 0:
            latest = written + early_ms
            for event in events:
                if not 0 < event.received_at <= latest:
                    event.received_at = written
        return True

    def put(event: RefinedEvent, arrival: Arrival) -> None:
        put_all((event,), arrival)

    return Together(put, put_all)


def put_time(early_ms: int) -> Step:
    """The event's time in ms, corrected for the client's clock; `clock` says what was done."""

    def put(event: RefinedEvent, arrival: Arrival) -> Refusal | None:
        event.clock = ""
        return correct(event, early_ms) if unclear((event,), early_ms) else None

    def put_all(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        for event in events:
            if event.clock:
                event.clock = ""
        return all([correct(event, early_ms) is None for event in unclear(events, early_ms)])  # noqa: C419 - a list is quicker

    return Together(put, put_all)


def unclear(events: Sequence[RefinedEvent], early_ms: int) -> list[RefinedEvent]:
    """Those whose time cannot be left as it is."""
    found = []
    for event in events:
        received_at, ts, sent_at = event.received_at, event.ts, event.sent_at
        if not (ts.__class__ is int and ts <= received_at + early_ms) or not (
            sent_at is None
            or (sent_at.__class__ is int and -SKEW_TOLERATED_MS <= received_at - sent_at <= SKEW_TOLERATED_MS)
        ):
            found.append(event)
    return found


def correct(event: RefinedEvent, early_ms: int) -> Refusal | None:
    """Bring an event's time into ms, and correct it; refused is what is no time of ours.

    What is imported was sent to somebody else at its time, which tells nothing of the clock.
    """
    received_at, ts, sent_at = event.received_at, event.ts, event.sent_at
    if ts is None:
        ts, sent_at = received_at, None
    ts = ts if ts.__class__ is int else to_ms(ts)
    if sent_at is not None:
        sent_at = sent_at if sent_at.__class__ is int else to_ms(sent_at)
        if not 0 <= sent_at <= MAX_MS:
            return Refusal(Reason.invalid, "sent_at", "outside of 1970 to 2100")
    if not 0 <= ts <= MAX_MS:
        return Refusal(Reason.invalid, "ts", "outside of 1970 to 2100")
    event.sent_at = sent_at
    event.ts, event.clock = event_time(ts, None if event.imported else sent_at, received_at, early_ms)
    return None


def drop_too_old(bounds: Bounds) -> Step:
    """Late events are taken up to a limit, which those of a key that may import have not."""
    late_ms, days = bounds.late_ms, bounds.late_ms / 86_400_000
    refusal = Refusal(Reason.too_old, "ts", f"older than {days:g} days; a key with events:import may send it")

    def none_is(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        return not [e for e in events if e.ts < e.received_at - late_ms and not e.imported]  # type: ignore[operator]

    def drop(event: RefinedEvent, arrival: Arrival) -> Refusal | None:
        return None if none_is((event,), arrival) else refusal

    return Together(drop, none_is)
