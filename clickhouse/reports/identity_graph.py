"""Who belongs to whom around one node: visitors, people, devices and networks that were seen together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log2
from typing import Any, Literal, NamedTuple

from clickhouse.client import Client
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE, rows_of
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms

Kind = Literal["visitor", "user", "fingerprint", "network"]
KINDS: tuple[Kind, ...] = ("visitor", "user", "fingerprint", "network")
COLUMNS: dict[Kind, str] = {
    "visitor": "visitor_id",
    "user": "user_id",
    "fingerprint": "fingerprint_id",
    "network": "ip",
}
HUB = 50
"""Who has more neighbours of one kind is a hub: shown, and not walked through."""
MOST_NODES = 300
BOUNDS: dict[str, object] = {"max_rows_to_group_by": 100_000, "group_by_overflow_mode": "any"}
"""Of how many neighbours it is told apart which are the busiest: of more it is told of some, and that there are many."""
DAY_MS = 86_400_000
FADING_DAYS = 14
SHARED = frozenset(("hosting", "vpn", "relay", "tor", "mobile", "gateway", "crawler"))
"""Kinds of networks whose addresses many have at once, or one after the other."""
OF_SHARED = 0.1
FEW = 3
"""Of whom shares a device or a network: fewer than so many are told to those alone who may know each."""
SHARERS: Mapping[Kind, Kind] = {"fingerprint": "visitor", "network": "fingerprint"}


class Node(NamedTuple):
    """A visitor, a person, a device by its fingerprint, or a network by its truncated address."""

    kind: Kind
    name: str


class Place(NamedTuple):
    """What is known of a network."""

    network: str = ""
    asn: int = 0
    as_org: str = ""
    country: str = ""


@dataclass(frozen=True)
class Edge:
    """That two were seen together, in one event or more; times in ms since the epoch."""

    a: Node
    b: Node
    first_seen: int
    last_seen: int
    events: int
    risk: int


@dataclass
class Graph:
    """What is around a node. `depth` tells how far each lies from it, `degrees` how many neighbours of each kind it has.

    `few` are devices and networks of which it is not told who shares them, since these are fewer than `FEW`.
    """

    root: Node
    end_ms: int
    depth: dict[Node, int] = field(default_factory=dict)
    edges: dict[tuple[Node, Node], Edge] = field(default_factory=dict)
    degrees: dict[Node, dict[str, int]] = field(default_factory=dict)
    places: dict[Node, Place] = field(default_factory=dict)
    few: set[Node] = field(default_factory=set)
    is_cut: bool = False
    rows_read: int = 0
    ms: float = 0
    source: str = TABLE

    def is_hub(self, node: Node) -> bool:
        """Whether a node has so many neighbours that it says little of any two of them."""
        return max(self.degrees.get(node, {}).values(), default=0) > HUB

    def weight(self, edge: Edge) -> float:
        """How much an edge says, 0 to 1: less the longer ago it was, and the more neighbours either end has."""
        days = max(self.end_ms - edge.last_seen, 0) / DAY_MS
        most = max(self._degree(edge.a, edge.b), self._degree(edge.b, edge.a))
        shared = OF_SHARED if self.places.get(edge.b, Place()).network in SHARED else 1
        return exp(-days / FADING_DAYS) / log2(2 + most) * shared

    def _degree(self, node: Node, other: Node) -> int:
        return self.degrees.get(node, {}).get(other.kind, 1)


def graph(client: Client, scope: Scope, root: Node, depth: int, *, is_whole: bool = True) -> Graph | None:
    """What was seen around a node within so many steps; None where there is nothing of it. Raises as the client does.

    Unless it `is_whole`, nobody is told to share a device or a network with fewer than two others.
    """
    made = Graph(root, scope.end_ms, {root: 0})
    frontier = [root]
    for level in range(1, depth + 1):
        new = _walk(client, scope, made, frontier, level, is_whole=is_whole)
        if level == 1 and (not new or root.kind == "network") and not _has_been_seen(client, scope, made):
            return None
        if new:
            _count(client, scope, made, new)
        if made.is_hub(root):
            break
        frontier = [node for node in new if not made.is_hub(node)]
        if not frontier:
            break
    if not is_whole:
        _hide(made)
    return made


def _has_been_seen(client: Client, scope: Scope, made: Graph) -> bool:
    [[events, place]] = _asked(client, scope, made, "identity_seen", [made.root])
    if events and made.root.kind == "network":
        made.places[made.root] = Place(*place)
    return bool(events)


def _hide(made: Graph) -> None:
    """Leave out how few share each device or network."""
    for node, degrees in made.degrees.items():
        if degrees.get(SHARERS.get(node.kind, ""), FEW) < FEW:
            del degrees[SHARERS[node.kind]]
            made.few.add(node)


def _walk(
    client: Client, scope: Scope, made: Graph, frontier: Iterable[Node], level: int, *, is_whole: bool
) -> list[Node]:
    """Take the edges of some nodes; those that are new."""
    new: list[Node] = []
    for near_kind, near, far_kind, far, first, last, events, risk, place, neighbours in _asked(
        client, scope, made, "identity_edges", frontier, each=HUB
    ):
        here, there = Node(near_kind, near), Node(far_kind, far)
        made.degrees.setdefault(here, {})[far_kind] = neighbours
        made.is_cut |= neighbours > HUB
        if not is_whole and neighbours < FEW and SHARERS.get(here.kind) == far_kind:
            continue
        if there not in made.depth:
            if len(made.depth) >= MOST_NODES:
                made.is_cut = True
                continue
            made.depth[there] = level
            new.append(there)
        if far_kind == "network":
            made.places[there] = Place(*place)
        a, b = sorted((here, there), key=lambda node: _ORDER[node.kind])
        made.edges[a, b] = Edge(a, b, to_ms(first), to_ms(last), events, risk)
    return new


_ORDER = {"visitor": 0, "user": 1, "fingerprint": 1, "network": 2}
"""Edges begin with the visitor, or with the device that was in a network."""


def _count(client: Client, scope: Scope, made: Graph, nodes: Iterable[Node]) -> None:
    for kind, name, far_kind, neighbours in _asked(client, scope, made, "identity_degrees", nodes):
        made.degrees.setdefault(Node(kind, name), {})[far_kind] = neighbours


def _asked(
    client: Client, scope: Scope, made: Graph, name: str, nodes: Iterable[Node], **more: object
) -> Sequence[Sequence[Any]]:
    bound = scope.parameters()
    some = list(nodes)
    bound |= {f"{kind}s": [node.name for node in some if node.kind == kind] for kind in KINDS} | more
    kinds = [kind for kind in KINDS if any(node.kind == kind for node in some)]
    touching = " OR ".join(f"{COLUMNS[kind]} IN {{{kind}s:Array(String)}}" for kind in kinds)
    rows, filtered = rows_of(scope, "visitors"), scope.filtered(bound)
    sighted = text_of("identity_sighted", rows=rows, touching=touching)
    text = text_of(name, rows=rows, sighted=sighted, touching=touching, filtered=filtered)
    found = client.ask(text, bound, **BOUNDS)
    made.rows_read, made.ms = made.rows_read + found.rows_read, made.ms + found.ms
    return found.rows
