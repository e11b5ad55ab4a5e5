"""How deeply JSON is nested: told of its bytes, without decoding them."""

import re
from itertools import accumulate

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def is_within(text: bytes, levels: int) -> bool:
    """Whether valid JSON has at most so many levels. Nearly all is told by counting its brackets, which is quick."""
    return text.count(b"{") + text.count(b"[") <= levels or depth(text) <= levels


def depth(text: bytes) -> int:
    """The levels of arrays and objects in valid JSON: 0 for a scalar, 1 for ``{"a": 1}``."""
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
