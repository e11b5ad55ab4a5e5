"""Minute aggregates: folding parts and adding them up is the same as folding the whole."""

from hypothesis import given
from hypothesis import strategies as st

from pulse.minute import Key, Seen, fold, merge, minute_of, partials
from pulse.money import units

events = st.lists(
    st.builds(
        Seen,
        event=st.sampled_from(["page_view", "purchase"]),
        ts=st.integers(0, 10**6),
        site_id=st.sampled_from(["a", "b"]),
        country=st.sampled_from(["", "DE"]),
        device_type=st.sampled_from(["", "mobile"]),
        revenue=st.none() | st.floats(-1e6, 1e6),
        currency=st.sampled_from(["", "EUR"]),
        bot=st.booleans(),
    )
)


@given(events, events)
def test_folding_parts_is_folding_the_whole(a: list[Seen], b: list[Seen]) -> None:
    assert merge(fold(a), fold(b)) == fold(a + b)


@given(events)
def test_sums_do_not_depend_on_order(a: list[Seen]) -> None:
    assert fold(a) == fold(a[::-1])


@given(events)
def test_no_event_is_lost_or_counted_twice(a: list[Seen]) -> None:
    assert sum(part.events for part in partials(fold(a))) == len(a)
    assert sum(part.bots for part in partials(fold(a))) == sum(e.bot for e in a)
    assert sum(part.revenue for part in partials(fold(a))) == sum(units(e.revenue) for e in a)


def test_a_minute_begins_at_its_sixtieth_second() -> None:
    assert [minute_of(ms) for ms in (0, 59_999, 60_000, 119_999)] == [0, 0, 60_000, 60_000]


def test_the_key_names_what_can_be_asked() -> None:
    assert Key._fields == ("site_id", "minute", "event", "country", "device_type", "currency")
