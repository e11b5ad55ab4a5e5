"""Devices that are followed: what counts, what an event's verdict makes of it, and that it does not hang on how records were cut."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from pulse.event import RefinedEvent
from pulse.ledger import HEADER
from pulse.risk.packed import Seen, Sighting
from pulse.topics import MAX_RECORD_BYTES
from streams import devices as following
from streams.devices import Devices, sightings_in
from streams.ledger import is_last
from streams.memory import Bounds, Memory
from streams.refinement import prepare, refine, settle
from tests.unit.streams_events import DAY, ID, LOG, NOW, STEPS, event, kept, raw, refined, taken

MINUTE = 60_000
WORDS = ("risk_confidence", "risk_reasons", "risk_rules")


def sighting_of(e: RefinedEvent) -> Sighting:
    """What an event without texts tells."""
    return following.sighting_of(e, e.asn, e.network)


def device(number: int, place: int = 0, **fields: Any) -> dict[str, Any]:
    """An event of a device at one of several places, in its own minute."""
    seen = {"ip": f"203.0.{place}.9", "session_id": f"s{place}", "country": ("AT", "DE", "US", "JP")[place % 4]}
    told = {"event_id": ID.format(number), "fingerprint_id": "f", "visitor_id": "v", "consent": "granted"}
    return raw(**seen, **told, received_at=NOW + number * MINUTE) | fields


def verdicts(*records: Sequence[dict[str, Any]], memory: Memory | None = None) -> list[dict[str, Any]]:
    """What is written of records one after the other."""
    memory = memory or Memory(DAY)
    found = []
    for offset, events in enumerate(records):
        found += kept(refined(*events, memory=memory, offset=offset))
    return found


def test_an_event_is_judged_by_where_its_device_was_seen() -> None:
    first, *_, last = verdicts(*([device(n, n)] for n in range(9)))
    assert "VEL_" not in first["risk_reasons"] if "risk_reasons" in first else True
    assert {"VEL_IPS", "VEL_COUNTRIES"} <= set(last["risk_reasons"].split(","))
    assert last["risk"] > first.get("risk", 0)


def test_only_devices_with_leave_are_followed() -> None:
    for without in ({"consent": None}, {"consent": "denied"}, {"fingerprint_id": None}, {"imported": True}):
        memory = Memory(DAY)
        alone = verdicts(*([device(n, n, **without)] for n in range(9)), memory=memory)
        assert len(memory.devices) == 0
        assert not any("VEL_" in each.get("risk_reasons", "") for each in alone)


def test_a_repetition_is_no_sighting() -> None:
    memory = Memory(DAY)
    verdicts([device(1, 0)], [device(1, 1, received_at=NOW + 9 * MINUTE)], memory=memory)
    assert memory.devices.seen(sighting_of(event(**device(2, 0)))) == Seen(1, 0, 1, 1, None)


def test_two_people_with_one_make_of_phone_are_apart() -> None:
    last = verdicts(*([device(n, n, visitor_id=f"v{n}")] for n in range(9)))[-1]
    assert "VEL_" not in last.get("risk_reasons", "")


def test_sites_and_fingerprints_are_apart() -> None:
    memory = Memory(DAY)
    verdicts([device(1, 0), device(2, 1, site_id="blog"), device(3, 2, fingerprint_id="g")], memory=memory)
    assert len(memory.devices) == 3
    assert memory.devices.seen(sighting_of(event(**device(4, 0)))).ips == 1


EVENTS = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 12)), min_size=1, max_size=12)


@settings(max_examples=40)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_what_is_written_tells_the_state_again(records: list[list[tuple[int, int]]]) -> None:
    memory, log, number = Memory(DAY), Devices(), 0
    for offset, record in enumerate(records):
        events = []
        for minute, place in record:
            number += 1
            events.append(device(number, place, received_at=NOW + minute * MINUTE))
        for made in refined(*events, memory=memory, offset=offset).events:
            log.read(made.value)
            log.read(made.value)
    after = sighting_of(event(**device(3_000, 1)))
    assert log.seen(after) == memory.devices.seen(after)


def test_a_record_that_was_written_in_part_is_finished_as_it_was_begun() -> None:
    events = [device(n, n % 9, properties={"long": "x" * 2_000}) for n in range(1_200)]
    whole = refined(*events)
    assert len(whole.events) > 2
    assert all(len(part.value) <= MAX_RECORD_BYTES for part in whole.events)
    memory = Memory(DAY)
    first = whole.events[0]
    memory.written(7, 0, [], NOW, LOG)
    memory.devices.read(first.value)
    rest = refine(taken(*events), LOG, memory, STEPS)
    assert rest is not None
    assert [part.value for part in rest.events] == [part.value for part in whole.events[1:]]


def test_a_record_that_was_written_whole_is_not_refined_again() -> None:
    events = [device(n, n % 9, properties={"long": "x" * 2_000}) for n in range(1_200)]
    whole = refined(*events)
    are_last = [is_last([(HEADER, part.ledger)]) for part in whole.events]
    assert are_last == [False] * (len(whole.events) - 1) + [True]
    memory = Memory(DAY)
    for number, part in enumerate(whole.events):
        memory.written(7, number, [], NOW, LOG, is_last([(HEADER, part.ledger)]))
    assert refine(taken(*events), LOG, memory, STEPS) is None
    assert refine(taken(*events, offset=8), LOG, memory, STEPS) is not None


def test_those_met_longest_ago_are_forgotten_for_want_of_room() -> None:
    devices = Devices(lambda: 3_000)
    for number in range(40):
        devices.see([sighting_of(event(**device(number, fingerprint_id=f"f{number}")))])
        assert devices.known.nbytes <= 2_250
    assert devices.known.forgotten == 40 - len(devices) >= 25
    assert devices.seen(sighting_of(event(**device(39, fingerprint_id="f39")))).ips == 1


def test_who_counts_no_more_is_forgotten_without_being_counted() -> None:
    devices = Devices()
    for day in range(4):
        devices.see([sighting_of(event(**device(day * 2_000, fingerprint_id=f"f{day}")))])
    assert len(devices) == 2
    assert devices.known.forgotten == 0


def test_partitions_share_the_room() -> None:
    bounds = Bounds(devices_bytes=100, partitions=4)
    assert bounds.devices_each() == 25


def test_a_line_that_cannot_be_read_tells_nothing() -> None:
    good = json.encode(device(1))
    assert len(sightings_in(b"\n".join([good, b'{"fingerprint_id": 7}', b"{", good, b""]))) == 2


def test_none_is_too_old_while_reading_back_however_they_come() -> None:
    devices = Devices()
    for number, minute in enumerate((9_000, 3_000, 9_001, 1)):
        devices.known.load(number, [minute], minute)
    assert len(devices) == 4
    devices.see([sighting_of(event(**device(0)))], NOW)


def test_a_clock_that_runs_ahead_makes_nobody_old() -> None:
    devices = Devices()
    devices.see([sighting_of(event(**device(0)))], NOW)
    for number in (1, 2):
        early = sighting_of(event(**device(number * 9_000_000, fingerprint_id=f"f{number}")))
        devices.see([early], NOW + number * MINUTE)
    assert len(devices) == 3
    later = 2_000
    devices.see([sighting_of(event(**device(later, fingerprint_id="g")))], NOW + later * MINUTE)
    devices.see([sighting_of(event(**device(2 * later, fingerprint_id="h")))], NOW + 2 * later * MINUTE)
    assert (len(devices), devices.known.forgotten) == (2, 0)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=80))
def test_each_line_has_what_is_said_of_its_device_be_it_new_or_not(seen: list[tuple[int, int]]) -> None:
    events = [device(n, place, visitor_id=f"v{who}", title=f"t{n}") for n, (who, place) in enumerate(seen)]
    prepared, memory = prepare(taken(*events), LOG, STEPS), Memory(DAY)
    settled = settle(prepared, LOG, memory, set())
    assert settled is not None
    said = [each.opinion.judge(memory.devices.seen(sighting_of(each.event))) for each in prepared.met]
    lines = kept(settled)
    assert [(line.get("risk", 0), line["risk_band"], line.get("risk_bot", 0)) for line in lines] == [
        (scores[0], scores[1], scores[6]) for scores, _ in said
    ]
    assert [tuple(line.get(name, "") for name in WORDS) for line in lines] == [words for _, words in said]
    assert [line["title"] for line in lines] == [event["title"] for event in events]
