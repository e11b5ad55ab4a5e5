"""Sessions of a high risk out of a real store, to endpoints: each once, whoever asks and dies."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import json

from api.control.outgoing import Delivery
from api.control.risktold import RisksTold
from api.delivery.risks import AT_MOST, Risks
from clickhouse.client import Client
from pulse.settings import Settings
from tests.component.test_delivery_process import Process
from tests.component.test_delivery_summaries import Clock
from tests.delivering import Outgoing, now_ms, outgoing
from tests.eventually import eventually
from tests.receiving import receiving
from tests.storing import PARTITIONS

BEGIN = 1_790_000_400_000
HOOK = "https://example.org/hook"
Event = tuple[int, str, str, int]
"""When it was received, in seconds from the beginning; its session, its visitor, its risk."""


def store(client: Client, begin: int, events: Sequence[Event], site: str = "shop", imported: bool = False) -> None:
    stored = client.ask("SELECT count() FROM events").rows[0][0]
    values = ", ".join(
        f"('{site}', 'view', fromUnixTimestamp64Milli({begin + at * 1000 - 5}), fromUnixTimestamp64Milli({begin + at * 1000}),"
        f" '{session}', '{visitor}', {risk}, '{'critical' if risk >= 85 else 'high' if risk >= 60 else 'low'}',"
        f" 'BOT_WEBDRIVER,NET_OWN', {imported}, '{UUID(int=stored + n)}')"
        for n, (at, session, visitor, risk) in enumerate(events)
    )
    columns = (
        "site_id, event, ts, received_at, session_id, visitor_id, risk, risk_band, risk_reasons, imported, event_id"
    )
    client.command(f"INSERT INTO events ({columns}) VALUES {values}")


def deliveries(out: Outgoing) -> list[Delivery]:
    with out.database.read() as session:
        return list(session.query(Delivery).order_by(Delivery.id).all())


def told(out: Outgoing) -> list[tuple[str, str, int]]:
    """Session, visitor and risk of what was told, by the order of these."""
    found = [json.decode(each.record)["data"] for each in deliveries(out)]
    return sorted((each["session_id"], each["visitor_id"], each["risk"]) for each in found)


@pytest.fixture
def out(tmp_path: Path) -> Outgoing:
    return outgoing(tmp_path)


def asking(out: Outgoing, client: Client, clock: Clock) -> Risks:
    return Risks(RisksTold(out.database), out.dispatch, client, clock=clock)


def test_each_session_is_told_of_once_with_its_first_such_event(out: Outgoing, migrated: Client) -> None:
    out.endpoint(HOOK, kinds=["*"])
    out.endpoint(HOOK, "rival", kinds=["alert"])
    named, clock = out.endpoint(HOOK, kinds=["risk.high"]), Clock(now_ms())
    begin = clock.ms
    risks = asking(out, migrated, clock)
    assert risks.tell() == 0
    clock.ms += 60_000
    store(migrated, begin, [(1, "s1", "v1", 59), (2, "s1", "v1", 91), (3, "s1", "v1", 99), (4, "", "v2", 60)])
    store(migrated, begin, [(5, "", "v2", 70), (6, "s3", "v3", 20)])
    store(migrated, begin, [(5, "s9", "v9", 99)], "rival")
    store(migrated, begin, [(5, "s8", "v8", 99)], imported=True)
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [2, 0]
    assert told(out) == [("", "v2", 60), ("s1", "v1", 91)]
    assert {each.endpoint for each in deliveries(out)} == {named.id}
    data = next(json.decode(each.record)["data"] for each in deliveries(out) if '"s1"' in each.record)
    assert (data["severity"], data["risk_reasons"]) == ("critical", ["BOT_WEBDRIVER", "NET_OWN"])
    assert data["reason"] == "risk 91: a program drives the browser; NET_OWN"

    clock.ms += 3_600_000
    store(migrated, begin, [(3_000, "s1", "v1", 99), (3_001, "s4", "v4", 85), (200, "s5", "v5", 61)])
    assert Risks(RisksTold(out.database), out.dispatch, Client("http://127.0.0.1:9"), clock=clock).tell() == 0
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [2, 0]
    assert told(out) == [("", "v2", 60), ("s1", "v1", 91), ("s4", "v4", 85), ("s5", "v5", 61)]


def test_a_flood_is_told_of_in_part_and_how_much_is_left_out(out: Outgoing, migrated: Client) -> None:
    out.endpoint(HOOK, kinds=["risk"])
    clock = Clock(now_ms())
    begin, risks = clock.ms, asking(out, migrated, clock)
    assert risks.tell() == 0
    clock.ms += 60_000
    store(migrated, begin, [(1 + n // 100, f"s{n:04}", "", 80) for n in range(AT_MOST + 7)])
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [AT_MOST, 0]
    left = [json.decode(each.record)["data"].get("left_out", 0) for each in deliveries(out)]
    assert sorted(left)[-2:] == [0, 7]


def test_a_site_that_asks_no_longer_begins_anew(out: Outgoing, migrated: Client) -> None:
    endpoint, marks, clock = out.endpoint(HOOK, kinds=["risk.high"]), RisksTold(out.database), Clock(BEGIN)
    assert asking(out, migrated, clock).tell() == 0
    assert [tuple(each) for each in marks.wanted()] == [("shop", BEGIN)]
    out.store.endpoints.delete("shop", None, endpoint.id)
    assert marks.wanted() == []
    out.endpoint(HOOK, kinds=["risk"])
    assert [tuple(each) for each in marks.wanted()] == [("shop", None)]


def test_the_delivery_process_sends_it(
    out: Outgoing, migrated: Client, clickhouse: str, kafka: str, tmp_path: Path
) -> None:
    process = Process(tmp_path, Settings(kafka_url=kafka).kafka_url)
    process.environment |= {"PULSE_CLICKHOUSE_URL": clickhouse, "PULSE_PARTITIONS": str(PARTITIONS)}
    begin = now_ms()
    with receiving({}) as receiver:
        out.endpoint(receiver.url("/risk"), kinds=["risk.high"])
        RisksTold(out.database).begin("shop", begin - 1_000)
        store(migrated, begin, [(0, "s1", "v1", 86)])
        process.start()
        [request] = eventually(lambda: receiver.at("/risk"))
        assert process.stop() == 0
    body = json.decode(request.body)
    assert (body["event_type"], body["site_id"], body["data"]["session_id"]) == ("risk.high", "shop", "s1")
