"""GET /api/v1/identity/graph: who belongs to whom around a visitor, a person, a device or a network."""

from ipaddress import ip_address, ip_network
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from api.allowed import ADMIN
from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.params import Ranged
from api.query.parts import With
from api.query.reports import Meta
from api.query.scoped import scope_of
from api.query.word import WithoutNul
from clickhouse.reports.identity_graph import FEW, HUB, Graph, Node, Place, graph
from pulse.errors import NotFound

KEPT_BITS = {4: 24, 6: 48}
NAMED = {"visitor_id": "visitor", "user_id": "user", "fingerprint_id": "fingerprint", "ip": "network"}

router = APIRouter(prefix="/identity", tags=["people"], responses=documented(400, 401, 403, 404, 503, 504))

Id = Annotated[str, StringConstraints(min_length=1, max_length=200), WithoutNul]


class AskedGraph(Ranged):
    """Around whom."""

    visitor_id: Id | None = Field(None, description="Around this visitor. One of the four is named.")
    user_id: Id | None = Field(None, description="Around this person.")
    fingerprint_id: Id | None = Field(None, description="Around this device.")
    ip: Id | None = Field(None, description="Around this network: an address, of which no more counts than is stored.")
    depth: int = Field(1, ge=1, le=2, description="How many steps from there.")

    def root(self) -> Node:
        """Whom it is around; raises BadParameter unless one is named."""
        named = [(field, kind) for field, kind in NAMED.items() if getattr(self, field) is not None]
        if len(named) != 1:
            raise BadParameter("visitor_id", f"name one of {', '.join(NAMED)}, and no other beside it")
        [(field, kind)] = named
        name: str = getattr(self, field)
        return Node(kind, _network(name) if field == "ip" else name)  # type: ignore[arg-type]


class NodeRow(BaseModel):
    """Somebody or something. Of a network it is told what kind it is, and whose."""

    id: str = Field(description="Kind and name, as the edges name it.", examples=["visitor:v-81"])
    kind: str = Field(description="`visitor`, `user`, `fingerprint` or `network`.")
    name: str
    depth: int = Field(description="Steps from whom it was asked about.")
    neighbours: dict[str, int] = Field(description="How many of each kind it was seen with, whoever is shown.")
    hub: bool = Field(description=f"Whether these are more than {HUB} of a kind: what lies behind is not shown.")
    few: bool = Field(
        description=f"Whether it is not told who shares it, since they are fewer than {FEW}: a key with `admin` is told."
    )
    network: str | None = Field(None, description="Kind of the network, empty where there are no data.")
    asn: int | None = None
    as_org: str | None = None
    country: str | None = None


class EdgeRow(BaseModel):
    """That two were seen together. Times are ms since the epoch."""

    a: str = Field(examples=["visitor:v-81"])
    b: str = Field(examples=["fingerprint:9f2c…"])
    first_seen: int
    last_seen: int
    events: int = Field(description="In how many events.")
    risk: int = Field(description="The highest of them.")
    weight: float = Field(description="How much that says, 0 to 1.", examples=[0.63])


class GraphResponse(BaseModel):
    """What is around a node."""

    root: str
    nodes: list[NodeRow] = Field(description="The nearest first.")
    edges: list[EdgeRow] = Field(description="The weightiest first.")
    truncated: bool = Field(description="Whether there is more than is shown.")
    meta: Meta


@router.get("/graph", summary="Who belongs to whom around one of them")
async def identity_graph(
    request: Request, key: Reader, parts: With, asked: Annotated[AskedGraph, Query()]
) -> GraphResponse:
    """Visitors with the persons that they were named as and the devices that they had, devices with the networks that they were in.

    Who shares a device, and which devices a network, is told to a key with `admin`; to others where they are three or more.
    """
    is_whole = ADMIN in key.scopes
    root = asked.root()
    scope = await scope_of(asked.scoped(), key, parts)
    found = await answered(request, parts, lambda client: graph(client, scope, root, asked.depth, is_whole=is_whole))
    if found is None:
        raise NotFound(f"nothing was seen of the {root.kind} {root.name!r} in that time")
    return told(found)


def told(found: Graph) -> GraphResponse:
    """A graph as it is answered."""
    weighed = sorted(
        ((round(found.weight(each), 4), each) for each in found.edges.values()),
        key=lambda pair: (-pair[0], pair[1].a, pair[1].b),
    )
    return GraphResponse(
        root=_id(found.root),
        nodes=[_node(found, node) for node in sorted(found.depth, key=lambda node: (found.depth[node], node))],
        edges=[
            EdgeRow(
                a=_id(each.a),
                b=_id(each.b),
                first_seen=each.first_seen,
                last_seen=each.last_seen,
                events=each.events,
                risk=each.risk,
                weight=weight,
            )
            for weight, each in weighed
        ],
        truncated=found.is_cut,
        meta=Meta(source=found.source, rows_read=found.rows_read, ms=found.ms),
    )


def _node(found: Graph, node: Node) -> NodeRow:
    place = found.places.get(node, Place())._asdict() if node.kind == "network" else {}
    return NodeRow(
        id=_id(node),
        kind=node.kind,
        name=node.name,
        depth=found.depth[node],
        neighbours=found.degrees.get(node, {}),
        hub=found.is_hub(node),
        few=node in found.few,
        **place,
    )


def _id(node: Node) -> str:
    return f"{node.kind}:{node.name}"


def _network(text: str) -> str:
    """What is stored of an address; raises BadParameter for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        raise BadParameter("ip", "is no address such as 203.0.113.0 or 2001:db8:7::") from None
    plain = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((plain, KEPT_BITS[plain.version]), strict=False).network_address)
