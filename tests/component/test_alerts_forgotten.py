"""Rules that fire for longer than the log remembers what was told, over an Apache Kafka, which lets records be deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from clickhouse.client import Client
from clickhouse.sink.alerts import rows_of
from pulse.alerting.site import Site
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import watched_of
from pulse.minute import MINUTE_MS, Partial
from pulse.topics import ALERTS, partition_of
from tests import services
from tests.alerting import Alerts, record, this_minute
from tests.eventually import eventually
from tests.storing import PARTITIONS, Log, Sink

MANY: dict[str, Any] = {
    "metric": "events",
    "window_minutes": 1,
    "condition": {"kind": "threshold", "operator": ">", "value": 9},
}
RULES = [record(name, "one", MANY) for name in ("many", "over")]


@pytest.fixture
def alerts(clickhouse: str, tmp_path: Path) -> Iterator[Alerts]:
    kafka = services.kafka(tmp_path / "kafka")
    kafka.start()
    Sink(tmp_path, kafka.url, clickhouse).prepare()
    made = Alerts(tmp_path, kafka.url, clickhouse)
    yield made
    if made.running:
        made.running.stop()
    kafka.stop()


def keep(clickhouse: str) -> None:
    """Store what two rules told forty days ago: that they fire, and of one that it is over."""
    minute = this_minute() - 40 * 24 * 60
    site = Site([watched_of(each) for each in RULES])
    site.add(Partial(site_id="one", minute=minute * MINUTE_MS, event="x", events=10))
    told = [*site.run([minute], minute * MINUTE_MS), *site.close(minute + 1)]
    notices = [notice_of(each, each.change.minute * MINUTE_MS) for each in told]
    assert len(notices) == 4
    kept = [each for each in notices if each.kind == "alert.firing" or each.data["rule_id"] == "over"]
    Client(clickhouse).insert("alert_history", rows_of(kept))


def forget(alerts: Alerts) -> None:
    """Have the log lose its oldest record."""
    number = partition_of("one", "", PARTITIONS)
    log = Log(alerts.kafka)
    log.send(ALERTS, number, b"{}", None, b"old")
    log.flush()
    admin = AdminClient({"bootstrap.servers": alerts.kafka})
    [deleted] = admin.delete_records([TopicPartition(ALERTS, number, 1)]).values()
    deleted.result(30)


def test_what_fires_for_longer_than_the_log_remembers_is_told_to_be_over(alerts: Alerts) -> None:
    keep(alerts.clickhouse)
    forget(alerts)
    alerts.rule(*RULES)
    alerts.start()
    eventually(lambda: alerts.told() == [("many", "alert.resolved")], every=0.5)
    alerts.kill()
    alerts.start()
    eventually(lambda: alerts.metric("pulse_alerts_evaluation_seconds_count") > 3, every=0.5)
    assert alerts.told() == [("many", "alert.resolved")]


def test_over_a_log_that_was_made_anew_nothing_fires_that_was_told_in_another(alerts: Alerts) -> None:
    keep(alerts.clickhouse)
    alerts.rule(*RULES)
    alerts.start()
    eventually(lambda: alerts.metric("pulse_alerts_evaluation_seconds_count") > 3, every=0.5)
    assert alerts.metric("pulse_alerts_firing ") == 0
    assert alerts.told() == []
