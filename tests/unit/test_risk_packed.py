"""Where a device was seen of late, in few bytes: the same as `sightings` says, whatever the order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pulse.risk.evidence import Evidence
from pulse.risk.packed import (
    ADDRESS,
    FIRST_MINUTE,
    KEPT_MINUTES,
    LENT,
    MOST,
    Seen,
    Sighting,
    added,
    device_of,
    seen,
    sighting,
    word,
)
from pulse.risk.pulsegate import vpn_rules
from pulse.risk.sightings import DAY_MINUTES, Sightings, counts
from pulse.risk.sightings import seen as law_of
from pulse.risk.travel import km_between, too_far

COUNTRIES = ["", "AT", "DE", "FR", "US", "JP", "BR", "IN", "NG", "ZA", "AU"]
NETWORKS = ["eyeball", "mobile", "vpn", "relay", "hosting", "gateway", ""]
ONE = st.tuples(
    st.integers(0, 3_000), st.integers(0, 60), st.integers(0, 24), st.sampled_from(COUNTRIES), st.sampled_from(NETWORKS)
)
SEEN = st.lists(ONE, max_size=90)
One = tuple[int, int, int, str, str]


def at(minute: int, ip: int, asn: int, country: str, network: str = "eyeball", session: str = "s") -> Sighting:
    received_at = (FIRST_MINUTE + minute) * 60_000 + 59_999
    return sighting(device_of("shop", "f", "v"), received_at, f"10.0.{ip}.0", asn, country or None, session, network)


def all_of(some: list[One]) -> bytes:
    state = b""
    for each in some:
        state = added(state, at(*each).words)
    return state


@given(SEEN, st.randoms(use_true_random=False))
def test_order_changes_nothing(some: list[One], random: Random) -> None:
    assert all_of(some) == all_of(random.sample(some, len(some)))


@given(SEEN, SEEN)
def test_once_more_changes_nothing_and_all_at_once_is_one_by_one(before: list[One], more: list[One]) -> None:
    state = all_of([*before, *more])
    assert all_of([*before, *more, *more]) == state
    assert added(all_of(before), [one for each in more for one in at(*each).words]) == state


@given(SEEN, st.integers(0, 60))
def test_it_counts_as_the_law_does(some: list[One], late: int) -> None:
    law, fixed = Sightings(), Sightings()
    for minute, ip, asn, country, network in some:
        law = law_of(law, minute, ip, asn or None, country)
        fixed = fixed if network in LENT else law_of(fixed, minute, ip)
    now = max((minute for minute, *_ in some), default=0) - late
    found, expected = seen(all_of(some), now), counts(law, now)
    assert (found.ips, found.asns, found.countries) == (counts(fixed, now).ips, expected.asns, expected.countries)


@given(SEEN)
def test_a_device_takes_eight_bytes_for_each_thing_of_which_so_many_are_kept(some: list[One]) -> None:
    state = all_of(some)
    assert len(state) == 8 * len({state[at : at + 8] for at in range(0, len(state), 8)}) <= 8 * sum(MOST.values())


def test_what_changes_nothing_leaves_the_very_state() -> None:
    state = all_of([(5, 1, 7, "AT", "eyeball")])
    assert added(state, at(5, 1, 7, "AT").words) is state


def test_a_sighting_counts_for_a_day_and_is_kept_an_hour_longer() -> None:
    state = all_of([(100, 1, 7, "AT", "eyeball")])
    assert seen(state, 99 + DAY_MINUTES) == Seen(1, 1, 1, 1, None)
    assert seen(state, 100 + DAY_MINUTES) == Seen(0, 0, 0, 0, None)
    assert len(added(state, [word(ADDRESS, 9, 99 + KEPT_MINUTES)])) == 6 * 8
    assert len(added(state, [word(ADDRESS, 9, 100 + KEPT_MINUTES)])) == 8


def test_sessions_count_to_sixteen() -> None:
    state = b""
    for number in range(30):
        state = added(state, at(number, 1, 7, "AT", session=f"s{number}").words)
        assert seen(state, number).sessions == min(number + 1, 16)


def travelled(*some: Sighting) -> bool | None:
    state = b""
    for each in some:
        state = added(state, each.words)
    return seen(state, some[-1].minute, some[-1].words).travelled


def test_two_homes_too_far_apart_for_the_time_between() -> None:
    vienna, tokyo, munich = at(0, 1, 8447, "AT"), at(60, 2, 4713, "JP"), at(60, 3, 3320, "DE")
    assert travelled(vienna, tokyo) is True
    assert travelled(tokyo, vienna) is True
    assert travelled(vienna, munich) is False
    assert travelled(vienna, at(14 * 60, 2, 4713, "JP")) is False
    assert travelled(vienna, at(60, 2, 8447, "JP")) is False


def test_nobody_travels_by_a_vpn_a_relay_a_gateway_a_telephone_or_without_a_place() -> None:
    for network in NETWORKS[1:]:
        assert travelled(at(0, 1, 8447, "AT"), at(1, 2, 9009, "JP", network)) is None
        assert travelled(at(0, 2, 9009, "JP", network), at(1, 1, 8447, "AT")) is False
    assert travelled(at(0, 1, 8447, "AT"), at(1, 2, 9009, "")) is None
    assert travelled(at(0, 1, 8447, "AT"), at(1, 2, 9009, "XX")) is False


def test_neighbours_are_no_way_apart() -> None:
    for one, other in (
        ("DE", "FR"),
        ("US", "MX"),
        ("IN", "PK"),
        ("CN", "IN"),
        ("ES", "MA"),
        ("RU", "CN"),
        ("BR", "AR"),
    ):
        assert not too_far(one, other, 0)
        assert km_between(one, other) == km_between(other, one)
    assert km_between("AT", "XX") is None
    assert too_far("GB", "AU", 12 * 60)
    assert not too_far("GB", "AU", 14 * 60)


def test_a_phone_on_nine_networks_of_its_carrier_counts_no_addresses() -> None:
    state = b""
    for number in range(9):
        state = added(state, at(number, number, 8447, "AT", "mobile").words)
    found = seen(state, 9)
    assert (found.ips, found.asns) == (0, 1)
    codes = {rule.code for rule in vpn_rules(Evidence(consent=True, network="mobile", ips=found.ips, asns=found.asns))}
    assert "IP_VOLATILITY" not in codes
