"""What a record of minute aggregates adds to a site, and how far a partition is complete."""

import random
from typing import Any

from msgspec import json

from clickhouse.sink.alerts import notices_of, rows_of
from pulse.alerting.rule import MOST_GROUPS
from pulse.alerting.site import Site
from pulse.alerting.watched import watched_of
from pulse.minute import MINUTE_MS
from pulse.place import HEADER, Place
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import METRICS
from streams.alerts import reader, rulebook, teller
from streams.alerts.partition import Counted, Partition, count, month_of, open_minutes
from streams.record import Taken
from tests.alerting import record

MINUTE = 29_600_000
NOW_MS = (MINUTE + 1) * MINUTE_MS
RULE: dict[str, Any] = {
    "metric": "events",
    "window_minutes": 5,
    "condition": {"kind": "threshold", "operator": ">", "value": 9},
}


def watching(**parts: Any) -> Counted:
    return Counted(Site([watched_of(record("rule", "one", RULE | parts))]), {})


def line(events: int = 1, minute: int = MINUTE, **more: Any) -> bytes:
    return json.encode({"site_id": "one", "minute": minute * MINUTE_MS, "event": "x", "events": events} | more)


def of(offset: int, *lines: bytes, place: bool = True) -> Taken:
    headers = ((HEADER, Place("log", 0, offset).encode()),) if place else ()
    return Taken(METRICS, 0, offset, NOW_MS, b"\n".join(lines), headers)


def total(counted: Counted, group: str = "") -> int:
    [tally] = counted.site.tallies.values()
    return tally.groups[group].volumes.total(MINUTE - 4, MINUTE)


def test_a_record_is_counted_once_whatever_is_repeated_and_whatever_the_store_has() -> None:
    counted = watching()
    counted.applied[month_of(MINUTE), "log:3:0"] = Place("log", 0, 1).number
    records = [of(offset, line(1 << offset)) for offset in range(6)]
    for each in (*records, *records[2:4], *records):
        count(each, 3, {"one": counted}, NOW_MS)
    assert total(counted) == 0b111100


def test_a_record_that_lies_in_two_months_is_counted_for_the_one_that_the_store_lacks() -> None:
    counted, later = watching(), MINUTE + 31 * 1440
    counted.applied[month_of(MINUTE), "log:0:0"] = Place("log", 0, 0).number
    count(of(0, line(5), line(7, later)), 0, {"one": counted}, later * MINUTE_MS)
    [tally] = counted.site.tallies.values()
    assert tally.groups[""].volumes.total(later, later) == 7
    assert tally.groups[""].volumes.total(MINUTE, MINUTE) == 0


def test_what_is_no_partial_and_what_lies_far_ahead_change_nothing() -> None:
    counted = watching()
    wrong = [b"{", b"null", line(-1), line(1 << 40), line(1, MINUTE + 10**6), line(1, -5), line(site_id="other")]
    assert count(of(0, line(2), *wrong, line(3)), 0, {"one": counted}, NOW_MS) == {"one"}
    assert count(of(1, line(100), place=False), 0, {"one": counted}, NOW_MS) == set()
    assert total(counted) == 5


def test_filters_and_groups_take_what_is_theirs() -> None:
    counted = watching(where={"events": ["buy"], "device_types": ["mobile"]}, group_by="country")
    lines = [
        line(1, event="buy", device_type="mobile", country="AT"),
        line(2, event="buy", device_type="desktop", country="AT"),
        line(4, event="see", device_type="mobile", country="AT"),
        line(8, event="buy", device_type="mobile"),
    ]
    count(of(0, *lines), 0, {"one": counted}, NOW_MS)
    assert (total(counted, "AT"), total(counted, "")) == (1, 8)


def test_groups_beyond_the_bound_are_counted_and_not_watched() -> None:
    counted = watching(group_by="event")
    names = [f"e{number}" for number in range(MOST_GROUPS + 5)]
    count(of(0, *(line(event=name) for name in names)), 0, {"one": counted}, NOW_MS)
    [tally] = counted.site.tallies.values()
    assert (len(tally.groups), counted.site.left_out) == (MOST_GROUPS, 5)
    count(of(1, line(event="new", minute=MINUTE + 30)), 0, {"one": counted}, NOW_MS)
    assert "new" in tally.groups


def test_a_partition_is_complete_as_far_as_log_and_refinement_are() -> None:
    partition = Partition(0, MINUTE, offset=5, awaited=0, newest_ms=1_000)
    assert partition.sure_ms(5, 9_000, None) == 9_000
    assert partition.sure_ms(6, 9_000, None) == 1_000
    assert partition.sure_ms(5, 9_000, 400) == 400
    assert open_minutes(10, 12) == [10, 11, 12]
    assert open_minutes(10, 30) == [10, 11, 12, 29, 30]


def test_what_no_rule_told_is_passed_over_by_the_history_and_odd_values_are_kept_as_none() -> None:
    dice = random.Random(1)
    odd: list[Any] = [None, "x", [], {}, True, 1 << 70, -5, 1.5]
    for _ in range(200):
        data = {n: dice.choice(odd) for n in ("rule_id", "rule", "group", "value", "expected", "window", "reason")}
        notice = {"id": "i", "kind": "alert.firing", "site_id": "one", "at": 5, "data": data}
        assert len(rows_of(notices_of([json.encode(notice)]))) == 1
    assert notices_of([b"", b"{", b'{"id":"a","kind":"import.done","site_id":"one","at":1}']) == []


def test_its_clients_reach_kafka_as_all_that_live_long_do() -> None:
    settings = Settings(kafka_url="kafka:9092")
    for module in (reader, rulebook, teller):
        assert reaching("kafka:9092").items() <= module._config(settings).items(), module
