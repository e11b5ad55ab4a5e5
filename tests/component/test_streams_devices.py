"""Devices are followed exactly over kill -9, restarts and rebalances: each verdict is the one that the events before it give."""

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import json, structs

from clickhouse.client import Client
from pulse.event import RefinedEvent
from pulse.lag import Log as Lags
from pulse.lag import total
from pulse.risk.packed import Sighting
from pulse.risk.rule_sets import rule_set
from pulse.topics import DAY_MS, EVENTS, RAW
from streams import devices as following
from streams import warm
from streams.broker import Broker
from streams.devices import Devices
from streams.memory import Memory
from streams.met_before import load_devices
from streams.standing import SINK, ask
from streams.steps.risk import judge_seen, judging, put_verdict, sight_of
from streams.steps.step import Arrival
from streams.warm import Source
from tests.eventually import eventually
from tests.exact import Store
from tests.migrated import migrate
from tests.storing import Sink
from tests.streaming import PARTITIONS, Line, Log, Streams, raw_event

NOW = 4_000_000_000_000
PEOPLE = 12
PLACES = ("AT", "DE", "FR", "US", "JP", "BR", "AU", "ZA")
SHOWN = ("risk", "risk_band", "risk_vpn", "risk_proxy", "risk_bot", "risk_tamper", "risk_confidence", "risk_reasons")


@pytest.fixture
def workers(tmp_path: Path, sink: Sink) -> Iterator[list[Streams]]:
    """Two workers that know two kinds of networks, not started yet."""
    own = tmp_path / "networks" / "own"
    own.mkdir(parents=True)
    (own / "hosting.txt").write_text("203.0.0.0/22")
    (own / "eyeball.txt").write_text("203.0.4.0/22")
    known = {"PULSE_NETWORKS": str(own.parent)}
    made = [Streams(tmp_path, sink.kafka, sink.clickhouse, known | {"PULSE_INSTANCE": name}) for name in ("one", "two")]
    yield made
    for each in made:
        each.kill()


def sighting_of(e: RefinedEvent) -> Sighting:
    """What a line of the log tells."""
    return following.sighting_of(e, e.asn, e.network)


def somewhere(dice: random.Random) -> Line:
    """An event of a person at one of many places; two have fingerprints alike, some give no leave. A third come to one place, hardly ever twice."""
    person, place = dice.randrange(PEOPLE), dice.randrange(len(PLACES))
    if dice.random() < 0.3:
        person, place = dice.randrange(PEOPLE, 1_000), 0
    return raw_event(
        visitor_id=f"v{person}",
        fingerprint_id=f"f{person // 2}",
        session_id=f"s{dice.randrange(20)}",
        ip=f"203.0.{place}.{dice.randrange(256)}",
        country=PLACES[place],
        consent=dice.choice(["granted", "granted", "granted", None]),
    )


def sent(log: Log, store: Store, dice: random.Random, number: int) -> int:
    """So many events more, once they are stored; how many there are then."""
    before = store.events()
    log.send([somewhere(dice) for _ in range(number)], size=7)
    eventually(lambda: store.events() >= before + number, 60, every=0.2)
    return before + number


def expected(log: Log) -> dict[str, Any]:
    """The verdict on each event, made again from what `pulse.events` has before it; and how many devices that took."""
    judge = judging(rule_set())
    known: dict[int, Devices] = defaultdict(lambda: Devices(partitions=lambda: PARTITIONS))
    found = {}
    for place, message in log.applied(EVENTS):
        value = message.value() or b""
        devices = known[place.partition]
        devices.read(value, message.timestamp()[1])
        for line in value.splitlines():
            event = json.decode(line, type=RefinedEvent)
            sight = sight_of(event, Arrival(place.log, place.partition, place.offset, 0))
            if event.consent == "granted":
                put_verdict(event, judge_seen(judge, sight, devices.seen(sighting_of(event))))
            else:
                put_verdict(event, judge(sight))
            found[str(event.event_id)] = shown(event)
    return found


def shown(event: RefinedEvent) -> tuple[Any, ...]:
    return tuple(getattr(event, name) for name in SHOWN)


def written(log: Log) -> dict[str, Any]:
    """The verdict on each event as it was written."""
    lines = [line for _, message in log.applied(EVENTS) for line in (message.value() or b"").splitlines()]
    events = [json.decode(line, type=RefinedEvent) for line in lines]
    return {str(event.event_id): shown(event) for event in events}


def test_what_is_stored_while_it_is_asked_how_far_is_read_too(
    log: Log, sink: Sink, workers: list[Streams], monkeypatch: pytest.MonkeyPatch
) -> None:
    def store_one(number: int) -> None:
        before = sink.store.events()
        log.send([raw_event(visitor_id="v", fingerprint_id="f", consent="granted", ip=f"203.0.{number}.9")])
        eventually(lambda: sink.store.events() > before, 60, every=0.2)
        eventually(lambda: total(Lags(log.servers).lags([(SINK, (EVENTS,))])) == 0, 60, every=0.2)

    def asked(*those: Any) -> Any:
        store_one(2)
        store_one(3)
        return ask(*those)

    workers[0].start()
    store_one(1)
    [(place, first)] = log.applied(EVENTS)
    broker, client = Broker(log.servers), Client(sink.clickhouse)
    source = Source(broker, client, broker.topic_ids([RAW]), DAY_MS)
    memory, now = Memory(DAY_MS), first.timestamp()[1]
    monkeypatch.setattr(warm, "ask", asked)
    warm.begin(memory, source, place.partition, now - DAY_MS, now)
    assert (memory.position or 0) > 0
    warm.catch_up(memory, source, place.partition, now - DAY_MS)
    [event] = [json.decode(line, type=RefinedEvent) for line in (first.value() or b"").splitlines()]
    assert memory.devices.seen(sighting_of(event)).ips == 3
    client.close()


@pytest.mark.slow
def test_verdicts_are_those_of_what_was_seen_before_over_kill_9_and_rebalances(
    log: Log, sink: Sink, workers: list[Streams]
) -> None:
    dice = random.Random(5)
    one, two = workers
    one.start()
    sent(log, sink.store, dice, 120)
    one.kill()
    one.start()
    sent(log, sink.store, dice, 60)
    two.start()
    eventually(lambda: two.metric("pulse_refine_devices") > 0 or sent(log, sink.store, dice, 30) < 0, 60)
    log.send([somewhere(dice) for _ in range(200)], size=7)
    one.kill()
    sent(log, sink.store, dice, 60)
    eventually(lambda: total(Lags(log.servers).lags([("pulse-streams", ("pulse.events.raw",))])) == 0, 60, every=0.3)
    two.kill()
    two.start()
    sent(log, sink.store, dice, 60)
    assert written(log) == expected(log)
    reasons = [each[-1] for each in written(log).values()]
    assert sum("VEL_COUNTRIES" in each for each in reasons) > len(reasons) / 3
    crowded = [each for each in reasons if "VEL_CROWD" in each]
    assert len(crowded) > 20


def test_what_is_stored_tells_the_same_as_what_was_written(clickhouse: str) -> None:
    client = Client(clickhouse)
    migrate(client)
    dice = random.Random(9)
    events = [json.decode(json.encode(somewhere(dice)), type=RefinedEvent) for _ in range(300)]
    asns = [dice.choice([0, 7, 8447, 397_212]) for _ in events]
    networks = [dice.choice(["", "eyeball", "mobile", "hosting"]) for _ in events]
    written, stored = Devices(), Devices()
    in_order: list[RefinedEvent] = []
    for number, (event, asn, network) in enumerate(zip(events, asns, networks, strict=True)):
        at = event.received_at - dice.randrange(30 * 3_600_000)
        event = structs.replace(event, asn=asn, network=network, received_at=at, imported=number % 10 == 0)
        in_order.append(event)
        written.read(json.encode(event) + b"\n")
        client.command(
            "INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, session_id, ip, asn, network,"
            " country, fingerprint_id, consent, imported, _log, _partition, _place) SELECT {site:String}, 'x', t,"
            " fromUnixTimestamp64Milli({at:Int64}) AS t, {id:UUID}, {visitor:String}, {session:String}, {ip:String},"
            " {asn:UInt32}, {network:String}, {country:String}, {fingerprint:String}, {consent:String}, {imported:Bool}, 'log', 2, 1",
            {
                **{"site": event.site_id, "at": at, "id": event.event_id, "visitor": event.visitor_id, "asn": asn},
                **{"session": event.session_id, "ip": event.ip, "network": network, "country": event.country},
                **{"fingerprint": event.fingerprint_id, "consent": event.consent or "", "imported": event.imported},
            },
        )
    load_devices(client, stored, 2, 0, NOW)
    after = [structs.replace(event, received_at=max(e.received_at for e in events)) for event in events]
    assert len(stored) == len(written) > 0
    assert [stored.seen(sighting_of(event)) for event in after] == [written.seen(sighting_of(event)) for event in after]
    assert stored.places.states() == written.places.states() != {}
    assert stored.known.states() == written.known.states()
    nothing = Devices()
    load_devices(client, nothing, 3, 0, NOW)
    assert len(nothing) == 0
    few = Devices(lambda: 4_000)
    load_devices(client, few, 2, 0, NOW)
    met: dict[int, int] = defaultdict(int)
    for each in (sighting_of(event) for event in in_order if event.consent == "granted" and not event.imported):
        met[each.device] = max(met[each.device], each.minute)
    assert len(few) > 3
    assert (few.known.forgotten, few.places.forgotten) == (0, 0)
    least = sorted(met.values())[-len(few)]
    assert all(
        few.seen(sighting_of(event)).sessions > 0
        for event in in_order
        if met.get(sighting_of(event).device, 0) > least and sighting_of(event).minute == met[sighting_of(event).device]
    )
    client.close()
