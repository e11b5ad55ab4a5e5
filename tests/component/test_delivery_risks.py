"""Sessions of a high risk out of a real store, to endpoints: each once, whoever asks and dies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import json

from api.control.outgoing import Delivery
from api.control.risktold import RisksTold
from api.delivery.risks import AT_MOST, Risks
from clickhouse.client import Client
from clickhouse.reports.suspects import QUARTER_MS
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


class Odd(Client):
    """A store that answers nonsense of one site."""

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        if (parameters or {}).get("site") == "rival":
            return super().ask("SELECT 1")
        return super().ask(statement, parameters, **settings)


def test_a_fault_at_one_site_holds_up_no_other(out: Outgoing, migrated: Client) -> None:
    clock = Clock(now_ms())
    for site in ("rival", "shop"):
        out.endpoint(HOOK, site, kinds=["risk"])
    asking(out, migrated, clock).tell()
    store(migrated, clock.ms, [(1, "s1", "v1", 91)])
    clock.ms += 60_000
    assert asking(out, Odd(migrated._url, migrated.database), clock).tell() == 1


def test_a_flood_is_told_of_in_part_and_how_much_is_left_out_once_its_quarter_is_over(
    out: Outgoing, migrated: Client
) -> None:
    out.endpoint(HOOK, kinds=["risk"])
    clock = Clock(_quarter())
    begin = clock.ms
    assert asking(out, migrated, clock).tell() == 0
    clock.ms += 60_000
    store(migrated, begin, [(1 + n // 100, f"s{n:04}", "", 80) for n in range(AT_MOST + 7)])
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [AT_MOST - 1, 0]
    clock.ms = begin + 600_000
    store(migrated, begin, [(500, f"t{n:04}", "", 80) for n in range(20)])
    assert asking(out, migrated, clock).tell() == 0
    clock.ms = begin + QUARTER_MS + 61_000
    store(migrated, begin, [(901 + n // 100, f"u{n:04}", "", 80) for n in range(AT_MOST + 5)])
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [AT_MOST, 0]
    clock.ms += 20 * QUARTER_MS
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [1, 0]
    left = [json.decode(each.record)["data"].get("left_out", 0) for each in deliveries(out)]
    assert sorted(left)[-3:] == [0, 5, 27]
    clock.ms += 4 * QUARTER_MS
    store(migrated, begin, [(21 * 900, "later", "", 20)])
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [0, 0]
    assert len(deliveries(out)) == 2 * AT_MOST


def _quarter() -> int:
    """The beginning of the next one: a webhook that is made now is told of what is then."""
    now = now_ms()
    return now - now % QUARTER_MS + QUARTER_MS


def test_what_was_received_hours_before_and_is_stored_now_is_told(out: Outgoing, migrated: Client) -> None:
    out.endpoint(HOOK, kinds=["risk.high"])
    clock = Clock(now_ms())
    begin, risks = clock.ms, asking(out, migrated, clock)
    assert risks.tell() == 0
    clock.ms += 6 * 3_600_000
    store(migrated, begin, [(6 * 3_600 - 1, "quick", "v1", 20)])
    assert asking(out, migrated, clock).tell() == 0
    store(migrated, begin, [(3_600, "slow", "v2", 91)])
    assert [asking(out, migrated, clock).tell() for _ in range(2)] == [1, 0]
    assert told(out) == [("slow", "v2", 91)]


def test_after_a_stop_all_of_it_is_told(out: Outgoing, migrated: Client) -> None:
    out.endpoint(HOOK, kinds=["risk.high"])
    clock = Clock(_quarter())
    begin, risks = clock.ms, asking(out, migrated, clock)
    assert risks.tell() == 0
    hours, each = (1, 5, 40, 41, 60), 150
    for hour in hours:
        store(migrated, begin, [(hour * 3_600 + n, f"h{hour}s{n}", "", 91) for n in range(each)])
    clock.ms += 61 * 3_600_000
    assert sum(asking(out, migrated, clock).tell() for _ in range(12)) == len(hours) * each
    assert {each.told for each in RisksTold(out.database).wanted()} == {begin + (60 * 3_600 + each - 1) * 1_000}


def test_an_endpoint_is_told_of_nothing_before_it_asked(out: Outgoing, migrated: Client) -> None:
    first, later = out.endpoint(HOOK, kinds=["risk"]), out.endpoint(HOOK, kinds=["alert"])
    clock = Clock(now_ms())
    begin = clock.ms
    store(migrated, begin, [(-120, "before", "v1", 91)])
    assert asking(out, migrated, clock).tell() == 0
    store(migrated, begin, [(10, "s1", "v1", 91), (30, "s2", "v1", 91)])
    clock.ms += 60_000
    out.store.endpoints.change("shop", None, later.id, {"kinds": ["alert", "risk.high"]}, out.seal, begin + 20_000)
    assert asking(out, migrated, clock).tell() == 3
    assert sorted(each.endpoint for each in deliveries(out)) == sorted((first.id, first.id, later.id))
    assert [json.decode(e.record)["data"]["session_id"] for e in deliveries(out) if e.endpoint == later.id] == ["s2"]


def test_two_visitors_that_name_the_same_session_are_two(out: Outgoing, migrated: Client) -> None:
    out.endpoint(HOOK, kinds=["risk"])
    clock = Clock(now_ms())
    begin = clock.ms
    assert asking(out, migrated, clock).tell() == 0
    store(migrated, begin, [(1, "same", "v1", 91), (2, "same", "v2", 92)])
    clock.ms += 60_000
    assert asking(out, migrated, clock).tell() == 2


def test_a_site_that_takes_long_holds_up_no_other(
    out: Outgoing, migrated: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.endpoint(HOOK, kinds=["risk"])
    clock, elapsed = Clock(now_ms()), [1_000.0]
    begin, risks = clock.ms, asking(out, migrated, clock)
    monkeypatch.setattr("api.delivery.risks.time.monotonic", lambda: elapsed[0])
    assert risks.tell() == 0
    risks._due["shop"] = elapsed[0] + 500
    out.endpoint(HOOK, "rival", kinds=["risk"])
    assert risks.tell() == 0
    clock.ms += 60_000
    for site in ("shop", "rival"):
        store(migrated, begin, [(1, "s1", "v1", 91)], site)
    assert risks.tell() == 1
    elapsed[0] += 501
    assert risks.tell() == 1


def test_a_site_that_asks_no_longer_begins_anew(out: Outgoing, migrated: Client) -> None:
    endpoint, marks, clock = out.endpoint(HOOK, kinds=["risk.high"]), RisksTold(out.database), Clock(BEGIN)
    assert asking(out, migrated, clock).tell() == 0
    assert [tuple(each) for each in marks.wanted()] == [("shop", BEGIN, BEGIN)]
    out.store.endpoints.delete("shop", None, endpoint.id)
    assert marks.wanted() == []
    out.endpoint(HOOK, kinds=["risk"])
    assert [tuple(each) for each in marks.wanted()] == [("shop", None, 0)]


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
