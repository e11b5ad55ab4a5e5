"""How much speaks against whom, against counting by hand, and over HTTP; and traffic with and without them."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from api.query.risk import RiskResponse, ScoresResponse, SessionsResponse
from clickhouse.client import Client
from clickhouse.reports.filter import NOTHING, Condition
from clickhouse.reports.risk import Risk, risk
from clickhouse.reports.risk_course import Course, Interval, Sessions, course, risky_sessions
from clickhouse.reports.scope import Scope
from clickhouse.reports.traffic import RISKY, Traffic, narrowed
from pulse.analyst.rule import analytics_of
from pulse.risk.verdict import BANDS, band_of
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill, some

SETS = 8
CODES = ("NET_VPN", "NET_HOSTING", "GEO_TIMEZONE", "BOT_WEBDRIVER")
NETWORKS = (
    ("eyeball", 8412, "Alpine Cable"),
    ("vpn", 9009, "M247"),
    ("hosting", 24940, "Hetzner"),
    ("", 0, ""),
)
BOTS = (("Googlebot", "search", "verified"), ("Googlebot", "search", "spoofed"), ("curl", "library", ""))
RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


def _judged(dice: random.Random, event: Event) -> Event:
    """An event with some verdict."""
    value = dice.choice((0, 0, 0, 24, 25, 59, 60, 84, 85, 100))
    network, asn, organisation = dice.choice(NETWORKS)
    name, kind, claim = dice.choice(BOTS) if event.bot else ("", "", "")
    return structs.replace(
        event,
        network=network,
        asn=asn,
        as_org=organisation,
        network_days=dice.randrange(3),
        risk=value,
        risk_band=band_of(value),
        risk_vpn=dice.randrange(101),
        risk_bot=dice.randrange(101),
        risk_confidence=dice.choice(("low", "high")),
        risk_reasons=",".join(dice.sample(CODES, dice.randrange(4))),
        risk_rules="pulse-v1/1",
        bot_name=name,
        bot_kind=kind,
        bot_claim=claim,
    )


def _events() -> dict[str, list[Event]]:
    dice = random.Random(71)
    return {
        f"set{n}": [structs.replace(_judged(dice, each), site_id=f"set{n}") for each in some(dice, 60)]
        for n in range(SETS)
    }


EVENTS = _events()
SHOP = [structs.replace(event, site_id="shop") for event in EVENTS["set0"] + EVENTS["set1"] + EVENTS["set2"]]


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    fill(made, [event for events in EVENTS.values() for event in events])
    fill(made, [structs.replace(event, event_id=f"{n:032x}") for n, event in enumerate(SHOP, 1)])
    yield made
    made.close()


def _visitors(events: Iterable[Event]) -> int:
    return len({each.visitor_id for each in events})


def _by_hand(events: list[Event], limit: int) -> dict[str, Any]:
    """The parts with the most events, and of all how many there are in each band."""
    reasons = Counter(code for each in events for code in filter(None, each.risk_reasons.split(",")))
    networks = Counter((each.network, each.asn, each.as_org, each.country) for each in events)
    named = Counter((each.bot_name, each.bot_kind, each.bot_claim) for each in events if each.bot)
    bands = Counter(each.risk_band for each in events)
    return {
        "reasons": sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:limit],
        "networks": sorted(networks.items(), key=lambda pair: (-pair[1], pair[0]))[:limit],
        "named": sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))[:limit],
        "bands": {band: bands[band] for band in ("low", *(name for _, name in BANDS))},
    }


def _told(found: Risk) -> dict[str, Any]:
    return {
        "reasons": [(each.code, each.events) for each in found.reasons],
        "networks": [((each.network, each.asn, each.as_org, each.country), each.events) for each in found.networks],
        "named": [((each.name, each.kind, each.claim), each.events) for each in found.named],
        "bands": found.bands,
    }


def test_it_is_what_is_counted_by_hand(client: Client) -> None:
    dice = random.Random(72)
    for site, events in EVENTS.items():
        limit, country = dice.choice((2, 100)), dice.choice((None, "AT"))
        end = BEGIN + dice.randrange(2, 11) * DAY
        scope = Scope(site, BEGIN, end, filter=Condition("country", "eq", (country,)) if country else NOTHING)
        own = [each for each in events if BEGIN <= each.ts < end and (country is None or each.country == country)]
        found = risk(client, scope, limit)
        assert _told(found) == _by_hand(own, limit)
        assert (found.events, found.bots, found.visitors) == (len(own), sum(e.bot for e in own), _visitors(own))
        assert found.most["risk"] == max((each.risk for each in own), default=0)
        assert found.most["vpn"] == max((each.risk_vpn for each in own), default=0)
        for reason in found.reasons:
            assert reason.visitors == _visitors(each for each in own if reason.code in each.risk_reasons.split(","))
        assert (found.latest is None) is (not own)
        if found.latest:
            assert found.latest.at == found.last_seen == max(each.ts for each in own)
            assert found.first_seen == min(each.ts for each in own)


@pytest.mark.parametrize("traffic", ["all", "clean", "risky"])
def test_traffic_is_all_or_either_part(client: Client, traffic: Traffic) -> None:
    for site, events in EVENTS.items():
        scope = Scope(site, BEGIN, BEGIN + 11 * DAY, filter=narrowed(NOTHING, traffic))
        risky = [each for each in events if each.bot or each.risk >= RISKY]
        right = {"all": len(events), "risky": len(risky), "clean": len(events) - len(risky)}
        assert risk(client, scope, 1).events == right[traffic]


def _sessions(events: list[Event]) -> list[list[Event]]:
    """Sessions of events: the client's own, else those that 30 minutes of silence part."""
    found: dict[tuple[str, str, int], list[Event]] = {}
    last: dict[str, tuple[int, int]] = {}
    for event in sorted(events, key=lambda each: each.ts):
        if event.session_id:
            found.setdefault(("s", event.session_id, 0), []).append(event)
            continue
        before, number = last.get(event.visitor_id, (event.ts, 0))
        number += event.ts - before > 1_800_000
        last[event.visitor_id] = event.ts, number
        found.setdefault(("v", event.visitor_id, number), []).append(event)
    return list(found.values())


def _codes(events: Iterable[Event]) -> list[str]:
    return sorted({code for each in events for code in each.risk_reasons.split(",") if code})


@pytest.mark.parametrize("least", [0, 25, 60, 100])
def test_sessions_are_told_by_their_riskiest_event(client: Client, least: int) -> None:
    for site, events in EVENTS.items():
        found: Sessions = risky_sessions(client, Scope(site, BEGIN, BEGIN + 11 * DAY), least, 1_000)
        right = [own for own in _sessions(events) if max(each.risk for each in own) >= least]
        assert sorted(
            (s.events, s.most["risk"], s.risky_events, s.began, s.ended, list(s.reasons)) for s in found.sessions
        ) == sorted(
            (len(own), max(e.risk for e in own), sum(e.risk >= RISKY for e in own), own[0].ts, own[-1].ts, _codes(own))
            for own in right
        )
        risks = [each.most["risk"] for each in found.sessions]
        assert risks == sorted(risks, reverse=True)
        for each in found.sessions:
            shown = next(event for event in events if event.event_id == each.evidence["event_id"])
            assert (shown.risk, shown.ts, shown.visitor_id) == (each.most["risk"], each.evidence["at"], each.visitor_id)
            assert each.evidence["reasons"] == [code for code in shown.risk_reasons.split(",") if code]


@pytest.mark.parametrize(("interval", "length"), [("hour", DAY // 24), ("day", DAY)])
def test_scores_are_told_stretch_by_stretch(client: Client, interval: Interval, length: int) -> None:
    for site, events in EVENTS.items():
        found: Course = course(client, Scope(site, BEGIN, BEGIN + 11 * DAY), interval, 1_000)
        right: dict[int, list[Event]] = {}
        for each in events:
            right.setdefault(each.ts - each.ts % length, []).append(each)
        assert [each.at for each in found.scores] == sorted(right)
        for stretch in found.scores:
            own = right[stretch.at]
            assert (stretch.events, stretch.visitors, stretch.bots) == (
                len(own),
                _visitors(own),
                sum(e.bot for e in own),
            )
            assert stretch.mean == pytest.approx(sum(e.risk for e in own) / len(own))
            assert (stretch.most["risk"], list(stretch.reasons)) == (max(e.risk for e in own), _codes(own))
            assert sum(stretch.bands.values()) == len(own)
            last = max(e.ts for e in own)
            assert stretch.latest in {e.risk for e in own if e.ts == last}


def test_analysts_see_the_same_by_day(client: Client) -> None:
    rows = client.ask(
        "SELECT site_id, toInt64(toUInt16(day)) * 86400000, visitor_id, events, mean, risk, risk_vpn, risk_reasons, latest"
        f" FROM {analytics_of(client.database)}.risk_scores"
        " WHERE startsWith(site_id, 'set')"
    ).rows
    right: dict[tuple[str, int, str], list[Event]] = {}
    for each in (event for events in EVENTS.values() for event in events):
        right.setdefault((each.site_id, each.ts - each.ts % DAY, each.visitor_id), []).append(each)
    assert {tuple(row[:3]) for row in rows} == right.keys()
    assert len(rows) == len(right)
    for row in rows:
        own = right[row[0], row[1], row[2]]
        assert (row[3], row[5], row[6]) == (len(own), max(e.risk for e in own), max(e.risk_vpn for e in own))
        assert (row[4], list(row[7])) == (pytest.approx(sum(e.risk for e in own) / len(own)), _codes(own))
        assert row[8] in {e.risk for e in own if e.ts == max(each.ts for each in own)}


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


async def _ask(api: Api, **asked: Any) -> RiskResponse:
    answered = await api.ask("GET", "/api/v1/reports/risk", "reader", params=RANGE | asked)
    assert answered.status_code == 200, answered.text
    return RiskResponse.model_validate(answered.json(), strict=True)


async def test_it_is_asked_of_a_site_and_of_whomever_is_named(api: Api) -> None:
    whole = await _ask(api)
    assert whole.events == len(SHOP)
    assert all(reason.text for reason in whole.reasons)
    for name, value in (("visitor_id", "v1"), ("asn", 9009), ("network", "vpn"), ("bot_name", "curl"), ("asn", 0)):
        own = [each for each in SHOP if getattr(each, name) == value]
        assert (await _ask(api, **{name: value})).events == len(own), name
    both = [each for each in SHOP if each.visitor_id == "v1" and each.asn == 9009 and not (each.bot or each.risk >= 60)]
    assert (await _ask(api, visitor_id="v1", asn=9009, traffic="clean")).events == len(both)
    assert (await _ask(api, visitor_id="nobody")).latest is None


async def test_verdicts_are_fields_of_every_report(api: Api) -> None:
    body = RANGE | {"metrics": ["events"], "breakdown": ["risk_band"], "traffic": "risky"}
    answered = await api.ask("POST", "/api/v1/query", "reader", json=body)
    assert answered.status_code == 200, answered.text
    risky = Counter(each.risk_band for each in SHOP if each.bot or each.risk >= RISKY)
    assert risky["critical"]
    assert f"{risky['critical']}" in answered.text
    pages = await api.ask("GET", "/api/v1/reports/pages", "reader", params=RANGE | {"traffic": "clean"})
    assert pages.json()["total"]["views"] == sum(
        each.event == "page_view" and not (each.bot or each.risk >= RISKY) for each in SHOP
    )


async def test_what_cannot_be_asked_is_refused_and_whose_data_it_is(api: Api) -> None:
    path = "/api/v1/reports/risk"
    for asked, said in (({"asn": -1}, "asn"), ({"visitor_id": ""}, "visitor_id"), ({"traffic": "some"}, "traffic")):
        answered = await api.ask("GET", path, "reader", params=asked)
        assert answered.status_code == 400, answered.text
        assert said in answered.json()["detail"]
    assert (await api.ask("GET", path, "rival", params={"site_id": "shop"})).status_code == 404
    assert (await api.ask("GET", path, "writer")).status_code == 403


async def test_sessions_and_scores_are_asked_over_http(api: Api) -> None:
    path = "/api/v1/reports/risk"
    answered = await api.ask("GET", f"{path}/sessions", "reader", params=RANGE | {"least_risk": 85, "limit": 3})
    assert answered.status_code == 200, answered.text
    rows = SessionsResponse.model_validate(answered.json(), strict=True).sessions
    assert len(rows) == 3
    assert all(row.most["risk"] >= 85 and all(reason.text for reason in row.reasons) for row in rows)
    of_one = await api.ask("GET", f"{path}/scores", "reader", params=RANGE | {"visitor_id": "v1", "interval": "week"})
    assert of_one.status_code == 200, of_one.text
    scores = ScoresResponse.model_validate(of_one.json(), strict=True).scores
    assert sum(each.events for each in scores) == sum(each.visitor_id == "v1" for each in SHOP)
    whole = (await api.ask("GET", f"{path}/scores", "reader", params=RANGE)).json()
    newest = (await api.ask("GET", f"{path}/scores", "reader", params=RANGE | {"limit": 2})).json()
    assert (newest["scores"], newest["truncated"], whole["truncated"]) == (whole["scores"][-2:], True, False)
    none = await api.ask("GET", f"{path}/scores", "reader", params=RANGE | {"visitor_id": "nobody"})
    assert none.json()["scores"] == []
    for kind, asked in (("sessions", {"least_risk": 101}), ("scores", {"interval": "year"}), ("scores", {"asn": "x"})):
        refused = await api.ask("GET", f"{path}/{kind}", "reader", params=RANGE | asked)
        assert (refused.status_code, next(iter(asked)) in refused.json()["detail"]) == (400, True), refused.text
        assert (await api.ask("GET", f"{path}/{kind}", "rival", params={"site_id": "shop"})).status_code == 404


@pytest.mark.parametrize("metric", ["event_count", "unique_users", "unique_sessions", "event_count_by_type"])
async def test_statistics_are_of_either_traffic_too(api: Api, metric: str) -> None:
    asked = RANGE | {"metric": metric}
    values = {}
    for traffic in ("all", "clean", "risky"):
        answered = await api.ask("GET", "/api/v1/stats", "reader", params=asked | {"traffic": traffic})
        assert answered.status_code == 200, answered.text
        values[traffic] = answered.json()["data"]["value"]
    if metric.startswith("event_count"):
        risky = sum(each.bot or each.risk >= RISKY for each in SHOP)
        assert (values["risky"], values["clean"]) == (risky, len(SHOP) - risky)
    else:
        assert 0 < values["risky"] <= values["all"]


@pytest.mark.parametrize("group", ["network", "bot_kind", "risk_band"])
@pytest.mark.parametrize("traffic", ["all", "clean", "risky"])
async def test_statistics_are_told_apart_by_network_kind_of_bot_and_band(api: Api, group: str, traffic: str) -> None:
    asked = RANGE | {"metric": "event_count", "group_by": group, "traffic": traffic}
    answered = await api.ask("GET", "/api/v1/stats", "reader", params=asked)
    assert answered.status_code == 200, answered.text
    own = [each for each in SHOP if traffic == "all" or (traffic == "risky") is (each.bot or each.risk >= RISKY)]
    found = answered.json()["data"]
    assert {part["key"]: part["value"] for part in found["breakdown"]} == Counter(getattr(e, group) for e in own)
    assert found["value"] == len(own)


async def test_every_report_has_traffic(api: Api) -> None:
    """Of those that count events of a time: who is asked for them may leave out bots and what is risky."""
    described = (await api.ask("GET", "/openapi.json")).json()
    names = described["components"]["schemas"]
    lacking = set()
    for path, methods in described["paths"].items():
        for operation in methods.values():
            given = {each["name"] for each in operation.get("parameters", [])}
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            given |= set(names.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {}))
            if path.startswith("/api/v1/") and "bots" in given and "traffic" not in given:
                lacking.add(path)
    assert lacking == set()
