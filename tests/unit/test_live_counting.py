"""What the live view counts, by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from api.live import counting as counting_module
from api.live.counting import ACTIVE_MS, LEAST_VISITORS, MOST_KEYS, STEP_MS, Counting
from api.live.event import Brief, property_of, shown
from api.live.message import TEXT, closing, frame
from api.live.position import Mark, Where
from api.live.record import Repetitions, items, read
from api.live.rule import Rule
from pulse.place import Place
from pulse.topics import ALERTS, EVENTS

NOW = 1_763_640_030_000
MINUTE = 60_000
MANY = 1_000_000


def event(ts: int = NOW, **fields: object) -> Brief:
    return Brief(event=str(fields.pop("event", "page_view")), ts=ts, site_id="shop", **fields)  # type: ignore[arg-type]


def test_a_second_has_what_came_since_the_last() -> None:
    counting = Counting(MANY)
    counting.add([event(), event(event="buy"), event(NOW - 86_400_000)], NOW)
    assert counting.second("shop", NOW)["events"] == 3
    assert counting.second("shop", NOW)["page_views"] == 2
    until = counting.total("shop")
    counting.add([event()], NOW)
    assert counting.second("shop", NOW, until)["events"] == 1
    assert counting.second("other", NOW) == {"at": NOW, "events": 0, "page_views": 0, "visitors": 0}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2 * ACTIVE_MS // STEP_MS, 0)), max_size=30))
def test_visitors_are_those_of_the_last_five_minutes_by_the_time_of_their_events(seen: list[tuple[str, int]]) -> None:
    counting = Counting(MANY)
    counting.add([event(NOW + steps * STEP_MS, visitor_id=visitor) for visitor, steps in seen], NOW)
    for later in (0, ACTIVE_MS // 2, ACTIVE_MS):
        expected = {visitor for visitor, steps in seen if steps * STEP_MS > later - ACTIVE_MS}
        assert counting.second("shop", NOW + later)["visitors"] == len(expected)
        counting.sweep(NOW + later)


def test_an_aggregate_has_the_running_minute_and_the_whole_one_before() -> None:
    counting = Counting(MANY)
    counting.add([event(NOW - MINUTE, visitor_id="a", path="/a", revenue=1.5, currency="EUR")], NOW)
    counting.add(
        [event(visitor_id=v, path="/b", bot=v == "b", event=n) for v, n in (("a", "page_view"), ("b", "buy"))], NOW
    )
    counting.add([event(NOW - 2 * MINUTE), event(NOW + MINUTE)], NOW)
    told = counting.aggregate("shop", NOW)
    begins = NOW // MINUTE * MINUTE
    assert told["current"] == {
        "minute": begins,
        "events": 2,
        "page_views": 1,
        "visitors": 2,
        "bots": 1,
        "revenue": {},
        "pages": [("/b", 2)],
        "names": [("page_view", 1), ("buy", 1)],
    }
    assert told["previous"]["minute"] == begins - MINUTE
    assert (told["previous"]["events"], told["previous"]["revenue"]) == (1, {"EUR": 1.5})
    counting.sweep(NOW + MINUTE)
    assert counting.aggregate("shop", NOW + MINUTE)["previous"]["events"] == 2


def test_visitors_that_are_made_up_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting_module, "MOST_VISITORS", 100)
    counting = Counting(MANY)
    counting.add([event(visitor_id=str(n % 110)) for n in range(330)], NOW)
    current = counting.aggregate("shop", NOW)["current"]
    assert (current["events"], current["visitors"], current["visitors_capped"]) == (330, 100, True)
    second = counting.second("shop", NOW)
    assert (second["events"], second["visitors"], second["visitors_capped"]) == (330, 100, True)
    counting.sweep(NOW)
    counting.sweep(NOW + ACTIVE_MS + MINUTE)
    assert "visitors_capped" not in counting.second("shop", NOW + ACTIVE_MS + MINUTE)


def test_visitors_of_many_sites_do_not_fill_the_memory_and_leave_each_site_some() -> None:
    counting = Counting(1_000)

    def seen(site: str, many: int, at: int) -> dict[str, Any]:
        counting.add([Brief("e", at, site, visitor_id=f"{site}{n}") for n in range(many)], at)
        return counting.second(site, at)

    assert "visitors_capped" not in seen("a", 400, NOW)
    assert (seen("b", 400, NOW)["visitors"], counting.aggregate("b", NOW)["current"]["visitors"]) == (200, 100)
    for site in ("c", "d"):
        told = seen(site, LEAST_VISITORS, NOW)
        assert (told["visitors"], "visitors_capped" in told) == (LEAST_VISITORS, False)
        told = seen(site, LEAST_VISITORS + 1, NOW)
        assert (told["visitors"], told["visitors_capped"]) == (LEAST_VISITORS, True)
        assert counting.aggregate(site, NOW)["current"]["visitors_capped"] is True
    later = NOW + ACTIVE_MS + MINUTE
    counting.sweep(later)
    assert "visitors_capped" not in seen("b", 400, later)


def test_pages_that_are_made_up_without_end_do_not_fill_the_memory() -> None:
    counting = Counting(MANY)
    counting.add([event(path=f"/{n}") for n in range(MOST_KEYS + 10)] + [event(path="/0")], NOW)
    told = counting.aggregate("shop", NOW)["current"]
    assert told["events"] == MOST_KEYS + 11
    assert told["pages"][0] == ("/0", 2)


@pytest.mark.parametrize(("rule", "fits"), [(Rule(bands=("low",)), True), (Rule(bands=("high",)), False)])
def test_of_what_nothing_was_told_is_of_a_low_risk(rule: Rule, fits: bool) -> None:
    found = shown(rb'{"event":"page_view","ts":1,"site_id":"shop"}')
    assert found is not None
    assert rule.fits(found) is fits


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(), True),
        (Rule(events=("buy", "page_view")), True),
        (Rule(events=("buy",)), False),
        (Rule(paths=("/docs/*",)), True),
        (Rule(paths=("/docs",)), False),
        (Rule(countries=("AT",)), True),
        (Rule(countries=("DE",)), False),
        (Rule(bot=False), True),
        (Rule(bot=True), False),
        (Rule(bands=("high", "low")), True),
        (Rule(bands=("critical",)), False),
        (Rule(bands=("low",)), False),
        (Rule(least_risk=61), True),
        (Rule(least_risk=62), False),
        (Rule(property=("plan", "pro")), True),
        (Rule(property=("n", "1.5")), True),
        (Rule(property=("is", "true")), True),
        (Rule(property=("none", "")), False),
        (Rule(property=("of", "{}")), False),
    ],
)
def test_a_rule_fits_or_not(rule: Rule, fits: bool) -> None:
    line = rb'{"event":"page_view","ts":1,"site_id":"shop","path":"/docs/a","country":"AT","risk":61,"risk_band":"high","properties":"{\"plan\":\"pro\",\"n\":1.5,\"is\":true,\"of\":{}}"}'
    found = shown(line)
    assert found is not None
    assert rule.fits(found) is fits


def test_properties_that_are_none_or_too_deep_harm_nobody() -> None:
    plain = shown(b'{"event":"e","ts":1,"site_id":"s"}')
    assert plain is not None
    assert property_of(plain, "a") is None
    deep = shown(b'{"event":"e","ts":1,"site_id":"s","properties":"' + b"[" * 100 + b"]" * 100 + b'"}')
    assert deep is not None
    assert bytes(deep.properties).startswith(b'"[[')
    assert property_of(deep, "a") is None
    assert shown(b'{"event":"e","ts":1,"site_id":"s","properties":"{"}') is None
    assert shown(b"no json") is None


def test_lines_that_cannot_be_read_are_passed_over() -> None:
    good = b'{"event":"e","ts":1,"site_id":"s"}'
    found = read(Where(EVENTS, 0), 7, b"\n".join([good, b"bad", good, b""]))
    assert [(item.mark, item.after) for item in items(found, "s")] == [(Mark(7, 0), Mark(7, 1)), (Mark(7, 2), Mark(8))]
    assert (found.after, [part.events for part in found.counted]) == (Mark(8), [2])
    for nothing in (
        read(Where(EVENTS, 0), 7, b""),
        read(Where(EVENTS, 0), 7, b"\n\n"),
        read(Where(ALERTS, 0), 7, b"bad"),
    ):
        assert (list(items(nothing, "s")), list(nothing.counted)) == ([], [])


def test_a_record_whose_place_is_not_beyond_the_last_is_a_repetition() -> None:
    repetitions = Repetitions()

    def is_one(offset: int, partition: int = 0, log: str = "l") -> bool:
        return repetitions.is_one(0, [("place", Place(log, partition, offset).encode())])

    assert [is_one(5), is_one(5), is_one(4), is_one(6), is_one(5, 1), is_one(5, log="m")] == [
        *(False, True, True, False, False, False)
    ]
    assert not repetitions.is_one(0, None)


@given(st.integers(0, 1 << 17))
def test_frames_are_those_of_the_protocol(size: int) -> None:
    reader = StreamReader()
    reader.feed_data(frame(TEXT, b"x" * size))
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    assert (parsed.value.value.opcode, len(parsed.value.value.data)) == (Opcode.TEXT, size)


def test_the_reason_of_a_close_is_cut_to_what_fits() -> None:
    assert len(closing(4400, "ü" * 200)) <= 127
    closing(4400, "ü" * 200)[4:].decode()
