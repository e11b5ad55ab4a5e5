"""Replaying on the whole product: a better geographic database, seen before it counts, swapped while events flow."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import json

from pulse.replaying.report import Report
from pulse.topics import RAW
from streams.broker import Broker
from tests.commanding import ROOT, command, pulse, without_settings
from tests.eventually import eventually
from tests.exact import Store
from tests.product import Product
from tests.replaying import GEO
from tests.traffic import Sent, send

WITHIN = 240.0
FIRST = 600


@pytest.fixture(scope="module")
def store(product: Product) -> Store:
    """The product's."""
    return Store(f"{product.url('clickhouse')}/pulse")


@pytest.fixture(scope="module")
def better(product: Product) -> dict[str, str]:
    """The environment of a command that has a geographic database, which the streams had not."""
    return product.environment | {"PULSE_GEO_DATABASE": str(GEO)}


def minute(seconds: float) -> str:
    """A moment from now as the command takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + seconds))


def replay(environment: dict[str, str], *words: str, **more: Any) -> str:
    """What the command says."""
    return pulse(environment, "replay", *words, within=WITHIN, **more).stdout


@pytest.fixture(scope="module")
def ids(product: Product) -> set[str]:
    """Events that are stored without a country, each sent twice."""
    sent = [
        {"event": "visit", "event_id": str(uuid4()), "visitor_id": f"v{n % 9}", "ip": f"203.0.113.{n % 200}"}
        for n in range(FIRST)
    ]
    for _ in range(2):
        assert product.send(sent).status_code == 202
    product.drained()
    return {str(event["event_id"]) for event in sent}


def test_the_difference_is_shown_and_nothing_changes(
    product: Product, store: Store, better: dict[str, str], ids: set[str]
) -> None:
    same = replay(product.environment, "--from", minute(-3600), "--to", minute(1), "--name", "same")
    assert f"{FIRST:,} rows, no difference" in same
    said = replay(better, "--from", minute(-3600), "--to", minute(1), "--name", "geo", "--site", product.site)
    assert f"country: {FIRST:,} rows" in said
    assert "'' -> 'AT'" in said
    assert f"{FIRST:,} repetitions" in said
    assert "pulse replay --swap geo" in said
    assert store.events("country = ''") == FIRST
    listed = [json.decode(line) for line in replay(product.environment, "--list", "--json").splitlines()]
    assert [(each["name"], each["state"]) for each in listed] == [("geo", "finished"), ("same", "finished")]
    assert "same is dropped" in replay(product.environment, "--drop", "same")


def test_a_swap_under_load_that_is_killed_and_run_again(
    product: Product, store: Store, better: dict[str, str], ids: set[str]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send, product, 1, 12_000, 40)
        eventually(lambda: store.events() > FIRST + 500, within=WITHIN)
        _killed(better, "--swap", "geo")
        assert "geo is swapped" in replay(better, "--swap", "geo")
        assert store.events("country = 'AT' AND event = 'visit'") == FIRST
        assert "geo is swapped" in replay(better, "--swap", "geo")
        sent: Sent = traffic.result(timeout=WITHIN)
    product.drained(within=WITHIN)
    kept = store.ids()
    assert set(kept.values()) == {1}
    assert set(kept) == ids | sent.ids
    assert store.events("country = 'AT' AND event = 'visit'") == FIRST
    assert (store.differing_minutes(), store.unbalanced()) == (0, 0)
    assert "as the events say" in pulse(product.environment, "reconcile").stdout
    assert "no difference" in replay(better, "--show", "geo")
    assert "geo is dropped" in replay(better, "--drop", "geo")


def _killed(environment: dict[str, str], *words: str) -> None:
    """Run a swap until it has begun to build a month, and kill it with all that it started."""
    running = subprocess.Popen(
        command("replay", *words),
        cwd=ROOT,
        env={**without_settings(), **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    building = Store(environment["PULSE_CLICKHOUSE_URL"])
    query = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'replay_geo_month'"
    eventually(lambda: building.number(query) or running.poll() is not None, within=WITHIN, every=0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def test_what_the_raw_log_has_dropped_is_taken_from_the_table(
    product: Product, store: Store, better: dict[str, str]
) -> None:
    broker = Broker(product.url("kafka"))
    wheres = [(RAW, partition) for partition in range(broker.partitions(RAW))]
    halves = [TopicPartition(*where, end // 2) for where, end in broker.ends(wheres).items()]
    admin = AdminClient({"bootstrap.servers": product.url("kafka")})
    for dropped in admin.delete_records(halves, request_timeout=60).values():
        dropped.result()
    said = replay(better, "--from", minute(-3600), "--to", minute(1), "--name", "half", "--json")
    report = json.decode(said, type=Report)
    assert report.about.read > 0
    assert report.about.taken > 0
    assert report.total("stored") == report.total("made") == store.events()
    assert [day for day in report.days if day.differs] == []


def test_what_cannot_be_is_said_in_a_sentence(product: Product) -> None:
    for words, said in (
        (("--from", "2026-03-02", "--to", "2026-03-01"), "must lie before --to"),
        (("--from", "2026-03-01", "--to", "2026-03-01", "--site", "nowhere"), "there is no site nowhere"),
        (("--swap", "nothing"), "there is no replay nothing"),
        (("--drop", "nothing"), "there is no replay nothing"),
        (("--show", "No Name"), "is no name of a replay"),
    ):
        assert said in pulse(product.environment, "replay", *words, expect=1).stderr
    for wrong in ((), ("--from", "2026-03-01"), ("--list", "--drop", "x"), ("--from", "yesterday", "--to", "now")):
        assert pulse(product.environment, "replay", *wrong, expect=2).stderr
