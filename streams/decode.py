"""From a raw record to its events: some at a time where all of these are good, line by line where one is not."""

import re
from collections.abc import Iterator, Sequence
from itertools import filterfalse
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Raw, Struct, ValidationError, json, structs

from pulse.event import MAX_EVENT_BYTES, MAX_MS, RawEvent, RefinedEvent
from pulse.network.cut import network_of
from pulse.rejection import Reason, Refused
from pulse.undecoded import UNDECODABLE as UNDECODABLE
from pulse.undecoded import fault_of
from pulse.uuids import have_good_ids
from streams.steps.step import Refusal

MAX_RAW_BYTES = 16 * 1024 * 1024
"""The largest raw record that is looked into: what is made of it must fit into the parts that a place can number."""
AT_ONCE = 64
"""So many events, with all that is made of them, fit into the processor's own cache; more go there and back for each step."""
LINE_KEPT = 4096
_ADDRESS = re.compile(rb'("ip"\s*:\s*")([^"]*)')
_DEVICE = re.compile(rb'("(?:user_agent|client_hints|fingerprint_id)"\s*:\s*")(?:[^"\\]|\\.)*', re.DOTALL)
_SIGNALS = b'"device_signals"'
DETAIL_KEPT = 300


class _Accepted(RawEvent, kw_only=True, omit_defaults=True, gc=False):
    """An event as the contract has it on the raw log, its properties not looked into."""

    properties: Raw = None  # type: ignore[assignment]


class _LikelyAccepted(_Accepted, kw_only=True, omit_defaults=True, gc=False):
    """The same, its id still to be looked at."""

    event_id: str | None = None


_NoText = Annotated[str, Meta(max_length=0)]
_NoNumber = Annotated[int, Meta(ge=0, le=0)]


class _Likely(RefinedEvent, kw_only=True, omit_defaults=True, gc=False):
    """An event that is to be refined, its id still to be looked at, with those of all others.

    What refinement may leave as it is, since it puts it into another field's text, is not there yet.
    """

    event_id: str | None = None
    as_org: _NoText = ""
    as_entropy: Annotated[float, Meta(ge=0, le=0)] = 0.0
    network: _NoText = ""
    network_source: _NoText = ""
    network_days: _NoNumber = 0
    bot: _NoNumber = False  # type: ignore[assignment]
    bot_name: _NoText = ""
    bot_kind: _NoText = ""
    bot_claim: _NoText = ""
    risk: _NoNumber = 0
    risk_band: _NoText = ""
    risk_vpn: _NoNumber = 0
    risk_proxy: _NoNumber = 0
    risk_tor: _NoNumber = 0
    risk_relay: _NoNumber = 0
    risk_bot: _NoNumber = 0
    risk_tamper: _NoNumber = 0
    risk_confidence: _NoText = ""
    risk_reasons: _NoText = ""
    risk_rules: _NoText = ""


class _Named(Struct):
    """What a refused line may still tell of itself."""

    site_id: Any = None
    event_id: Any = None
    received_at: Any = None


_events = json.Decoder(_Likely)
_accepted = json.Decoder(_Accepted)
_likely_accepted = json.Decoder(_LikelyAccepted)
_named = json.Decoder(_Named)


class Decoded(NamedTuple):
    """The events of a record, each with its line and the line's number, and the lines that are none."""

    events: Sequence[RefinedEvent]
    lines: Sequence[bytes]
    indexes: Sequence[int]
    refused: list[Refused]


def decode(value: bytes) -> Iterator[Decoded]:
    """The events of a record's lines, some at a time. Never raises; what refinement is to add may stand in them and means nothing."""
    if len(value) > MAX_RAW_BYTES:
        why = Refusal(Reason.too_large, "", f"a record of {len(value):,} bytes, of at most {MAX_RAW_BYTES:,}")
        yield Decoded([], [], [], [refused(value, 0, why)])
        return
    lines = list(filterfalse(bytes.isspace, filter(None, value.split(b"\n"))))
    for first in range(0, len(lines), AT_ONCE):
        yield _decoded(lines[first : first + AT_ONCE], first)


def _decoded(lines: Sequence[bytes], first: int) -> Decoded:
    try:
        events = _events.decode_lines(b"\n".join(lines))
    except UNDECODABLE:
        return _line_by_line(lines, first)
    if len(events) != len(lines) or max(map(len, lines)) > MAX_EVENT_BYTES or not have_good_ids(events):
        return _line_by_line(lines, first)
    return Decoded(events, lines, range(first, first + len(lines)), [])


def anew(lines: Sequence[bytes]) -> Sequence[RefinedEvent]:
    """The events of lines that were decoded before, as if no step had been taken with them."""
    return _decoded(lines, 0).events


def _line_by_line(lines: Sequence[bytes], first: int) -> Decoded:
    events: list[RefinedEvent] = []
    kept, indexes, bad = [], [], []
    for index, line in enumerate(lines, first):
        try:
            events.append(RefinedEvent(**structs.asdict(_one(line))))
            kept.append(line)
            indexes.append(index)
        except (*UNDECODABLE, OversizedError) as error:
            bad.append(refused(line, index, _why(error)))
    return Decoded(events, kept, indexes, bad)


def _one(line: bytes) -> _Accepted:
    """An event; raises what the contract's decoder says. Of equal names the last counts, be the others what they may."""
    if len(line) > MAX_EVENT_BYTES:
        raise OversizedError(len(line))
    try:
        return _accepted.decode(line)
    except ValidationError:
        event = _likely_one(line)
        if event is None:
            raise
        return event


def _likely_one(line: bytes) -> _Accepted | None:
    try:
        event = _likely_accepted.decode(line)
    except UNDECODABLE:
        return None
    return event if have_good_ids([event]) else None


class OversizedError(Exception):
    """A line is larger than an event may be."""


def refused(line: bytes, index: int, why: Refusal, event: RefinedEvent | None = None) -> Refused:
    """A refused line as it is kept: what it tells of itself, why it was refused, and its beginning."""
    site_id, event_id, received_at = (
        _told(line) if event is None else (event.site_id, event.event_id, event.received_at)
    )
    return Refused(
        site_id=site_id or "",
        event_id=event_id or "",
        received_at=received_at,
        reason=why.reason.value,
        field=why.field,
        detail=why.detail[:DETAIL_KEPT],
        line=_masked(line[:LINE_KEPT]).decode(errors="replace"),
        index=index,
    )


def _masked(line: bytes) -> bytes:
    """What stands in the raw log alone leaves it nowhere, not even where its event is refused: whole address and user agent, a device's signals."""
    if _SIGNALS in line:
        line = line.partition(b'"properties"')[0]
    return _DEVICE.sub(rb"\1", _ADDRESS.sub(_network, line))


def _network(found: re.Match[bytes]) -> bytes:
    return found[1] + (network_of(found[2].decode(errors="replace")) or "").encode()


def _told(line: bytes) -> tuple[str, str, int]:
    try:
        named = _named.decode(line[: 2 * MAX_EVENT_BYTES])
    except UNDECODABLE:
        return "", "", 0
    received_at = named.received_at if type(named.received_at) is int else 0
    return _word(named.site_id), _word(named.event_id), received_at if 0 <= received_at <= MAX_MS else 0


def _word(value: object) -> str:
    return value[:64] if isinstance(value, str) else ""


def _why(error: Exception) -> Refusal:
    if isinstance(error, OversizedError):
        return Refusal(Reason.too_large, "", f"{error.args[0]:,} bytes, of at most {MAX_EVENT_BYTES:,}")
    what, field, _ = fault_of(error)
    return Refusal(Reason.invalid if isinstance(error, ValidationError) else Reason.malformed, field or "", what)
