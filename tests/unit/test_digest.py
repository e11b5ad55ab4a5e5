"""Summaries: their periods by the clock of a time zone, and what is told in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pulse.digest.notice import Digest, Numbers, notice_of
from pulse.digest.period import HOUR_MS, Kind, Period, last_ended, missed
from pulse.outbound.summary import summary_of

ZONES = ["UTC", "Europe/Vienna", "Asia/Kolkata", "America/St_Johns", "Asia/Beirut", "Pacific/Apia"]
FORMS = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H", "day": "%Y-%m-%d"}


def name_of(kind: Kind, zone: str, moment: datetime) -> tuple[str, timedelta | None]:
    """The clock's reading without what is below the period; of minutes and hours that come twice each with its offset."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.strftime(FORMS[kind]), None if kind == "day" else local.utcoffset()


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", ["minute", "hour", "day"])
def test_periods_are_what_the_clock_of_the_zone_shows(kind: Kind, zone: str) -> None:
    for begin in ("2026-03-28T12:00", "2026-10-24T12:00", "2026-11-01T01:00"):
        first = datetime.fromisoformat(begin).replace(tzinfo=UTC)
        for step in range(0, 60 * 36, 7):
            now = first + timedelta(minutes=step, seconds=step % 60)
            period = last_ended(kind, zone, ms(now))
            moments = [datetime.fromtimestamp(edge / 1000, UTC) for edge in period[1:]]
            names = [name_of(kind, zone, each) for each in moments]
            last = [name_of(kind, zone, each - timedelta(milliseconds=1)) for each in moments]
            assert names[2] == name_of(kind, zone, now)
            assert (last[1], last[2]) == (names[0], names[1])
            assert last[0] != names[0] != names[1] != names[2]


def test_a_day_is_shorter_or_longer_where_clocks_are_changed() -> None:
    spring, autumn = (ms(datetime(2026, month, day, 12, tzinfo=UTC)) for month, day in ((3, 30), (10, 26)))
    hours = [(p.end - p.start) / HOUR_MS for p in (last_ended("day", "Europe/Vienna", at) for at in (spring, autumn))]
    assert hours == [23, 25]


@pytest.mark.parametrize(("kind", "ago", "number"), [("minute", 3, 3), ("hour", 30, 30), ("day", 4, 4), ("day", 0, 0)])
def test_what_was_missed_is_counted(kind: Kind, ago: int, number: int) -> None:
    period = last_ended(kind, "Europe/Vienna", ms(datetime(2026, 3, 31, 12, tzinfo=UTC)))
    told = period
    for _ in range(ago + 1):
        told = last_ended(kind, "Europe/Vienna", told.start)
    assert missed(period, "Europe/Vienna", told.end) == number


def test_a_summary_says_in_words_what_it_says_in_numbers() -> None:
    now = Numbers(1_234, 321, 400, 2, {"EUR": 12.5, "USD": 3.0})
    before = Numbers(events=1_000, visitors=642)
    period = Period("day", 1_790_546_400_000 - 86_400_000, 1_790_546_400_000, 1_790_546_400_000 + 86_400_000)
    digest = Digest(now, before, (("/", 120), ("/pricing", 44)))
    notice = notice_of("shop", "Europe/Vienna", period, digest, 3)
    assert notice.data["reason"] == (
        "1,234 events (+23.4 %); 321 visitors (-50 %); 400 sessions; 12.50 EUR; 3.00 USD; 2 alerts; pages: / 120, /pricing 44;"
        " 3 before it were missed"
    )
    assert notice.data["change"] == {"events": 23.4, "visitors": -50.0, "sessions": None}
    assert (notice.kind, notice.at) == ("summary.day", period.end)
    told = summary_of(notice)
    assert (told.title, told.severity) == ("summary.day: shop, 2026-09-28", "info")
    assert dict(told.facts)["events"] == "1234"
    assert notice_of("shop", "UTC", period, Digest(before, now)).id == notice.id
    others = [notice_of("blog", "UTC", period, digest), notice_of("shop", "UTC", period._replace(kind="hour"), digest)]
    assert len({each.id for each in (notice, *others)}) == 3
