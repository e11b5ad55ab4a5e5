"""Why foreign bytes are no event: the decoder's errors in the words of the contract."""

import re
from typing import NamedTuple

from msgspec import DecodeError, ValidationError

from pulse.event import COUNTRY, CURRENCY, UUID

UNDECODABLE = (DecodeError, UnicodeDecodeError, RecursionError)
"""All that decoding foreign bytes raises."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at (?P<name>`key` in )?`\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `([^`]*)`")
_NO_TIME = "not an ISO 8601 time or ms since the epoch"
_IN_WORDS = {
    f"Expected `str` matching regex {UUID!r}": "not a UUID",
    f"Expected `str` matching regex {COUNTRY!r}": "not a two-letter country code",
    f"Expected `str` matching regex {CURRENCY!r}": "not a three-letter currency code",
    "Invalid RFC3339 encoded datetime": _NO_TIME,
    "Expected `int | float | datetime": _NO_TIME,
    "Timestamp is out of range": _NO_TIME,
}
"""Beginnings of what the decoder says, and what is said in place of it."""


class Fault(NamedTuple):
    """What is wrong, of which field (None if of the whole), and whether it is a name within the field."""

    what: str
    field: str | None = None
    is_name: bool = False


def said(error: Exception) -> str:
    """A decoding error as a sentence."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not text in UTF-8: {error.reason}"
    text = str(error)
    return next((_instead(text, words) for beginning, words in _IN_WORDS.items() if text.startswith(beginning)), text)


def _instead(text: str, words: str) -> str:
    """The words, with the place of which the decoder speaks."""
    _, at, place = text.partition(" - at ")
    return words + at + place


def fault_of(error: Exception) -> Fault:
    """What a decoding error says, and of which field; one that is no ValidationError speaks of the whole."""
    text = said(error)
    parts = _AT.match(text)
    if parts is None or not isinstance(error, ValidationError):
        return Fault(text)
    missing = _MISSING.search(parts["what"])
    return Fault(parts["what"], parts["path"] or (missing[1] if missing else None), bool(parts["name"]))
