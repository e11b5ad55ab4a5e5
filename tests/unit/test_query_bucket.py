"""The buckets of a range of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import BadParameter
from api.query.bucket import MOST, begins

HOUR = 3_600_000
ZONES = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "Europe/Vienna",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Cairo",
        "America/Havana",
        "America/St_Johns",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(1_200_000_000_000, 2_000_000_000_000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def local(ms: int, zone: str) -> str:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).isoformat(timespec="minutes")


def test_days_follow_the_local_clock() -> None:
    found = begins("day", at("2026-03-07T05:00Z"), at("2026-03-10T04:00Z"), ZoneInfo("America/New_York"))

    assert [local(each, "America/New_York") for each in found] == [
        "2026-03-07T00:00-05:00",
        "2026-03-08T00:00-05:00",
        "2026-03-09T00:00-04:00",
    ]


def test_months_follow_the_local_clock() -> None:
    found = begins("month", at("2026-01-31T12:00Z"), at("2026-04-01T04:00Z"), ZoneInfo("America/New_York"))

    assert [local(each, "America/New_York") for each in found] == [
        "2026-01-01T00:00-05:00",
        "2026-02-01T00:00-05:00",
        "2026-03-01T00:00-05:00",
    ]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: str, hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    begin = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = begin + timedelta(days=1)

    found = begins("hour", int(begin.timestamp() * 1000), int(end.timestamp() * 1000), zone)

    assert len(found) == hours
    assert {later - sooner for sooner, later in pairwise(found)} == {HOUR}


def test_weeks_begin_on_monday() -> None:
    found = begins("week", at("2026-03-04T12:00Z"), at("2026-03-20T00:00Z"), ZoneInfo("Europe/Vienna"))

    assert [local(each, "Europe/Vienna")[:10] for each in found] == ["2026-03-02", "2026-03-09", "2026-03-16"]


def test_hours_of_a_zone_with_a_quarter_begin_on_its_own_clock() -> None:
    found = begins("hour", at("2026-03-04T12:00Z"), at("2026-03-04T14:00Z"), ZoneInfo("Asia/Kathmandu"))

    assert [local(each, "Asia/Kathmandu")[11:16] for each in found] == ["17:00", "18:00", "19:00"]


def test_a_day_that_was_skipped_has_no_bucket() -> None:
    found = begins("day", at("2011-12-28T10:00Z"), at("2012-01-01T10:00Z"), ZoneInfo("Pacific/Apia"))

    assert [local(each, "Pacific/Apia")[:10] for each in found] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


@given(st.sampled_from(["minute", "hour", "day", "week"]), MOMENTS, st.integers(1, 10_000), ZONES)
def test_buckets_are_in_order_and_each_touches_the_range(group: str, start: int, minutes: int, zone: ZoneInfo) -> None:
    end = start + minutes * 60_000 - 59_999
    found = begins(group, start, end, zone)

    assert found == sorted(set(found))
    assert found[0] <= start
    assert all(start < each < end for each in found[1:])


@given(st.sampled_from(["hour", "day", "week"]), MOMENTS, st.integers(1, 60 * 24 * 20), ZONES)
def test_a_range_in_two_parts_has_the_buckets_of_the_whole(
    group: str, start: int, minutes: int, zone: ZoneInfo
) -> None:
    middle, end = start + minutes * 20_000, start + minutes * 60_000
    parts = [*begins(group, start, middle, zone), *begins(group, middle, end, zone)]

    assert sorted(set(parts)) == begins(group, start, end, zone)


@given(MOMENTS, st.integers(1, 400), ZONES)
def test_each_day_begins_a_new_date(start: int, days: int, zone: ZoneInfo) -> None:
    found = begins("day", start, start + days * 24 * HOUR, zone)
    dates = [datetime.fromtimestamp(each / 1000, zone).date() for each in found]
    before = [datetime.fromtimestamp((each - 1) / 1000, UTC).astimezone(zone).date() for each in found]

    assert dates == sorted(set(dates))
    assert all(sooner < date for sooner, date in zip(before, dates, strict=True))


def test_too_many_are_refused_before_they_are_made() -> None:
    with pytest.raises(BadParameter, match=f"{MOST:,} buckets"):
        begins("minute", 0, 4_000_000_000_000, ZoneInfo("UTC"))
