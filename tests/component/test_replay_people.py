"""Who is behind a visitor, by the events that a swap leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replaying import DAY_MS, Stage, staged
from tests.streaming import raw_event

pytestmark = [pytest.mark.clickhouse, pytest.mark.kafka]

NAMED = (
    "SELECT visitor_id, user_id, toUnixTimestamp64Milli(min(first.ts)) FROM identity_links GROUP BY ALL ORDER BY ALL"
)


@pytest.fixture
def stage(clickhouse: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(clickhouse, tmp_path) as made:
        yield made


def test_people_are_who_the_events_say_after_a_swap_and_after_its_undoing(stage: Stage) -> None:
    long_ago, here = stage.now - 9 * DAY_MS, {"event": "identify", "user_id": "ada"}
    stage.send([raw_event(visitor_id=visitor, ts=long_ago, **here) for visitor in ("v1", "v2")])
    stage.send([raw_event(visitor_id="v2", ts=stage.now, **here), raw_event(visitor_id="v3", ts=stage.now, **here)])
    stage.send([raw_event(ts=long_ago, imported=True) for _ in range(40)])
    as_sent = [["v2", "ada", stage.now], ["v3", "ada", stage.now]]
    assert list(map(list, stage.client.ask(NAMED).rows)) == as_sent
    stage.replay(late_days=30)
    stage.swap()
    with_late = [["v1", "ada", long_ago], ["v2", "ada", long_ago], ["v3", "ada", stage.now]]
    assert list(map(list, stage.client.ask(NAMED).rows)) == with_late
    report = stage.replay("back")
    assert report.total("only_there") == 2
    stage.swap("back")
    assert list(map(list, stage.client.ask(NAMED).rows)) == as_sent
