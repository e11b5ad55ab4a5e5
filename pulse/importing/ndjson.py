"""Lines of NDJSON, each an event of the contract."""

from collections.abc import Iterable, Iterator

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from pulse.importing.line import Broken, Found, broken

_object = Decoder(dict[str, Raw])
ABSENT = b"null"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def events(lines: Iterable[tuple[int, bytes]]) -> Iterator[Found | Broken]:
    """What each numbered line is: its values are passed on as they stand; raises nothing."""
    for number, line in lines:
        text = line.removeprefix(BYTE_ORDER_MARK).strip()
        if text:
            yield _event(number, text)


def _event(number: int, line: bytes) -> Found | Broken:
    try:
        line.decode()
        event = _object.decode(line)
    except UnicodeDecodeError:
        return broken(number, line, "not text in UTF-8")
    except (DecodeError, RecursionError) as why:
        return broken(number, line, f"not a JSON object: {why}")
    has_id = bytes(event.get("event_id", ABSENT)) != ABSENT
    return Found(number, event, None if has_id else line)
