"""Summaries of sites out of a real store, through a real log, to endpoints: once, by whoever of several comes first."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import json

from api.control.dispatch import Heard
from api.control.outbox import Outbox
from api.control.summaries import Summaries
from api.delivery.digests import GRACE_MS, Digests
from api.delivery.teller import Teller
from clickhouse.client import Client
from pulse.digest.period import HOUR_MS, last_ended
from pulse.notice import Notice
from pulse.settings import Settings
from pulse.topics import ALERTS, SUMMARIES
from streams.broker import Broker
from streams.topics import create
from tests.component.test_delivery_process import Process
from tests.delivering import Outgoing, now_ms, outgoing
from tests.eventually import eventually
from tests.receiving import receiving
from tests.storing import PARTITIONS, delete_topics

BEGIN = 1_790_000_400_000 - 1_790_000_400_000 % HOUR_MS
HOOK = "https://example.org/hook"
Event = tuple[int, str, str, str, float]
"""When it was, in minutes from the beginning; who, what, on which page, with what revenue."""
EVENTS: Sequence[Event] = (
    (-70, "v9", "page_view", "/", 0),
    (-20, "v1", "page_view", "/", 0),
    (-10, "v1", "buy", "/pay", 5),
    (1, "v1", "page_view", "/", 0),
    (2, "v1", "page_view", "/", 0),
    (40, "v1", "page_view", "/a", 0),
    (41, "v2", "page_view", "/a", 0),
    (42, "v2", "page_view", "/a", 0),
    (43, "v2", "buy", "/pay", 7.5),
    (61, "v3", "page_view", "/late", 0),
)


class Clock:
    """Stands still until it is set."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms * 1_000_000


@pytest.fixture
def client(migrated: Client) -> Client:
    return migrated


@pytest.fixture
def settings(kafka: str) -> Settings:
    made = Settings(kafka_url=kafka, partitions=PARTITIONS)
    delete_topics(kafka)
    eventually(lambda: create(made) or True)
    return made


def store(client: Client, begin: int, events: Sequence[Event]) -> None:
    """Store events, and that a rule fired twice."""
    values = ", ".join(
        f"('shop', '{event}', fromUnixTimestamp64Milli({begin + at * 60_000}), '{who}', '{path}', {revenue},"
        f" '{'EUR' if revenue else ''}', '{UUID(int=n)}')"
        for n, (at, who, event, path, revenue) in enumerate(events)
    )
    client.command(
        f"INSERT INTO events (site_id, event, ts, visitor_id, path, revenue, currency, event_id) VALUES {values}"
    )
    fired = ", ".join(
        f"('shop', '{id}', fromUnixTimestamp64Milli({begin + at * 60_000}), '{kind}', {test})"
        for id, at, kind, test in (
            ("a", -5, "firing", 0),
            ("b", 5, "no_data", 0),
            ("c", 5, "resolved", 0),
            ("d", 5, "firing", 1),
        )
    )
    client.command(f"INSERT INTO alert_history (site_id, id, at, kind, test) VALUES {fired}")


def notices(kafka: str) -> list[Notice]:
    broker = Broker(kafka)
    records = (each for partition in range(PARTITIONS) for each in broker.read((SUMMARIES, partition), 0))
    return [json.decode(each.value() or b"", type=Notice) for each in records]


def parts_of(found: Notice, *names: str) -> list[Any]:
    return [found.data[name] for name in names]


def test_a_summary_is_told_once_by_whoever_comes_first_and_of_those_that_were_missed_the_last(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    out: Outgoing = outgoing(tmp_path)
    named = out.endpoint(HOOK, kinds=["summary.hour"])
    out.endpoint(HOOK, kinds=["*"])
    store(client, BEGIN, EVENTS)
    clock = Clock(BEGIN + 5 * 60_000)
    several = [
        Digests(Summaries(out.database), client, Teller(settings, Outbox(out.database)), clock) for _ in range(3)
    ]

    def told() -> int:
        with ThreadPoolExecutor(3) as pool:
            return sum(pool.map(Digests.tell, several))

    assert [told(), told()] == [0, 0]
    clock.ms = BEGIN + HOUR_MS + GRACE_MS - 1
    assert told() == 0
    clock.ms += 1
    away = Digests(Summaries(out.database), Client("http://127.0.0.1:9"), Teller(settings, Outbox(out.database)), clock)
    assert away.tell() == 0
    assert [told(), told()] == [1, 0]
    [first] = notices(settings.kafka_url)
    assert (first.kind, first.site_id, first.at) == ("summary.hour", "shop", BEGIN + HOUR_MS)
    assert parts_of(first, "events", "visitors", "sessions", "alerts", "revenue", "missed") == [
        6,
        2,
        3,
        1,
        {"EUR": 7.5},
        0,
    ]
    assert first.data["before"] == {"events": 2, "visitors": 1, "sessions": 1, "alerts": 1, "revenue": {"EUR": 5.0}}
    assert first.data["pages"] == [{"path": "/a", "views": 3}, {"path": "/", "views": 2}]
    assert first.data["change"] == {"events": 200.0, "visitors": 100.0, "sessions": 200.0}

    assert all(not list(Broker(settings.kafka_url).read((ALERTS, number), 0)) for number in range(PARTITIONS))
    clock.ms += 5 * HOUR_MS
    assert [told(), told()] == [1, 0]
    last = max(notices(settings.kafka_url), key=lambda each: each.at)
    assert (last.at, last.data["missed"], last.data["change"]["events"]) == (BEGIN + 6 * HOUR_MS, 4, None)

    heard = [Heard(each, now_ms()) for each in (first, last, first)]
    assert (out.dispatch.write(heard, now_ms()), out.dispatch.write(heard, now_ms())) == (2, 0)
    assert out.delivery(named, first.id)[0].kind == "summary.hour"
    out.store.endpoints.delete("shop", None, named.id)
    clock.ms += HOUR_MS
    assert told() == 0
    out.endpoint(HOOK, kinds=["summary"])
    assert told() == 0
    wanted = {each.kind: each.told for each in Summaries(out.database).wanted()}
    assert (sorted(wanted), None in wanted.values()) == (["day", "hour", "minute"], False)


class Slow(Client):
    """A store that is long at one site."""

    def __init__(self, client: Client) -> None:
        super().__init__(client._url, client.database)
        self.is_over = threading.Event()

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        if (parameters or {}).get("site") == "slow":
            self.is_over.wait()
        return super().ask(statement, parameters, **settings)


def test_a_site_that_the_store_is_long_at_holds_up_no_other(client: Client, settings: Settings, tmp_path: Path) -> None:
    out, sites, clock = outgoing(tmp_path), ["slow", *(f"z{n}" for n in range(9))], Clock(BEGIN + HOUR_MS + GRACE_MS)
    for site in sites:
        out.store.sites.ensure_organisation(site, site, 0)
        out.store.sites.create(site, site, {"name": site}, 0)
        out.endpoint(HOOK, site, kinds=["summary.hour"])
    slow = Slow(client)
    digests = Digests(Summaries(out.database), slow, Teller(settings, Outbox(out.database)), clock, patience_s=0.5)
    assert digests.tell() == 0
    clock.ms += HOUR_MS
    eventually(lambda: digests.tell() >= 0 and len(notices(settings.kafka_url)) == 9)
    assert digests.tell() == 0
    assert {each.site_id for each in notices(settings.kafka_url)} == set(sites[1:])
    slow.is_over.set()
    eventually(lambda: digests.tell() >= 0 and len(notices(settings.kafka_url)) == 10)


class Failing(Client):
    """A store that takes its time, and then refuses."""

    def __init__(self, client: Client) -> None:
        super().__init__(client._url, client.database)
        self.asked = 0

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        self.asked += 1
        super().ask("SELECT sleep(1)")
        return super().ask("SELECT throwIf(1)")


def test_what_the_store_refuses_again_and_again_is_not_asked_for_all_the_time(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    out, failing, clock = outgoing(tmp_path), Failing(client), Clock(BEGIN + HOUR_MS + GRACE_MS)
    out.endpoint(HOOK, kinds=["summary.hour"])
    digests = Digests(Summaries(out.database), failing, Teller(settings, Outbox(out.database)), clock)
    assert digests.tell() == 0
    clock.ms += HOUR_MS
    assert [digests.tell() for _ in range(5)] == [0] * 5
    assert failing.asked == 1


def test_the_delivery_process_tells_the_last_day_that_it_missed(
    client: Client, clickhouse: str, settings: Settings, tmp_path: Path
) -> None:
    out: Outgoing = outgoing(tmp_path)
    day = last_ended("day", "UTC", now_ms() - GRACE_MS)
    store(client, day.start + 12 * HOUR_MS, EVENTS)
    process = Process(tmp_path, settings.kafka_url)
    process.environment |= {"PULSE_CLICKHOUSE_URL": clickhouse, "PULSE_PARTITIONS": str(PARTITIONS)}
    with receiving({}) as receiver:
        out.endpoint(receiver.url("/daily"), kinds=["summary.day"])
        Summaries(out.database).begin("shop", "day", day.start - 24 * HOUR_MS)
        process.start()
        [request] = eventually(lambda: receiver.at("/daily"))
        assert process.stop() == 0
    body = json.decode(request.body)
    assert (body["event_type"], body["data"]["events"], body["data"]["missed"]) == ("summary.day", 10, 1)
