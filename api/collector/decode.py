"""From a body to its events: all at once where all are good, one by one where one is not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, ValidationError, defstruct, json, structs

from api.collector.answer import Problem, invalid
from api.collector.undecodable import bare_surrogates, rejection, said
from pulse.event import MAX_EVENTS_PER_REQUEST, MAX_PROPERTIES, MAX_PROPERTY_NAME, Moment, RawEvent
from pulse.rejection import Rejection
from pulse.undecoded import UNDECODABLE
from pulse.uuids import have_good_ids

COUNTED_BEYOND = 1024 * 1024
"""A body larger than this is counted before it is decoded, lest millions of tiny events fill the memory."""

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\s][^\n]*")

_Name = Annotated[str, Meta(max_length=MAX_PROPERTY_NAME)]


class Incoming(RawEvent, kw_only=True, omit_defaults=True, gc=False):
    """An event of a request: an accepted one once it is stamped. The limits on properties stand in the type."""

    properties: Annotated[dict[_Name, Any], Meta(max_length=MAX_PROPERTIES)] | None = None


class _Likely(Incoming, kw_only=True, omit_defaults=True, gc=False):
    """An event whose id is still to be looked at, with those of all others."""

    event_id: str | None = None


class _Envelope(Struct):
    """`{"events": […], "sent_at": …}`."""

    events: list[_Likely]
    sent_at: Moment | None = None


class _Opened(Struct):
    """An object whose parts are not looked into: an event, an envelope, or neither."""

    event: Raw | UnsetType = UNSET
    events: Raw | UnsetType = UNSET
    sent_at: Raw | UnsetType = UNSET


_Parts = defstruct(
    "_Parts",
    [(f"part_{i}", Raw | UnsetType, UNSET) for i in range(MAX_EVENTS_PER_REQUEST + 1)],
    array_like=True,
)
"""An array as its first 2,001 elements, undecoded. A list would hold them all, however many there are."""

_event = json.Decoder(Incoming)
_likely = json.Decoder(_Likely)
_likely_events = json.Decoder(list[_Likely])
_envelope = json.Decoder(_Envelope)
_opened = json.Decoder(_Opened)
_parts = json.Decoder(_Parts)
_moment = json.Decoder(Moment | None)


@dataclass(slots=True)
class Decoded:
    """A request's events, each with its index in the request, and those that are none."""

    events: Sequence[Incoming]
    indexes: Sequence[int]
    refused: list[Rejection] = field(default_factory=list)
    sent_at: Moment | None = None


def decode(body: bytes, lines: bool) -> Decoded:
    """The events of a body: one, an array, an envelope, or (always so if `lines`) NDJSON.

    Raises Problem: 400 for a body without an event or that is no JSON, 413 for more than 2,000 events.
    """
    body = body.removeprefix(_BOM)
    try:
        return _decode(body, lines)
    except Problem as fault:
        bared = bare_surrogates(body) if fault.name == "malformed" else body
        if bared == body:
            raise
        return _decode(bared, lines)


def _decode(body: bytes, lines: bool) -> Decoded:
    start = body[:1] if body[:1] in (b"{", b"[") else body.lstrip()[:1]
    if not start:
        raise Problem(400, "empty", "the body is empty: send at least one event")
    if lines:
        return _decode_lines(body)
    return _decode_array(body) if start == b"[" else _decode_object(body)


def _decode_array(body: bytes | Raw, sent_at: Moment | None = None) -> Decoded:
    if len(memoryview(body)) <= COUNTED_BEYOND or len(_open_array(body)) <= MAX_EVENTS_PER_REQUEST:
        events = _all_or_none(_likely_events.decode, body)
        if events is not None:
            return _all_good(events, sent_at)
    return _one_by_one(_open_array(body), sent_at)


def _open_array(body: bytes | Raw) -> list[Raw]:
    """The undecoded elements of an array, at most 2,001; raises Problem 400 if it is no JSON."""
    try:
        return [part for part in structs.astuple(_parts.decode(body)) if part is not UNSET]
    except UNDECODABLE as error:
        raise _malformed(error) from None


def _decode_object(body: bytes) -> Decoded:
    if b'"events"' in body:
        found = _decode_envelope(body)
        if found is not None:
            return found
    try:
        return Decoded([_one(body)], range(1))
    except ValidationError as error:
        return Decoded([], (), [rejection(0, error, body)])
    except UNDECODABLE as error:
        if _looks_like_lines(body):
            return _decode_lines(body)
        raise _malformed(error) from None


def _decode_envelope(body: bytes) -> Decoded | None:
    """The events of an envelope; None if the object is none, and then an event or nothing."""
    if len(body) <= COUNTED_BEYOND:
        try:
            whole = _envelope.decode(body)
            if have_good_ids(whole.events):
                return _all_good(whole.events, whole.sent_at)
        except UNDECODABLE:
            pass
    try:
        opened = _opened.decode(body)
    except UNDECODABLE:
        return None
    if isinstance(opened.events, UnsetType) or not (opened.event is UNSET or _is_array(opened.events)):
        return None
    if not _is_array(opened.events):
        raise invalid("events", "is not an array")
    return _decode_array(opened.events, _sent_at(opened.sent_at))


def _is_array(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"["


def _sent_at(raw: Raw | UnsetType) -> Moment | None:
    try:
        return None if isinstance(raw, UnsetType) else _moment.decode(raw)
    except UNDECODABLE as error:
        raise invalid("sent_at", said(error)) from None


def _decode_lines(body: bytes) -> Decoded:
    if body.count(b"\n") <= MAX_EVENTS_PER_REQUEST:
        events = _all_or_none(_likely.decode_lines, body)
        if events is not None:
            return _all_good(events, None)
    found = islice(_LINE.finditer(bare_surrogates(body)), MAX_EVENTS_PER_REQUEST + 1)
    return _one_by_one([line.group() for line in found], None)


def _looks_like_lines(body: bytes) -> bool:
    """Whether a body that is no JSON is rather NDJSON: its first line is closed, and more follows."""
    first, _, more = body.strip().partition(b"\n")
    return bool(more) and first.rstrip().endswith(b"}")


def _all_or_none(read: Callable[[bytes | Raw], list[_Likely]], body: bytes | Raw) -> list[_Likely] | None:
    """All events of a body at once; None if one is bad: then each is looked into."""
    try:
        events = read(body)
    except UNDECODABLE:
        return None
    return events if have_good_ids(events) else None


def _one(part: bytes | Raw) -> Incoming:
    """An event; raises what the contract's decoder says. Of equal names the last counts, be the others what they may."""
    try:
        return _event.decode(part)
    except ValidationError:
        alone = _all_or_none(_alone, part)
        if alone is None:
            raise
        return alone[0]


def _alone(part: bytes | Raw) -> list[_Likely]:
    return [_likely.decode(part)]


def _all_good(events: Sequence[Incoming], sent_at: Moment | None) -> Decoded:
    _check_count(len(events))
    return Decoded(events, range(len(events)), sent_at=sent_at)


def _one_by_one(parts: Sequence[bytes | Raw], sent_at: Moment | None) -> Decoded:
    _check_count(len(parts))
    events, indexes, refused = [], [], []
    for index, part in enumerate(parts):
        try:
            events.append(_one(part))
            indexes.append(index)
        except UNDECODABLE as error:
            refused.append(rejection(index, error, part))
    return Decoded(events, indexes, refused, sent_at)


def _check_count(count: int) -> None:
    if not count:
        raise Problem(400, "empty", "the request holds no event: send at least one")
    if count > MAX_EVENTS_PER_REQUEST:
        raise Problem(
            413,
            "too_many_events",
            f"the request holds more than {MAX_EVENTS_PER_REQUEST:,} events: send them in several requests",
        )


def _malformed(error: Exception) -> Problem:
    return Problem(400, "malformed", f"the body is not JSON: {said(error)}")
