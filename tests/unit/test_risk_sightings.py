"""Where a device was seen of late."""

from hypothesis import given
from hypothesis import strategies as st

from pulse.risk.sightings import DAY_MINUTES, MOST_IPS, Sightings, address_key, counts, seen

SEEN = st.lists(
    st.tuples(
        st.integers(0, 3_000),
        st.integers(0, 20),
        st.integers(0, 10) | st.none(),
        st.sampled_from(["", "AT", "DE", "FR"]),
    ),
    max_size=60,
)


def all_of(sightings: list[tuple[int, int, int | None, str]]) -> Sightings:
    """The state after them all."""
    state = Sightings()
    for each in sightings:
        state = seen(state, *each)
    return state


@given(SEEN, st.integers(0, 4_000))
def test_counts_are_those_of_the_last_day(sightings: list[tuple[int, int, int | None, str]], now: int) -> None:
    late = [each for each in sightings if each[0] > now - DAY_MINUTES]
    found = counts(all_of(sightings), now)
    assert found.ips == len({ip for _, ip, _, _ in late})
    assert found.asns == len({asn for _, _, asn, _ in late if asn is not None})
    assert found.countries == len({country for _, _, _, country in late if country})


def test_a_sighting_counts_for_24_hours_to_the_minute() -> None:
    state = all_of([(100, 1, 7, "AT")])
    assert counts(state, 100 + DAY_MINUTES - 1).ips == 1
    assert counts(state, 100 + DAY_MINUTES).ips == 0


def test_of_too_many_the_oldest_are_forgotten() -> None:
    state = all_of([(minute, minute, None, "") for minute in range(100)])
    assert sorted(state.ips) == list(range(100 - MOST_IPS, 100))


def test_what_was_seen_before_is_not_changed() -> None:
    before = all_of([(1, 1, 1, "AT")])
    seen(before, 2, 2, 2, "DE")
    assert before == Sightings({1: 1}, {1: 1}, {"AT": 1})


def test_of_version_6_the_first_64_bits_count() -> None:
    assert address_key("2001:db8:1:2::1", 7) == address_key("2001:db8:1:2:ffff::9", 7)
    assert address_key("2001:db8:1:2::1", 7) != address_key("2001:db8:1:3::1", 7)


def test_another_salt_makes_another_key() -> None:
    assert address_key("192.0.2.1", 1) != address_key("192.0.2.1", 2)
    assert address_key("192.0.2.1", 1) == address_key("::ffff:192.0.2.1", 1)
