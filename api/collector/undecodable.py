"""What is no event, and why: the decoder's errors in the words of the contract."""

import re

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from pulse.event import UUID
from pulse.rejection import Reason, Rejection

UNDECODABLE = (DecodeError, UnicodeDecodeError, RecursionError)
"""All that decoding foreign bytes raises."""
DETAIL = 300

_AT = re.compile(r"^(?P<what>.*?)(?: - at (?P<name>`key` in )?`\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `([^`]*)`")
_NO_UUID = f"Expected `str` matching regex {UUID!r}"
_ESCAPE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a surrogate pair, or (in a group) a surrogate alone."""


class _Named(Struct):
    event_id: str | None = None


_named = json.Decoder(_Named)


def said(error: Exception) -> str:
    """A decoding error as a short sentence."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not text in UTF-8: {error.reason}"
    return str(error).replace(_NO_UUID, "Expected a UUID")[:DETAIL]


def rejection(index: int, error: Exception, line: bytes | Raw) -> Rejection:
    """Why a line is no event: its index, its id if one can be read, the field at fault and what is wrong."""
    event_id = _event_id(line)
    if not isinstance(error, ValidationError):
        return Rejection(index, Reason.malformed, said(error), None, event_id)
    what, at, is_name = _fault(said(error))
    reason = Reason.invalid
    if at == "properties" and " of length <= " in what:
        reason = Reason.too_many_properties
        what = f"{what}, for a name" if is_name else what
    return Rejection(index, reason, what, at, event_id)


def _fault(message: str) -> tuple[str, str | None, bool]:
    """What a validation error says, of which field, and whether of a name within it."""
    parts = _AT.match(message)
    if parts is None:
        return message, None, False
    missing = _MISSING.search(parts["what"])
    at = parts["path"] or (missing[1] if missing else None)
    return parts["what"], at, bool(parts["name"])


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
