"""Where a device was seen of late, in few bytes: the same as `sightings` says, whatever the order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pulse.risk.crowd import USUAL, at_least, told
from pulse.risk.evidence import Evidence
from pulse.risk.packed import (
    ADDRESS,
    FIRST_MINUTE,
    KEPT_MINUTES,
    LARGEST,
    LENT,
    Seen,
    Sighting,
    added,
    at_place,
    device_of,
    gathered,
    seen,
    sighting,
)
from pulse.risk.pulsegate import vpn_rules
from pulse.risk.sightings import DAY_MINUTES, Sightings, counts
from pulse.risk.sightings import seen as law_of
from pulse.risk.travel import km_between, too_far
from pulse.risk.words import holds, number_of, packed, unpacked, word

COUNTRIES = ["", "AT", "DE", "FR", "US", "JP", "BR", "IN", "NG", "ZA", "AU"]
NETWORKS = ["eyeball", "mobile", "vpn", "relay", "hosting", "gateway", ""]
ONE = st.tuples(
    st.integers(0, 3_000), st.integers(0, 60), st.integers(0, 24), st.sampled_from(COUNTRIES), st.sampled_from(NETWORKS)
)
SEEN = st.lists(ONE, max_size=90)
LARGEST_OF_DEVICE = 364
One = tuple[int, int, int, str, str]


def at(minute: int, ip: int, asn: int, country: str, network: str = "eyeball", session: str = "s") -> Sighting:
    received_at = (FIRST_MINUTE + minute) * 60_000 + 59_999
    return sighting(device_of("shop", "f", "v"), received_at, f"10.0.{ip}.0", asn, country or None, session, network)


def all_of(some: list[One]) -> bytes:
    state = b""
    for each in some:
        state = added(state, at(*each, session=f"s{each[1] % 7}").words)
    return state


@given(SEEN, st.randoms(use_true_random=False))
def test_order_changes_nothing(some: list[One], random: Random) -> None:
    assert all_of(some) == all_of(random.sample(some, len(some)))


@given(SEEN, SEEN)
def test_once_more_changes_nothing_and_all_at_once_is_one_by_one(before: list[One], more: list[One]) -> None:
    state = all_of([*before, *more])
    assert all_of([*before, *more, *more]) == state
    assert added(all_of(before), [one for each in more for one in at(*each, session=f"s{each[1] % 7}").words]) == state


@given(SEEN, ONE, st.integers(0, 3_000))
def test_what_comes_of_a_device_that_was_seen_so_and_not_otherwise_is_known_beforehand(
    some: list[One], last: One, minute: int
) -> None:
    one, same = at(*last), at(minute, *last[1:])
    assert one.at(same.minute) == same
    assert (one.alone, one.told) == (added(b"", one.words), seen(one.alone, one.minute, one.words))
    for state in (all_of(some), same.alone):
        assert added(state, one.words, one.alone) == added(state, one.words)


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
def test_a_device_takes_eight_bytes_for_each_of_few_things_and_five_of_many(some: list[One]) -> None:
    state = all_of(some)
    words = unpacked(state)
    few = len(words) <= 12
    assert len(state) == (8 * len(words) if few else 4 + 5 * len(words)) <= LARGEST_OF_DEVICE
    assert (number_of(state), holds(state, words), packed(words)) == (len(words), True, state)
    assert not any(holds(state, [one + 1]) for one in words)


def test_what_changes_nothing_leaves_the_very_state() -> None:
    state = all_of([(5, 1, 7, "AT", "eyeball")])
    assert added(state, at(5, 1, 7, "AT", session="s1").words) is state


def test_a_sighting_counts_for_a_day_and_is_kept_an_hour_longer() -> None:
    state = all_of([(100, 1, 7, "AT", "eyeball")])
    assert seen(state, 99 + DAY_MINUTES) == Seen(1, 1, 1, 1, None)
    assert seen(state, 100 + DAY_MINUTES) == Seen(0, 0, 0, 0, None)
    assert len(unpacked(added(state, [word(ADDRESS, 9, 99 + KEPT_MINUTES)]))) == 7
    assert len(unpacked(added(state, [word(ADDRESS, 9, 100 + KEPT_MINUTES)]))) == 1


def test_sessions_count_to_eleven() -> None:
    state = b""
    for number in range(30):
        state = added(state, at(number, 1, 7, "AT", session=f"s{number}").words)
        assert seen(state, number).sessions == min(number + 1, 11)


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


def at_home(device: int, minute: int, network: str = "eyeball", site_id: str = "shop") -> Sighting:
    return at_place(at(minute, 1, 7, "AT", network), site_id, "10.0.1.0", f"f{device}", network)


HERE = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 200)), max_size=200)


def there(some: list[tuple[int, int]]) -> bytes:
    state = b""
    for minute, device in some:
        state = added(state, [at_home(device, minute).named])
    return state


@given(HERE, st.randoms(use_true_random=False))
def test_who_is_at_a_network_hangs_on_no_order(some: list[tuple[int, int]], random: Random) -> None:
    state = there(some)
    assert there(random.sample(some, len(some))) == state == there([*some, *some])
    assert len(state) <= LARGEST


@given(HERE, st.integers(0, 60))
def test_devices_at_a_network_are_counted_to_the_half_hour(some: list[tuple[int, int]], late: int) -> None:
    now = max((minute for minute, _ in some), default=0) - late
    expected = {device for minute, device in some if minute // 30 * 30 > now - DAY_MINUTES}
    assert gathered(there(some), now) == min(len(expected), 128)


def test_only_where_a_number_is_usual_is_anybody_counted() -> None:
    assert {network for network in NETWORKS if at_home(1, 1, network).place} == set(USUAL)
    assert at_place(at(1, 1, 7, "AT"), "shop", None, "f", "eyeball").place == 0
    assert at_home(1, 1).place != at_home(1, 1, site_id="blog").place
    assert (at_home(1, 1).named, at_home(2, 1).named) == (at_home(1, 29).named, at_home(2, 1).named)
    assert at_home(1, 1).at(at_home(1, 95).minute) == at_home(1, 95)


def test_a_crowd_is_told_in_steps_and_by_what_is_certain() -> None:
    assert [told(number, 1, "hosting") for number in (0, 16, 17, 32, 128)] == [1, 1, 1, 2, 8]
    assert told(128, 1, "eyeball") == 1
    assert [told(number, 12, "hosting") for number in (4, 5, 100)] == [1, 1, 2.0 ** (23 / 4)]
    assert told(9, 3, "vpn") == 0
    assert at_least(2, 12) == 2
    assert at_least(25, 4) == 60


def moved(*some: Sighting) -> bool | None:
    state = b""
    for each in some:
        state = added(state, each.words)
    return seen(state, some[-1].minute, some[-1].words).moved


def test_another_system_than_in_the_session_before() -> None:
    first, same, other = at(0, 1, 7, "AT"), at(9, 1, 7, "AT", session="t"), at(9, 1, 8, "AT", session="t")
    assert moved(first) is None
    assert moved(first, same) is False
    assert moved(first, other) is True
    assert moved(other, first) is True
    assert moved(first, at(5, 1, 8, "AT"), at(9, 1, 8, "AT", session="t")) is False
    assert moved(first, at(0, 1, 0, "AT", session="t")) is None
    assert moved(first, at(DAY_MINUTES, 1, 8, "AT", session="t")) is None
    sessions = [at(n, 1, 7 + n // 9, "AT", session=f"s{n}") for n in range(10)]
    assert moved(*sessions) is True
    assert moved(*sessions[:-1]) is False


def test_who_comes_from_another_system_than_in_the_session_before_has_a_reason() -> None:
    codes = {rule.code for rule in vpn_rules(Evidence(consent=True, asn_changed=True))}
    assert codes == {"ASN_CHANGE"}
