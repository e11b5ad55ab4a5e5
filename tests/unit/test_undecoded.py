"""What is said of values that are no part of the contract: words, never a pattern."""

import pytest
from msgspec import ValidationError, json

from api.collector.decode import decode
from pulse.event import RawEvent
from pulse.undecoded import fault_of

NO_TIME = "not an ISO 8601 time or ms since the epoch"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("country", "Austria", "not a two-letter country code"),
        ("currency", "EURO", "not a three-letter currency code"),
        ("event_id", "17", "not a UUID"),
        ("ts", "yesterday", NO_TIME),
        ("ts", "2026-02-30T00:00:00Z", NO_TIME),
        ("ts", True, NO_TIME),
        ("sent_at", "soon", NO_TIME),
    ],
)
def test_a_refusal_is_told_in_words(field: str, value: object, said: str) -> None:
    body = json.encode({"event": "e", field: value})
    [refused] = decode(body, lines=False).refused
    assert (refused.field, refused.detail) == (field, said)
    with pytest.raises(ValidationError, match=field) as error:
        json.decode(body, type=RawEvent)
    assert fault_of(error.value)[:2] == (said, field)
