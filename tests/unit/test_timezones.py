"""Zones, the countries that keep them, and how far their clocks are apart."""

from time import perf_counter

import pytest

from pulse.timezones import countries_of, hours_apart, is_universal, keeps_universal, zones_of

WINTER, SUMMER = 20_454, 20_635
"""2026-01-01 and 2026-07-01, in days since the epoch."""


@pytest.mark.parametrize(
    ("zone", "country", "keeps"),
    [
        ("Europe/Vienna", "AT", True),
        ("Europe/Vienna", "US", False),
        ("Europe/Stockholm", "SE", True),
        ("Europe/Berlin", "DK", True),
        ("Asia/Calcutta", "IN", True),
        ("US/Pacific", "US", True),
        ("Asia/Saigon", "VN", True),
        ("Asia/Saigon", "TH", False),
    ],
)
def test_a_zone_is_that_of_its_countries_under_old_names_too(zone: str, country: str, keeps: bool) -> None:
    assert (country in countries_of(zone)) is keeps


@pytest.mark.parametrize("zone", ["Etc/GMT+5", "UTC", "Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_of_no_country_has_none(zone: str) -> None:
    assert countries_of(zone) == frozenset()


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Zulu", "Etc/Universal", "GMT"])
def test_utc_is_known_under_all_its_names(zone: str) -> None:
    assert is_universal(zone)
    assert not is_universal("Europe/London")


@pytest.mark.parametrize(
    ("zone", "country", "day", "hours"),
    [
        ("Europe/Vienna", "GB", WINTER, 1.0),
        ("Europe/Vienna", "ES", WINTER, 0.0),
        ("America/New_York", "US", SUMMER, 0.0),
        ("Asia/Kolkata", "US", WINTER, 10.5),
        ("Europe/London", "IS", WINTER, 0.0),
        ("Europe/London", "IS", SUMMER, 1.0),
        ("Mars/Olympus", "AT", WINTER, None),
        ("../etc/passwd", "AT", WINTER, None),
        ("Europe/Vienna", "XX", WINTER, None),
    ],
)
def test_clocks_are_compared_with_the_nearest_of_the_country(
    zone: str, country: str, day: int, hours: float | None
) -> None:
    assert hours_apart(zone, country, day) == hours


def test_some_countries_keep_utc_itself_for_a_part_of_the_year() -> None:
    assert {country for country in ("GB", "IS", "PT", "GH", "AT", "US", "JP") if keeps_universal(country)} == {
        *("GB", "IS", "PT", "GH"),
    }


def test_every_country_has_a_zone_and_every_zone_is_its() -> None:
    for country in ("AT", "CH", "FR", "BR", "NG", "AQ"):
        assert zones_of(country)
        assert all(country in countries_of(zone) for zone in zones_of(country))


def test_what_is_no_zone_costs_no_more_than_one() -> None:
    begin = perf_counter()
    for number in range(2_000):
        assert hours_apart(f"Nowhere/{number}", "US", WINTER) is None
    assert perf_counter() - begin < 1.0
