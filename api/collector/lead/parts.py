"""A form whose body is in parts (multipart/form-data, RFC 7578), as pages with a field for files encode it by themselves.

Taken apart here, at once and in one pass: parsers of mail take half a second for some bodies of this size, and the loop waits.
"""

import re

from api.collector.answer import Problem, invalid
from api.collector.lead.bodies import MAX_FIELDS

MOST_PARTS = 2 * MAX_FIELDS
LONGEST_BOUNDARY = 70
"""Of RFC 2046."""
ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""What browsers write in place of what would end a name."""

_DISPOSITION = re.compile(rb"\r\ncontent-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)", re.IGNORECASE)
_PARAMETER = re.compile(rb';[ \t]*([A-Za-z*]+)=(?:"([^"]*)"|([^;"]*))')
_ESCAPE = re.compile("|".join(ESCAPED))


def in_parts(body: bytes) -> dict[str, list[str]]:
    """The texts by their names; files are left out. Raises Problem 400 for what is cut off, or is no such form."""
    body = body.lstrip()
    parts = (b"\r\n" + body).split(b"\r\n--" + _boundary(body))
    if len(parts) - 2 > MOST_PARTS:
        raise invalid("fields", f"are more than the {MOST_PARTS} parts that a form may send")
    if not parts[-1].startswith(b"--"):
        raise _malformed("is cut off before its last boundary")
    found: dict[str, list[str]] = {}
    for part in parts[1:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        if not gap:
            raise _malformed("holds a part without a text")
        name = _name(head)
        if name:
            found.setdefault(name, []).append(_text(content))
    return found


def _boundary(body: bytes) -> bytes:
    first = body.partition(b"\r\n")[0]
    boundary = first[2:].rstrip()
    if not first.startswith(b"--") or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise _malformed("does not begin with a boundary")
    return boundary


def _name(head: bytes) -> str:
    """The name of a part, empty for a file and for what is no field of a form."""
    disposition = _DISPOSITION.search(head)
    if disposition is None:
        return ""
    given = {name.lower(): quoted or plain.strip() for name, quoted, plain in _PARAMETER.findall(disposition[1])}
    if given.keys() & {b"filename", b"filename*"}:
        return ""
    return _ESCAPE.sub(lambda escape: ESCAPED[escape[0]], _text(given.get(b"name", b"")))


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _malformed("holds a text that is not UTF-8") from None


def _malformed(what: str) -> Problem:
    return Problem(400, "malformed", f"the body {what}: send multipart/form-data as forms do")
