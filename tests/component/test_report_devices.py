"""What is known of devices, networks and systems, against counting by hand; and the table behind it, repeated and merged."""

import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from api.query.devices import AddressResponse, DeviceResponse, NetworkResponse
from clickhouse.client import Client
from clickhouse.reports.devices import WINDOWS, of_device, of_network, of_system
from pulse.analyst.rule import analytics_of
from pulse.risk.crowd import crowd
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of

NOW = int(time.time() * 1000)
DAY = 86_400_000
Row = dict[str, Any]


def rows() -> list[Row]:
    dice = random.Random(21)
    return [_row(dice, n) for n in range(600)]


def _row(dice: random.Random, number: int) -> Row:
    at = NOW - dice.choice((0, 0, 3_000_000, 20 * 3_600_000, 5 * DAY, 9 * DAY)) - dice.randrange(1_000_000)
    place = dice.randrange(5)
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return {
        "site_id": dice.choice(("shop", "shop", "rival")),
        "event": "page_view",
        "ts": moment,
        "received_at": moment,
        "event_id": str(UUID(int=(number + 1) * 7919)),
        "visitor_id": f"v{dice.randrange(9)}",
        "session_id": dice.choice(("", f"s{dice.randrange(40)}")),
        "fingerprint_id": dice.choice(("", "fa", "fb", "fc")),
        "ip": f"203.0.{place}.0",
        "asn": (0, 8447, 3320, 4713, 8447)[place],
        "as_org": ("", "A1", "DTAG", "OCN", "A1")[place],
        "network": ("", "eyeball", "eyeball", "mobile", "eyeball")[place],
        "country": ("", "AT", "DE", "JP", "AT")[place],
        "risk": dice.randrange(101),
        "risk_vpn": dice.randrange(101),
        "risk_reasons": dice.choice(("", "VEL_IPS", "NET_VPN,VEL_IPS")),
    }


ROWS = rows()


def put(client: Client, some: list[Row]) -> None:
    """Store rows, those of each month for themselves."""
    for month in {each["ts"].month for each in some}:
        own = [each for each in some if each["ts"].month == month]
        client.insert("events", pa.Table.from_pylist(own))


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    put(made, ROWS)
    yield made
    made.close()


def ms(row: Row) -> int:
    return int(row["received_at"].timestamp() * 1000)


def by_hand(own: list[Row], now: int) -> dict[str, dict[str, int]]:
    """What each window holds."""
    week = [each for each in own if now - WINDOWS["7d"] < ms(each) <= now]
    begun: dict[str, int] = {}
    for each in week:
        begun[each["session_id"]] = min(begun.get(each["session_id"], now), ms(each))
    found = {}
    for name, length in WINDOWS.items():
        some = [each for each in week if ms(each) > now - length]

        def different(field: str, some: list[Row] = some) -> int:
            return len({each[field] for each in some} - {"", 0})

        found[name] = {
            "events": len(some),
            "visitors": different("visitor_id"),
            "devices": different("fingerprint_id"),
            "sessions": different("session_id"),
            "sessions_begun": sum(at > now - length for session, at in begun.items() if session),
            "ips": different("ip"),
            "asns": different("asn"),
            "countries": different("country"),
        }
    return found


def of_site(**same: Any) -> list[Row]:
    return [each for each in ROWS if each["site_id"] == "shop" and all(each[k] == v for k, v in same.items())]


def test_windows_are_what_is_counted_by_hand(client: Client) -> None:
    for own, found in (
        (of_site(fingerprint_id="fa"), of_device(client, "shop", "fa", NOW, 100)),
        (of_site(ip="203.0.1.0"), of_network(client, "shop", "203.0.1.0", NOW, 100)),
        (of_site(asn=8447), of_system(client, "shop", 8447, NOW, 100)),
        ([], of_device(client, "shop", "nobody", NOW, 100)),
    ):
        assert {name: asdict(window) for name, window in found.windows.items()} == by_hand(own, NOW)
        assert sum(place.events for place in found.places) == found.windows["7d"].events


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


async def test_a_device_is_looked_up(api: Api) -> None:
    answer = await api.ask("GET", "/api/v1/fingerprints/fa", "reader")
    assert answer.status_code == 200, answer.text
    found, own = DeviceResponse.model_validate(answer.json()), of_site(fingerprint_id="fa")
    assert (found.events, found.risk, found.vpn) == (
        len(own),
        max(each["risk"] for each in own),
        max(each["risk_vpn"] for each in own),
    )
    assert (found.first_seen, found.last_seen) == (min(map(ms, own)), max(map(ms, own)))
    assert found.ips == len({each["ip"] for each in own})
    assert found.sessions == len({each["session_id"] for each in own} - {""})
    newest = max(own, key=lambda each: (each["ts"], UUID(each["event_id"]).int))
    assert (found.latest.at, found.latest.risk) == (ms(newest), newest["risk"])
    assert set(found.windows) == set(WINDOWS)


async def test_a_network_and_a_system_are_looked_up(api: Api) -> None:
    answer = await api.ask("GET", "/api/v1/addresses/203.0.1.77", "reader", params={"limit": 3})
    assert answer.status_code == 200, answer.text
    address = AddressResponse.model_validate(answer.json())
    assert (address.ip, address.network, len(address.places)) == ("203.0.1.0", "eyeball", 3)
    assert address.crowd == address.windows["24h"].devices / 256
    mapped = await api.ask("GET", "/api/v1/addresses/::ffff:203.0.1.77", "reader")
    assert mapped.json()["ip"] == "203.0.1.0"
    mobile = (await api.ask("GET", "/api/v1/addresses/203.0.3.1", "reader")).json()
    assert (mobile["network"], mobile["crowd"]) == ("mobile", None)
    answer = await api.ask("GET", "/api/v1/networks/8447", "reader")
    system = NetworkResponse.model_validate(answer.json())
    assert (system.asn, system.as_org, system.network) == (8447, "A1", "eyeball")
    assert system.windows["7d"].ips == 2


async def test_what_cannot_be_looked_up_is_refused_and_whose_data_it_is(api: Api) -> None:
    for path, said in (("addresses/203.0.1", "ip"), ("networks/0", "asn"), ("networks/x", "asn")):
        answer = await api.ask("GET", f"/api/v1/{path}", "reader")
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["detail"]
    assert (await api.ask("GET", "/api/v1/fingerprints/nobody", "reader")).status_code == 404
    assert (await api.ask("GET", f"/api/v1/fingerprints/{'x' * 201}", "reader")).status_code == 400
    for path in ("fingerprints/fa", "addresses/203.0.1.1", "networks/8447"):
        assert (await api.ask("GET", f"/api/v1/{path}", "writer")).status_code == 403
        asked = await api.ask("GET", f"/api/v1/{path}", "rival", params={"site_id": "shop"})
        assert asked.status_code == 404
    rival = await api.ask("GET", "/api/v1/networks/8447", "rival_reader")
    assert rival.json()["windows"]["7d"]["events"] == sum(
        each["site_id"] == "rival" and each["asn"] == 8447 and ms(each) > NOW - WINDOWS["7d"] for each in ROWS
    )


async def test_a_look_up_is_bounded(tmp_path: Path, client: Client, clickhouse_of_module: str) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module, query_rows=100)) as api:
        for path in ("fingerprints/fa", "addresses/203.0.1.1", "networks/8447"):
            answer = await api.ask("GET", f"/api/v1/{path}", "reader")
            assert (answer.status_code, "PULSE_QUERY_ROWS" in answer.text) == (504, True), answer.text


SUMMED = (
    "SELECT site_id, fingerprint_id, first_seen, last_seen, events, total_visitors, total_sessions, total_ips, total_asns,"
    " total_countries, risk, vpn_suspected, last_risk, last_reasons FROM fingerprints ORDER BY site_id, fingerprint_id"
)


def test_repetition_order_and_merging_change_nothing(migrated: Client) -> None:
    analysts = migrated.within(analytics_of(migrated.database))
    put(migrated, ROWS[:300])
    put(migrated, ROWS[300:])
    once = analysts.ask(SUMMED).rows
    put(migrated, ROWS[::-2])
    assert analysts.ask(SUMMED).rows == once
    migrated.command("OPTIMIZE TABLE fingerprints FINAL")
    assert analysts.ask(SUMMED).rows == once
    assert len(once) == 6
    assert sum(int(row[4]) for row in once) == sum(each["fingerprint_id"] != "" for each in ROWS)


def test_a_crowd_is_told_only_where_something_is_usual() -> None:
    assert crowd(512, "eyeball") == 2
    assert [crowd(512, kind) for kind in ("mobile", "relay", "gateway", "vpn", "tor", "unknown", "")] == [None] * 7
