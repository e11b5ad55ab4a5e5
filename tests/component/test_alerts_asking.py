"""Rules on stored events over a real broker and a real store: going on with what was told before."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec import json

from pulse.alerting.site import Site
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import watched_of
from pulse.alerting.windows import Answer
from pulse.minute import MINUTE_MS
from pulse.topics import ALERTS, partition_of
from tests.alerting import Alerts, record, this_minute
from tests.eventually import eventually
from tests.storing import PARTITIONS, Line, Log, Sink, delete_topics

ABOVE: dict[str, Any] = {"kind": "threshold", "operator": ">", "value": 4}
MANY: dict[str, Any] = {"metric": "visitors", "window_minutes": 5, "condition": ABOVE}


@pytest.fixture
def sink(kafka: str, clickhouse: str, tmp_path: Path) -> Iterator[Sink]:
    delete_topics(kafka)
    made = Sink(tmp_path, kafka, clickhouse)
    made.prepare()
    yield made
    if made.running:
        made.running.stop()


@pytest.fixture
def alerts(sink: Sink, tmp_path: Path) -> Iterator[Alerts]:
    made = Alerts(tmp_path, sink.kafka, sink.clickhouse, {"PULSE_ALERTS_ASK_SECONDS": "1"})
    yield made
    if made.running:
        made.running.stop()


def lines(visitors: range, site: str = "one", **more: Any) -> list[Line]:
    """Refined events of this minute, one by each visitor."""
    ts = int(time.time() * 1000)
    made = {"event": "page_view", "ts": ts, "site_id": site, "received_at": ts}
    return [made | {"event_id": str(uuid4()), "visitor_id": f"v{n}"} | more for n in visitors]


def fired_before(rule: dict[str, Any], minute: int) -> bytes:
    """The notice with which a rule told that it fires."""
    watched = watched_of(record("over", "one", rule))
    site = Site([watched])
    site.take({watched.question: Answer(((minute, minute),), {"": {minute: (9.0, 9)}})})
    [told] = site.run_asked([minute], minute * MINUTE_MS)
    return json.encode(notice_of(told, minute * MINUTE_MS))


def test_rules_on_stored_events_go_on_with_what_was_told_and_tell_within_seconds_of_storing(
    alerts: Alerts, sink: Sink
) -> None:
    log, minute = Log(sink.kafka), this_minute()
    shops = {"metric": "conversion", "over": ["page_view"], "of": ["buy"], "window_minutes": 5}
    alerts.rule(
        record("many", "one", MANY),
        record("over", "one", MANY | {"condition": ABOVE | {"value": 8}}),
        record("buy", "two", shops | {"condition": ABOVE | {"value": 0.5}}),
        record("lag", "two", {"metric": "lag", "window_minutes": 1, "condition": ABOVE | {"value": 2}}),
    )
    log.send(ALERTS, partition_of("one", "", PARTITIONS), fired_before(MANY, minute - 3), None)
    log.write(lines(range(6)) + lines(range(6)))
    alerts.start()
    eventually(lambda: ("lag", "alert.firing") in alerts.told(), every=0.5)
    assert ("many", "alert.firing") not in alerts.told()

    sink.start()
    eventually(lambda: {("many", "alert.firing"), ("over", "alert.resolved")} <= set(alerts.told()), every=0.5)
    began = time.time()
    log.write(lines(range(4), "two") + lines(range(3), "two", event="buy", ts=int(began * 1000) + 5))
    eventually(lambda: ("buy", "alert.firing") in alerts.told())
    told = {(each.data["rule_id"], each.kind): each for each in alerts.notices()}
    assert len(told) == len(alerts.notices())
    many, buy = told["many", "alert.firing"].data, told["buy", "alert.firing"].data
    assert (many["value"], many["reason"]) == (6.0, "visitors in 5 min: 6, > 4")
    assert (buy["value"], buy["reason"]) == (0.75, "conversion from page_view to buy in 5 min: 0.75, > 0.5")
    assert told["buy", "alert.firing"].at / 1000 - began < 10
