"""Reconciling in ClickHouse itself: what differs is found and mended, what is on its way is let alone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from clickhouse.client import Client
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse import topics
from pulse.command.store import Store as Asked
from pulse.errors import NotFound
from pulse.minute import Seen, fold, partials
from pulse.place import Place
from pulse.reconciling.cell import Difference, correction
from pulse.reconciling.compare import Unsettled, find
from pulse.reconciling.derived import DERIVED, HERE
from tests.commanding import pulse
from tests.exact import Store
from tests.migrated import migrate
from tests.storing import PARTITIONS, Line, events, ledger_of, lines_of

METRICS, LEDGER = DERIVED
DAY = "2026-09-21"


class Days:
    """A database of the test's, filled as the sink fills it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = Client(url)
        migrate(self.client)
        self.store = Store(url)

    def put(self, *records: Record) -> None:
        writer = Writer(self.client)
        writer.begin()
        writer.store(records)

    def find(
        self, derived: Any = METRICS, passing: Callable[[], None] = lambda: None, site: str = ""
    ) -> list[Difference]:
        return find(derived, DAY, site, PARTITIONS, self.ask, passing)

    def ask(self, query: str, parameters: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        return Asked(self.url).records(query, parameters, 60)

    def mend(self, found: Sequence[Difference]) -> None:
        rows = b"\n".join(json.encode(correction(METRICS, each)) for each in found).decode()
        self.client.command(f"INSERT INTO metrics_minute FORMAT JSONEachRow {rows}")


def of_events(lines: Sequence[Line], offset: int, log: str = "log") -> Record:
    return Record(topics.EVENTS, 0, offset, Place(log, 0, offset), lines_of(lines), ledger=ledger_of(lines))


def of_partials(lines: Sequence[Line], offset: int, log: str = "log") -> list[Record]:
    made = []
    for partition in range(PARTITIONS):
        own = [line for line in lines if topics.partition_of(line["site_id"], "", PARTITIONS) == partition]
        sums = partials(fold(json.decode(json.encode(line), type=Seen) for line in own))
        if own:
            value = json.Encoder().encode_lines(sums)
            made.append(Record(topics.METRICS, partition, offset, Place(log, 0, offset), value))
    return made


@pytest.fixture
def days(clickhouse: str) -> Days:
    made = Days(clickhouse)
    lines = events(1, 500)
    made.put(of_events(lines, 0), *of_partials(lines, 0))
    return made


def test_a_site_that_is_none_is_told_with_those_that_are(days: Days) -> None:
    asked = Asked(days.url)
    asked.demand_site("one", 60)
    with pytest.raises(NotFound, match=r"there is no site 'nobody': `pulse sites list`"):
        asked.demand_site("nobody", 60)
    days.client.command("INSERT INTO config (kind, id, value) VALUES ('site', 'new', '{}'), ('site', 'shop', '{}')")
    asked.demand_site("new", 60)
    with pytest.raises(NotFound, match="there is no site 'nobody': the sites are new, shop"):
        asked.demand_site("nobody", 60)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["reconcile", "--site", "nobody"], 1, "there is no site 'nobody'"),
        (["reconcile", "--from", "2026-09-22", "--to", "2026-09-21"], 2, "2026-09-22 is after --to 2026-09-21"),
        (["tail", "--site", "nobody"], 1, "there is no site 'nobody'"),
    ],
)
def test_what_cannot_be_asked_is_told(
    days: Days, apache_kafka: str, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    at = {"PULSE_CLICKHOUSE_URL": days.url, "PULSE_KAFKA_URL": apache_kafka, "PULSE_DATA": str(tmp_path)}
    assert said in pulse(at, *words, expect=code).stderr


def test_what_agrees_agrees(days: Days) -> None:
    between = (HERE / "days.sql").read_text()
    for first, last in (("", ""), (DAY, DAY), (DAY, ""), ("2020-01-01", "2030-01-01")):
        assert [row["day"] for row in days.ask(between, {"from": first, "to": last})] == [DAY]
    assert days.ask(between, {"from": "", "to": "2020-01-01"}) == []
    assert (days.find(), days.find(LEDGER)) == ([], [])


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO metrics_minute (site_id, minute, event, events, bots, revenue) VALUES ('one', '2026-09-21 14:00:00', 'x', 3, 1, 2.5)",
        "INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, revenue)"
        " SELECT site_id, minute, event, country, device_type, currency, 2, -1.0001 FROM metrics_minute WHERE site_id != '' LIMIT 9",
        "ALTER TABLE metrics_minute DELETE WHERE event = 'click' AND site_id != '' SETTINGS mutations_sync = 2",
    ],
)
def test_a_difference_is_found_and_mended(days: Days, damage: str) -> None:
    days.client.command(damage)
    wrong = days.store.differing_minutes()
    found = days.find()
    assert wrong == len(found) > 0
    assert days.find(site="nobody") == []
    days.mend(found)
    assert (days.find(), days.store.differing_minutes()) == ([], 0)
    days.client.command("OPTIMIZE TABLE metrics_minute FINAL")
    assert days.store.differing_minutes() == 0
    assert days.store.number("SELECT max(events) FROM metrics_minute") < 1_000


def test_what_is_on_its_way_is_no_difference_and_is_not_mended(days: Days) -> None:
    days.client.command(
        "INSERT INTO metrics_minute (site_id, minute, event, events) VALUES ('one', '2026-09-21 14:00:00', 'x', 7)"
    )
    more, last = events(2, 200), events(3, 100)
    days.put(of_events(more, 1))

    def passing() -> None:
        days.put(*of_partials(more, 1), of_events(last, 2))

    found = days.find(passing=passing)
    assert [(each.cell["event"], int(each.kept["events"]), int(each.counted["events"])) for each in found] == [
        ("x", 7, 0)
    ]
    days.mend(found)
    days.put(*of_partials(last, 2))
    assert days.store.differing_minutes() == 0


def test_sums_that_go_ahead_of_their_events_are_waited_for(days: Days) -> None:
    more = events(2, 200)
    days.put(*of_partials(more, 1))
    calls = []

    def passing() -> None:
        calls.append(1)
        if len(calls) == 1:
            last = events(3, 10)
            days.put(*of_partials(last, 2))
        else:
            days.put(of_events(more, 1), of_events(events(3, 10), 2))

    assert days.find(passing=passing) == []
    assert len(calls) == 2


def test_sums_that_stay_ahead_are_not_judged(days: Days) -> None:
    offsets = iter(range(1, 100))

    def passing() -> None:
        days.put(*of_partials(events(2, 20), next(offsets)))

    passing()
    with pytest.raises(Unsettled):
        days.find(passing=passing)


def test_what_was_lost_on_its_way_is_found_once_nothing_is_on_it(days: Days) -> None:
    lost, more = events(2, 200), events(3, 100)
    days.put(of_events(lost, 0, "embedded"))
    found = days.find(passing=lambda: days.put(of_events(more, 1), *of_partials(more, 1)))
    assert sum(each.counted["events"] - each.kept["events"] for each in found) == 200
    days.mend(found)
    assert days.store.differing_minutes() == 0


def test_events_that_are_lost_are_told_by_the_ledger(days: Days) -> None:
    [id] = list(days.store.ids())[:1]
    days.client.command(f"ALTER TABLE events DELETE WHERE event_id = '{id}' SETTINGS mutations_sync = 2")
    [found] = days.find(LEDGER)
    assert found.kept["events"] - found.counted["events"] == 1
    assert days.store.unbalanced() == 1


def test_events_from_before_there_was_a_ledger_do_not_count(clickhouse: str) -> None:
    days = Days(clickhouse)
    days.put(of_events(events(1, 100), 0), of_events(events(2, 100), 0, "older"))
    days.client.command("TRUNCATE TABLE ledger_minute")
    days.put(of_events(events(3, 50), 1))
    assert days.find(LEDGER) == []
    assert days.store.unbalanced() == 0


def test_an_event_that_came_too_late_to_the_ledger_is_waited_for(days: Days) -> None:
    more = events(2, 100)
    days.put(of_events(more, 1)._replace(ledger=b""))
    assert days.find(LEDGER, passing=lambda: days.put(of_events(more, 2)._replace(value=b""))) == []


def test_a_record_whose_events_are_gone_holds_nothing_up(days: Days) -> None:
    lost = [line | {"event": "lost"} for line in events(2, 1)]
    days.put(of_events(lost, 1), *of_partials(lost, 1))
    days.client.command("DELETE FROM events WHERE event = 'lost'")
    assert [each.cell["event"] for each in days.find()] == ["lost"]
    assert len(days.find(LEDGER)) == 1
