"""Alert rules over a real broker and a real store: rules in, partials in, notices out, each once."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec import json

from clickhouse.client import Client
from pulse.alerting.site import Site
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import watched_of
from pulse.minute import MINUTE_MS, Partial
from pulse.settings import Settings
from pulse.topics import ALERTS, partition_of
from streams.alerts.reader import Reader
from streams.alerts.rulebook import PATIENCE_S, Rulebook
from tests import services
from tests.alerting import Alerts, record, this_minute
from tests.eventually import eventually
from tests.storing import PARTITIONS, Line, Log, Sink, delete_topics

MANY: dict[str, Any] = {
    "metric": "events",
    "window_minutes": 1,
    "condition": {"kind": "threshold", "operator": ">", "value": 9},
}


@pytest.fixture
def sink(kafka: str, clickhouse: str, tmp_path: Path) -> Iterator[Sink]:
    delete_topics(kafka)
    made = Sink(tmp_path, kafka, clickhouse)
    made.prepare()
    yield made
    if made.running:
        made.running.stop()


@pytest.fixture
def log(sink: Sink) -> Log:
    return Log(sink.kafka)


@pytest.fixture
def alerts(sink: Sink, tmp_path: Path) -> Iterator[Alerts]:
    made = Alerts(tmp_path, sink.kafka, sink.clickhouse)
    yield made
    if made.running:
        made.running.stop()


def lines(number: int, minute: int, site: str = "one", **more: Any) -> list[Line]:
    """Refined events of a minute."""
    ts = minute * MINUTE_MS
    return [
        {"event": "page_view", "event_id": str(uuid4()), "ts": ts, "site_id": site, "received_at": ts} | more
    ] * number


def test_a_threshold_that_is_passed_is_told_within_seconds_and_once(alerts: Alerts, log: Log) -> None:
    alerts.rule(record("many", "one", MANY), record("other", "two", MANY))
    alerts.start()
    eventually(alerts.is_ready)
    minute = this_minute()
    log.write(lines(9, minute))
    log.write(lines(4, minute, "two"))
    began = time.time()
    log.write(lines(1, minute))
    [notice] = eventually(alerts.notices, every=0.3)
    assert notice.at / 1000 - began < 5
    assert (notice.site_id, notice.kind, notice.data["rule_id"], notice.data["value"]) == (
        "one",
        "alert.firing",
        "many",
        10,
    )
    assert notice.data["window"] == {"start": minute * MINUTE_MS, "end": (minute + 1) * MINUTE_MS}
    log.write(lines(20, minute))
    eventually(lambda: alerts.metric("pulse_alerts_records_total") >= 4)
    assert alerts.told() == [("many", "alert.firing")]


def test_killed_in_the_middle_nothing_is_told_twice_and_nothing_is_missing(
    alerts: Alerts, log: Log, sink: Sink
) -> None:
    sites = [f"s{number}" for number in range(12)]
    alerts.rule(*(record(f"rule-{site}", site, MANY) for site in sites))
    sink.start()
    alerts.start()
    eventually(alerts.is_ready)
    minute = this_minute()
    for number, site in enumerate(sites):
        log.write(lines(6, minute, site))
        if number % 4 == 1:
            alerts.kill()
        log.write(lines(6, minute, site))
        if number % 4 == 1:
            alerts.start()
    eventually(lambda: len(set(alerts.told())) == len(sites), every=0.5)
    assert sorted(rule for rule, _ in alerts.told()) == sorted(f"rule-{site}" for site in sites)
    eventually(lambda: len(_history(sink)) == len(sites), every=0.5)
    assert {row[1] for row in _history(sink)} == {"firing"}


def test_what_fired_is_told_to_be_over_after_a_restart_and_a_silence_is_told(alerts: Alerts, log: Log) -> None:
    silent = {"metric": "events", "window_minutes": 1, "condition": {"kind": "no_data"}}
    alerts.rule(record("many", "one", MANY), record("silent", "one", silent, changed=(this_minute() - 9) * MINUTE_MS))
    site = Site([watched_of(record("many", "one", MANY))])
    minute = this_minute() - 3
    site.add(Partial(site_id="one", minute=minute * MINUTE_MS, event="x", events=10))
    [fired] = [notice_of(told, minute * MINUTE_MS) for told in site.run([minute], minute * MINUTE_MS)]
    log.send(ALERTS, partition_of("one", "", PARTITIONS), json.encode(fired), None, fired.id.encode())
    log.flush()
    alerts.start()
    wanted = {("many", "alert.firing"), ("many", "alert.resolved"), ("silent", "alert.no_data")}
    eventually(lambda: set(alerts.told()) == wanted, every=0.5)
    alerts.kill()
    alerts.start()
    eventually(lambda: alerts.metric("pulse_alerts_evaluation_seconds_count") > 3, every=0.5)
    assert sorted(alerts.told()) == sorted(wanted)


def test_a_rule_that_is_made_later_counts_what_came_before_from_store_and_log_once(
    alerts: Alerts, log: Log, sink: Sink
) -> None:
    sink.start()
    alerts.start()
    eventually(alerts.is_ready)
    minute = this_minute()
    log.write(lines(6, minute, country="AT"))
    log.write(lines(30, minute, country="DE"))
    eventually(lambda: _counted(sink) == 36)
    assert sink.stop() == 0
    log.write(lines(4, minute, country="AT"))
    wide = MANY | {"window_minutes": 5, "where": {"countries": ["AT"]}}
    grouped = wide | {"where": {}, "group_by": "country", "condition": MANY["condition"] | {"value": 29}}
    changed = minute * MINUTE_MS
    alerts.rule(record("wide", "one", wide, changed=changed), record("each", "one", grouped, changed=changed))
    notices = eventually(lambda: len(found := alerts.notices()) == 2 and found, every=0.5)
    told = {notice.data["rule_id"]: (notice.data["group"], notice.data["value"]) for notice in notices or ()}
    assert told == {"wide": (None, 10), "each": ("DE", 30)}
    alerts.rule(record("wide", "one", wide, changed=changed, archived=changed))
    alerts.rule(record("each", "one", grouped, changed=changed, muted=True))
    eventually(lambda: ("wide", "alert.resolved") in alerts.told(), every=0.5)
    assert len(alerts.notices()) == 3


def test_the_end_of_the_log_is_known_before_the_first_record_is_read(alerts: Alerts, log: Log) -> None:
    log.write(lines(3, this_minute()))
    number = partition_of("one", "", PARTITIONS)
    reader = Reader(Settings(kafka_url=alerts.kafka))
    try:
        assert reader.end(number) == reader.end(number, ask=True) > 0
    finally:
        reader.close()


def test_the_rules_are_read_without_waiting_for_more_of_them(alerts: Alerts) -> None:
    alerts.rule(record("many", "one", MANY))
    rulebook = Rulebook(Settings(kafka_url=alerts.kafka))
    began = time.monotonic()
    try:
        rulebook.begin()
        assert rulebook.sites() == ["one"]
    finally:
        rulebook.close()
    assert time.monotonic() - began < PATIENCE_S / 2


def _counted(sink: Sink) -> Any:
    return Client(sink.clickhouse).ask("SELECT sum(events) FROM metrics_minute").rows[0][0]


def _history(sink: Sink) -> Any:
    database = Client(sink.clickhouse).database
    return Client(sink.clickhouse).ask(f"SELECT rule_id, kind FROM {database}_analytics.alerts ORDER BY rule_id").rows


def test_a_rule_that_is_changed_while_the_store_is_away_holds_up_no_other(kafka: str, tmp_path: Path) -> None:
    delete_topics(kafka)
    store = services.clickhouse(tmp_path / "clickhouse")
    store.start()
    alerts = Alerts(tmp_path, kafka, store.url)
    try:
        Sink(tmp_path, kafka, store.url).prepare()
        log = Log(kafka)
        alerts.rule(record("many", "one", MANY))
        alerts.start()
        eventually(alerts.is_ready)
        store.kill()
        alerts.rule(record("new", "two", MANY), record("newer", "three", MANY))
        eventually(lambda: alerts.metric("pulse_alerts_passed_over ") == 2)
        log.write(lines(10, this_minute()))
        eventually(lambda: alerts.told() == [("many", "alert.firing")])
        store.start()
        log.write(lines(10, this_minute(), "two"))
        eventually(lambda: set(alerts.told()) == {("many", "alert.firing"), ("new", "alert.firing")})
        eventually(lambda: alerts.metric("pulse_alerts_passed_over ") == 0)
    finally:
        if alerts.running:
            alerts.running.stop()
        store.stop()
