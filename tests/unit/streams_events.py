"""Raw events and records for the tests of the streams."""

from typing import Any

from msgspec import json

from pulse.event import RefinedEvent
from pulse.settings import Settings
from streams.decode import Decoded, decode
from streams.memory import Memory
from streams.record import Taken
from streams.refinement import Refined, refine, steps_of
from streams.steps.step import Arrival

NOW = 1_800_000_000_000
DAY = 86_400_000
LOG = "log-1"
SETTINGS = Settings(secret="a secret of the tests", networks="no such folder")
STEPS = steps_of(SETTINGS)
ID = "0198c0de-0000-7000-8000-{:012x}"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def raw(**fields: Any) -> dict[str, Any]:
    """An accepted event as the collector writes it."""
    return {"event": "page_view", "site_id": "shop", "received_at": NOW, "ts": NOW} | fields


def taken(*events: dict[str, Any] | bytes, offset: int = 7, partition: int = 0, at: int = NOW) -> Taken:
    """A raw record of events, or of lines as they are."""
    lines = [event if isinstance(event, bytes) else json.encode(event) for event in events]
    return Taken("pulse.events.raw", partition, offset, at, b"\n".join([*lines, b""]))


def refined(*events: dict[str, Any] | bytes, memory: Memory | None = None, offset: int = 7, at: int = NOW) -> Refined:
    """What becomes of a record of events."""
    made = refine(taken(*events, offset=offset, at=at), LOG, memory or Memory(DAY), STEPS)
    assert made is not None
    return made


def decoded(value: bytes) -> Decoded:
    """All that is decoded of a record's value."""
    some = list(decode(value))
    return Decoded(
        [event for each in some for event in each.events],
        [line for each in some for line in each.lines],
        [index for each in some for index in each.indexes],
        [line for each in some for line in each.refused],
    )


def kept(made: Refined) -> list[dict[str, Any]]:
    """The events of the output, as they are written."""
    return [json.decode(line) for record in made.events for line in record.value.splitlines()]


def refused(made: Refined) -> list[dict[str, Any]]:
    """The refused lines, as they are written."""
    return [json.decode(line) for record in made.refused for line in record.value.splitlines()]


def only(*events: dict[str, Any] | bytes) -> dict[str, Any]:
    """The one event that is kept of a record."""
    [event] = kept(refined(*events))
    return event


def refusal(event: dict[str, Any] | bytes) -> tuple[str, str]:
    """Why a line is refused, and the field at fault."""
    made = refined(event)
    [line] = refused(made)
    assert not kept(made)
    return line["reason"], line.get("field", "")


def event(**fields: Any) -> RefinedEvent:
    """An event as it comes to a step."""
    return json.decode(json.encode(raw(**fields)), type=RefinedEvent)


def arrival(index: int = 0, offset: int = 7) -> Arrival:
    """Where such an event comes from."""
    return Arrival(LOG, 0, offset, NOW, index)
