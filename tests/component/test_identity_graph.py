"""Who belongs to whom around a node: against a walk by hand, and over HTTP."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from math import exp, log2
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from api.query.identity import GraphResponse
from clickhouse.client import Client
from clickhouse.reports.identity_graph import BOUNDS, FEW, HUB, MOST_NODES, SHARED, Graph, Node, graph
from clickhouse.reports.scope import Scope
from pulse.analyst.rule import analytics_of
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill

RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}
END = BEGIN + 11 * DAY
PATH = "/api/v1/identity/graph"
PAIRS = (("visitor", "user"), ("visitor", "fingerprint"), ("fingerprint", "network"))


def _event(n: int, site: str, visitor: str = "", user: str = "", device: str = "", ip: str = "", **more: Any) -> Event:
    return Event(
        site_id=site,
        ts=BEGIN + n * 60_000,
        event_id=f"{n + 1:032x}",
        visitor_id=visitor,
        user_id=user,
        fingerprint_id=device,
        ip=ip,
        **more,
    )


def _some(seed: int, site: str) -> list[Event]:
    dice = random.Random(seed)
    return [
        _event(
            n,
            site,
            f"v{dice.randrange(9)}",
            dice.choice(("", "", f"u{dice.randrange(4)}")),
            dice.choice(("", f"f{dice.randrange(6)}")),
            f"203.0.{dice.randrange(5)}.0",
            network=dice.choice(("eyeball", "vpn")),
            risk=dice.randrange(101),
        )
        for n in range(60)
    ]


SITES = {f"set{n}": _some(n, f"set{n}") for n in range(5)}
CROWD = "198.51.100.0"
SHOP = [
    _event(0, "shop", "v-81", "", "f-1", "203.0.113.0", network="eyeball", asn=8412, as_org="Alpine", country="AT"),
    _event(1, "shop", "v-81", "ada", "f-1", "203.0.113.0", network="eyeball", asn=8412, as_org="Alpine", country="AT"),
    _event(2, "shop", "v-82", "ada", "f-2", CROWD, network="mobile", risk=40),
    *(_event(10 + n, "shop", f"c{n}", "", f"crowd{n}", CROWD, network="mobile") for n in range(HUB + 5)),
    *(_event(200 + n, "shop", f"m{n}", "many", "", CROWD) for n in range(3)),
    _event(300, "shop", "v-83", "", "f-1", ""),
]


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    fill(made, [event for events in SITES.values() for event in events])
    fill(made, [*SHOP, structs.replace(SHOP[0], site_id="rival", visitor_id="theirs")])
    fill(made, [_event(n, "wide", f"v{n}", f"u{n % 40}", f"f{n // 40}") for n in range(1_600)])
    yield made
    made.close()


def _edges(events: list[Event]) -> dict[tuple[Node, Node], list[Event]]:
    found: dict[tuple[Node, Node], list[Event]] = defaultdict(list)
    for event in events:
        names = {
            "visitor": event.visitor_id,
            "user": event.user_id,
            "fingerprint": event.fingerprint_id,
            "network": event.ip,
        }
        for a, b in PAIRS:
            if names[a] and names[b]:
                found[Node(a, names[a]), Node(b, names[b])].append(event)  # type: ignore[arg-type]
    return found


def _walked(edges: dict[tuple[Node, Node], list[Event]], root: Node, depth: int) -> dict[Node, int]:
    found, frontier = {root: 0}, {root}
    for level in range(1, depth + 1):
        near = {b if a in frontier else a for a, b in edges if a in frontier or b in frontier}
        frontier = near - found.keys()
        found |= dict.fromkeys(frontier, level)
    return found


@pytest.mark.parametrize("depth", [1, 2])
def test_it_is_what_is_walked_by_hand(client: Client, depth: int) -> None:
    told = 0
    for site, events in SITES.items():
        every = _edges(events)
        for root in sorted({node for edge in every for node in edge}):
            found = graph(client, Scope(site, BEGIN, END), root, depth)
            assert found is not None
            assert found.depth == _walked(every, root, depth)
            inner = {node for node, far in found.depth.items() if far < depth}
            right = {edge: own for edge, own in every.items() if inner & set(edge)}
            assert found.edges.keys() == right.keys()
            for edge, own in right.items():
                _is_told(found, every, edge, own)
                told += 1
    assert told > 200


def _is_told(
    found: Graph, every: dict[tuple[Node, Node], list[Event]], edge: tuple[Node, Node], own: list[Event]
) -> None:
    a, b = edge
    got = found.edges[edge]
    times = [each.ts for each in own]
    assert (got.first_seen, got.last_seen, got.events) == (min(times), max(times), len(own))
    assert got.risk == max(each.risk for each in own)
    degrees = (
        sum(x == a and y.kind == b.kind for x, y in every),
        sum(y == b and x.kind == a.kind for x, y in every),
    )
    place = found.places.get(b)
    shared = 0.1 if place is not None and place.network in SHARED else 1
    assert found.weight(got) == pytest.approx(exp(-(END - max(times)) / DAY / 14) / log2(2 + max(degrees)) * shared)


def test_a_hub_is_shown_counts_little_and_is_not_walked_through(client: Client) -> None:
    found = graph(client, Scope("shop", BEGIN, END), Node("user", "ada"), 2)
    assert found is not None
    deep = graph(client, Scope("shop", BEGIN, END), Node("fingerprint", "f-2"), 2)
    assert deep is not None
    crowd = Node("network", CROWD)
    assert deep.is_hub(crowd)
    assert deep.degrees[crowd] == {"fingerprint": HUB + 6}
    assert not any(node.name.startswith("crowd") for node in deep.depth)
    assert not deep.is_cut
    [of_crowd] = [each for each in deep.edges.values() if each.b == crowd]
    assert deep.weight(of_crowd) < 0.02
    around = graph(client, Scope("shop", BEGIN, END), crowd, 2)
    assert around is not None
    assert (around.is_cut, max(around.depth.values()), len(around.depth)) == (True, 1, HUB + 1)


def test_it_is_bounded(client: Client) -> None:
    found = graph(client, Scope("wide", BEGIN, END), Node("visitor", "v0"), 2)
    assert found is not None
    assert (len(found.depth), found.is_cut) == (1 + 2 + 39 + 39, False)
    found = graph(client, Scope("wide", BEGIN, END), Node("user", "u0"), 2)
    assert found is not None
    assert len(found.depth) <= MOST_NODES


def test_of_a_network_that_all_are_in_not_every_neighbour_is_told_apart(client: Client) -> None:
    most = int(str(BOUNDS["max_rows_to_group_by"]))
    client.command(
        "INSERT INTO events (site_id, event, ts, received_at, event_id, fingerprint_id, ip)"
        f" SELECT 'busy', 'view', fromUnixTimestamp64Milli({BEGIN} + number) AS t, t, generateUUIDv4(), concat('d', toString(number)), '{CROWD}'"
        f" FROM numbers({5 * most})"
    )
    root = Node("network", CROWD)
    found = graph(client, Scope("busy", BEGIN, END), root, 1)
    assert found is not None
    assert (found.is_cut, len(found.depth)) == (True, HUB + 1)
    assert most <= found.degrees[root]["fingerprint"] < 5 * most


def test_analysts_see_devices_in_networks(client: Client) -> None:
    found = client.ask(
        f"SELECT ip, asn, country, first_seen, last_seen FROM {analytics_of(client.database)}.identity_network WHERE fingerprint_id = 'f-1'"
    )
    rows = [tuple(map(str, row[:3])) for row in found.rows]
    assert sorted(rows) == sorted([("203.0.113.0", "8412", "AT"), ("203.0.113.0", "8412", "AT"), ("", "0", "")])
    described = client.ask(f"DESCRIBE {analytics_of(client.database)}.identity_network").rows
    assert [row[0] for row in described] == [
        *("site_id", "fingerprint_id", "ip", "asn", "country", "first_seen", "last_seen")
    ]


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


async def _ask(api: Api, key: str = "shop_admin", **asked: Any) -> GraphResponse:
    answered = await api.ask("GET", PATH, key, params=RANGE | asked)
    assert answered.status_code == 200, answered.text
    return GraphResponse.model_validate(answered.json(), strict=True)


async def test_it_is_asked_of_each_kind(api: Api) -> None:
    found = await _ask(api, visitor_id="v-81", depth=2)
    assert found.root == "visitor:v-81"
    assert [each.id for each in found.nodes] == [
        *("visitor:v-81", "fingerprint:f-1", "user:ada", "network:203.0.113.0", "visitor:v-82", "visitor:v-83"),
    ]
    network = found.nodes[3]
    assert (network.network, network.asn, network.as_org, network.country) == ("eyeball", 8412, "Alpine", "AT")
    assert {(each.a, each.b) for each in found.edges} >= {
        ("visitor:v-81", "user:ada"),
        ("visitor:v-83", "fingerprint:f-1"),
    }
    assert [each.weight for each in found.edges] == sorted((each.weight for each in found.edges), reverse=True)
    assert (await _ask(api, ip="203.0.113.77")).root == "network:203.0.113.0"
    assert (await _ask(api, ip="::ffff:203.0.113.77")).root == "network:203.0.113.0"
    assert len((await _ask(api, user_id="ada")).nodes) == 3
    assert len((await _ask(api, fingerprint_id="f-1")).nodes) == 4
    alone = await _ask(api, visitor_id="c1", filter='{"field": "fingerprint_id", "op": "eq", "value": "crowd1"}')
    assert len(alone.nodes) == 2


@pytest.mark.parametrize("depth", [1, 2])
def test_fewer_than_three_that_share_a_device_or_a_network_are_neither_named_nor_counted(
    client: Client, depth: int
) -> None:
    sharers = {"fingerprint": "visitor", "network": "fingerprint"}
    hidden = told = 0
    for site, events in [*SITES.items()][:3]:
        every = _edges(events)
        for root in sorted({node for edge in every for node in edge}):
            whole = graph(client, Scope(site, BEGIN, END), root, depth)
            found = graph(client, Scope(site, BEGIN, END), root, depth, is_whole=False)
            assert whole is not None
            assert found is not None
            assert found.edges.items() <= whole.edges.items()
            for node, degrees in found.degrees.items():
                kind = sharers.get(node.kind, "")
                own = sum(node in edge and kind in (edge[0].kind, edge[1].kind) for edge in every)
                assert (node in found.few) is (bool(kind) and 0 < own < FEW)
                assert degrees.get(kind, 0) in (0, own)
                assert (kind in degrees) is (own >= FEW)
                hidden, told = hidden + (node in found.few), told + (kind in degrees)
            # nobody is there who was reached through such a device or network alone
            ways = {node: {a if b == node else b for a, b in found.edges if node in (a, b)} for node in found.depth}
            assert all(
                node == root or any(way not in found.few or sharers[way.kind] != node.kind for way in ways[node])
                for node in found.depth
            )
    assert min(hidden, told) >= 10


async def test_a_key_that_is_no_admins_is_not_told_who_one_shares_a_device_with(api: Api) -> None:
    found = await _ask(api, "reader", visitor_id="v-81", depth=2)
    assert [each.id for each in found.nodes] == [
        *("visitor:v-81", "fingerprint:f-1", "user:ada", "network:203.0.113.0", "visitor:v-82"),
    ]
    assert [each.few for each in found.nodes] == [False, True, False, True, False]
    assert [found.nodes[at].neighbours for at in (1, 3)] == [{"network": 1}, {}]
    device = await _ask(api, "reader", fingerprint_id="f-1")
    assert [each.id for each in device.nodes] == ["fingerprint:f-1", "network:203.0.113.0"]
    network = await _ask(api, "reader", ip="203.0.113.0")
    assert [(each.id, each.few, each.network) for each in network.nodes] == [("network:203.0.113.0", True, "eyeball")]
    crowd = await _ask(api, "reader", ip=CROWD)
    assert (len(crowd.nodes), crowd.nodes[0].few) == (HUB + 1, False)


async def test_what_cannot_be_asked_is_refused_and_whose_data_it_is(api: Api) -> None:
    for asked, said in (
        ({}, "visitor_id"),
        ({"visitor_id": "a", "ip": "203.0.113.0"}, "visitor_id"),
        ({"visitor_id": "a", "depth": 3}, "depth"),
        ({"visitor_id": "a", "depth": 0}, "depth"),
        ({"ip": "home"}, "ip"),
        ({"visitor_id": ""}, "visitor_id"),
        ({"visitor_id": "a\0"}, "visitor_id"),
        ({"visitor_id": "a", "limit": 3}, "limit"),
    ):
        answered = await api.ask("GET", PATH, "reader", params=asked)
        assert (answered.status_code, said in answered.json()["detail"]) == (400, True), answered.text
    for asked in ({"visitor_id": "nobody"}, {"visitor_id": "theirs"}, {"fingerprint_id": "f-9"}, {"ip": "192.0.2.1"}):
        answered = await api.ask("GET", PATH, "reader", params=RANGE | asked)
        assert answered.status_code == 404, answered.text
    assert (await api.ask("GET", PATH, "rival", params={"site_id": "shop", "visitor_id": "v-81"})).status_code == 404
    assert (await api.ask("GET", PATH, "writer", params={"visitor_id": "v-81"})).status_code == 403
