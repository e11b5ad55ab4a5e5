"""Hours, days and weeks on the days on which clocks change."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from clickhouse.client import Client
from clickhouse.stats import Group, StatsQuery, answer
from tests.migrated import migrate

STEP_MS = 600_000
QUARTER_MS = 900_000


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Vienna", datetime(2026, 3, 29, tzinfo=UTC)),
        ("Europe/Vienna", datetime(2026, 10, 25, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 4, 24, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 10, 30, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 5, 5, tzinfo=UTC)),
        ("America/St_Johns", datetime(2026, 11, 1, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
    ],
)
def test_every_bucket_begins_where_the_calendar_says(clickhouse: str, zone: str, day: datetime) -> None:
    client = Client(clickhouse)
    migrate(client)
    begin = int((day - timedelta(days=2)).timestamp() * 1000)
    times = range(begin, begin + 4 * 86_400_000, STEP_MS)
    client.command(
        "INSERT INTO events (site_id, event, ts, visitor_id, session_id, event_id)"
        " SELECT 'one', 'x', fromUnixTimestamp64Milli({begin:Int64} + number * {step:Int64}), toString(number),"
        " toString(number), generateUUIDv4() FROM numbers({count:UInt64})",
        {"begin": begin, "step": STEP_MS, "count": len(times)},
    )
    for group in get_args(Group)[1:4]:
        expected = Counter(_begin(ms, group, ZoneInfo(zone)) for ms in times[1:])
        for metric in ("event_count", "unique_users", "unique_sessions"):
            asked = StatsQuery("one", metric, begin + 1, times[-1] + 1, group, timezone=zone)
            found = answer(client, asked, times[-1])
            assert dict(found.breakdown) == expected, (group, metric)


def _begin(ms: int, group: Group, zone: ZoneInfo) -> int:
    """The first instant that has this one's hour, date or week on the wall, going back by quarters of an hour."""
    wall, at = _wall(ms, group, zone), ms - ms % QUARTER_MS
    while _wall(at - QUARTER_MS, group, zone) == wall:
        at -= QUARTER_MS
    return at


def _wall(ms: int, group: Group, zone: ZoneInfo) -> object:
    local = datetime.fromtimestamp(ms / 1000, zone)
    if group == "hour":
        return local.replace(minute=0, second=0, microsecond=0), local.utcoffset()
    return local.date() if group == "day" else local.isocalendar()[:2]
