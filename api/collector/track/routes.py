"""The paths of /track/…, and how the bodies sent there are read."""

from typing import TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType, defstruct, json, structs

from api.collector import answer
from api.collector.answer import Problem, invalid
from api.collector.decode import Decoded, Incoming
from api.collector.form import Form, Sent
from api.collector.ids import ENTROPY_BITS, uuid7
from api.collector.stamp import Entropy, Receipt
from api.collector.track.bodies import MAX_BATCH, Ended, Happening, SessionEnd, SessionStart, Stored
from api.collector.track.events import DENIED, ended, happened, started
from api.collector.undecodable import bare_surrogates, rejection, said
from pulse.clock import to_ms
from pulse.event import Identity
from pulse.rejection import Rejection
from pulse.undecoded import UNDECODABLE, fault_of

MAX_BYTES = 4 * 1024 * 1024
"""Larger than a hundred events ever are."""
OK = 200

Body = TypeVar("Body")

_start = json.Decoder(SessionStart)
_happening = json.Decoder(Happening)
_end = json.Decoder(SessionEnd)


_Parts = defstruct("_Parts", [(f"part_{i}", Raw | UnsetType, UNSET) for i in range(MAX_BATCH + 1)], array_like=True)
"""An array as its first elements, one more than may be. A list would hold them all, however many there are."""


class _Batch(Struct):
    """Either this or a bare array; what the batch names goes for all of its events."""

    events: _Parts  # type: ignore[valid-type]
    session_id: Identity | None = None
    visitor_id: Identity | None = None


_batch = json.Decoder(_Batch)
_array = json.Decoder(_Parts)


def _read(decoder: "json.Decoder[Body]", body: bytes) -> Body:
    """A body; raises Problem 400 naming the field at fault, or that it is no JSON."""
    try:
        return decoder.decode(bare_surrogates(body))
    except UNDECODABLE as error:
        fault = fault_of(error)
        if fault.field is None:
            raise Problem(400, "malformed", f"the body is not what is sent here: {said(error)}") from None
        raise invalid(fault.field, fault.what) from None


def _one(event: Incoming, told: Struct) -> Sent:
    content = json.encode(told)
    return Sent(Decoded([event], range(1)), lambda _, __: content)


def _session_start(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    session_id, stranger = (uuid7(receipt.received_at, entropy(ENTROPY_BITS)) for _ in range(2))
    return _one(*started(_read(_start, body), receipt, session_id, stranger))


def _event(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    told = _read(_happening, body)
    if told.session_id is None:
        raise invalid("session_id", "is missing")
    told.event_id = told.event_id or uuid7(receipt.received_at, entropy(ENTROPY_BITS))
    return _one(_willing(happened(told), receipt), Stored(told.event_id, receipt.received_at))


def _session_end(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    told = _read(_end, body)
    at = receipt.received_at if told.timestamp is None else to_ms(told.timestamp)
    return _one(_willing(ended(told), receipt), Ended(told.session_id, at))


def _events_batch(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    batch = _Batch(_read(_array, body)) if body.lstrip()[:1] == b"[" else _read(_batch, body)
    parts = [part for part in structs.astuple(batch.events) if part is not UNSET]
    if not 1 <= len(parts) <= MAX_BATCH:
        raise invalid("events", f"are 1 to {MAX_BATCH} in a batch, not {'more' if parts else 'none'}")
    events: list[Incoming] = []
    indexes: list[int] = []
    refused: list[Rejection] = []
    for index, part in enumerate(parts):
        try:
            told = _happening.decode(part)
        except UNDECODABLE as error:
            refused.append(rejection(index, error, part))
            continue
        told.session_id = told.session_id or batch.session_id
        told.visitor_id = told.visitor_id or batch.visitor_id
        events.append(_willing(happened(told), receipt))
        indexes.append(index)
    return Sent(Decoded(events, indexes, refused), answer.accepted)


def _willing(event: Incoming, receipt: Receipt) -> Incoming:
    if receipt.unwilling:
        event.consent = DENIED
    return event


TRACK = {
    "/track/session/start": Form(_session_start, MAX_BYTES, OK),
    "/track/event": Form(_event, MAX_BYTES, OK),
    "/track/events/batch": Form(_events_batch, MAX_BYTES, OK),
    "/track/session/end": Form(_session_end, MAX_BYTES, OK),
}
