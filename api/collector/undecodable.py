"""What is no event, and why: the decoder's errors in the words of the contract."""

import re

from msgspec import Raw, Struct, ValidationError, json

from pulse import undecoded
from pulse.rejection import Reason, Rejection
from pulse.undecoded import UNDECODABLE

DETAIL = 300

_ESCAPE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a surrogate pair, or (in a group) a surrogate alone."""


class _Named(Struct):
    event_id: str | None = None


_named = json.Decoder(_Named)


def said(error: Exception) -> str:
    """A decoding error as a short sentence."""
    return undecoded.said(error)[:DETAIL]


def rejection(index: int, error: Exception, line: bytes | Raw) -> Rejection:
    """Why a line is no event: its index, its id if one can be read, the field at fault and what is wrong."""
    event_id = _event_id(line)
    if not isinstance(error, ValidationError):
        return Rejection(index, Reason.malformed, said(error), None, event_id)
    what, at, is_name = undecoded.fault_of(error)
    reason = Reason.invalid
    if at == "properties" and " of length <= " in what:
        reason = Reason.too_many_properties
        what = f"{what}, for a name" if is_name else what
    return Rejection(index, reason, what[:DETAIL], at, event_id)


def _event_id(line: bytes | Raw) -> str | None:
    try:
        named = _named.decode(line).event_id
    except UNDECODABLE:
        return None
    return named and named[:64]


def bare_surrogates(body: bytes) -> bytes:
    """A body with each escaped lone surrogate written as the three bytes that are no UTF-8.

    The decoder takes such an escape for the end of all input, but these bytes for a fault of one string: so
    that half an emoji costs one event, and not the whole request.
    """
    return _ESCAPE.sub(_bare, body) if b"\\ud" in body or b"\\uD" in body else body


def _bare(escape: "re.Match[bytes]") -> bytes:
    return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass") if escape[1] else escape[0]
