"""From the parameters of a question to its range of time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import BadParameter
from api.query.span import moment, span
from pulse.minute import MINUTE_MS

UTC = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
NOW = 1_790_000_012_345
AFTER = 1_790_000_040_000
HOUR = 3_600_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "length"), [("1m", 60_000), ("1h", HOUR), ("24h", 24 * HOUR), ("7d", 168 * HOUR), ("2w", 336 * HOUR)]
)
def test_a_period_ends_with_the_minute_that_runs(period: str, length: int) -> None:
    assert span(None, None, period, UTC, NOW) == (AFTER - length, AFTER)


def test_no_time_at_all_is_a_day() -> None:
    assert span(None, None, None, UTC, NOW) == (AFTER - 24 * HOUR, AFTER)


def test_a_start_alone_lasts_until_now() -> None:
    assert span("1789999999999", None, None, UTC, NOW) == (1_789_999_999_999, AFTER)


@given(st.integers(1, 9999), st.sampled_from("mhdw"), st.integers(0, 4_102_444_800_000))
def test_a_period_is_whole_minutes_and_holds_now(number: int, unit: str, now: int) -> None:
    start, end = span(None, None, f"{number}{unit}", UTC, now)

    assert 0 <= start <= now < end
    assert start % MINUTE_MS == end % MINUTE_MS == 0


@pytest.mark.parametrize(
    ("text", "zone", "ms"),
    [
        ("0", UTC, 0),
        ("1790000000000", NEW_YORK, 1_790_000_000_000),
        ("2026-09-21T13:33:20Z", NEW_YORK, 1_789_997_600_000),
        ("2026-09-21T13:33:20.5+02:00", UTC, 1_789_990_400_500),
        ("2026-03-08T01:30:00", NEW_YORK, at("2026-03-08T06:30:00+00:00")),
        ("2026-03-08T03:30:00", NEW_YORK, at("2026-03-08T07:30:00+00:00")),
        ("2026-03-08", NEW_YORK, at("2026-03-08T05:00:00+00:00")),
        ("2026-11-01", NEW_YORK, at("2026-11-01T04:00:00+00:00")),
    ],
)
def test_a_moment_is_ms_or_iso_in_the_zone(text: str, zone: ZoneInfo, ms: int) -> None:
    assert moment("start_date", text, zone) == ms


def test_a_date_as_the_end_is_in_whole_also_where_the_clocks_change() -> None:
    spring = span("2026-03-08", "2026-03-08", None, NEW_YORK, NOW)
    autumn = span("2026-11-01", "2026-11-01", None, NEW_YORK, NOW)

    assert spring[1] - spring[0] == 23 * HOUR
    assert autumn[1] - autumn[0] == 25 * HOUR


def test_a_day_without_midnight_begins_with_the_skip() -> None:
    cairo = ZoneInfo("Africa/Cairo")

    assert moment("start_date", "2024-04-26", cairo) == at("2024-04-25T22:00:00+00:00")


@given(st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_an_iso_time_with_an_offset_is_that_moment(local: datetime, minutes: int) -> None:
    sign, left = "+-"[minutes < 0], abs(minutes)
    text = f"{local.isoformat(timespec='milliseconds')}{sign}{left // 60:02}:{left % 60:02}"
    expected = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")

    assert moment("start_date", text, NEW_YORK) == expected // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("start", "end", "period", "parameter"),
    [
        ("soon", None, None, "start_date"),
        ("", None, None, "start_date"),
        ("-1", None, None, "start_date"),
        ("1e9", None, None, "start_date"),
        ("99999999999999", None, None, "start_date"),
        ("٣", None, None, "start_date"),
        ("0001-01-01T00:00:00+14:00", None, None, "start_date"),
        ("2026-02-30", None, None, "start_date"),
        ("1", "9999-12-31", None, "end_date"),
        ("2", "1", None, "end_date"),
        ("2", "2", None, "end_date"),
        ("1790000099999", None, None, "start_date"),
        (None, "5", None, "start_date"),
        ("1", None, "7d", "period"),
        (None, "1", "7d", "period"),
    ],
)
def test_what_is_wrong_is_named(start: str | None, end: str | None, period: str | None, parameter: str) -> None:
    with pytest.raises(BadParameter) as refused:
        span(start, end, period, UTC, NOW)

    assert refused.value.fault.parameter == parameter
