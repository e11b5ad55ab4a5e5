"""A little world of networks, as the packages that `pulse geo update` takes: their formats are the real ones.

198.51.100.0/24 is a cable network of Austria (AS 64500), 203.0.113.0/24 a phone network of Germany (64501), 192.0.2.0/24 a
network of servers (64502) in which a VPN and Googlebot have some addresses, 100.64.0.0/16 is in four countries (64503);
2001:db8::/33 is the cable network, and in 2001:db8:8000::/33 there is a relay.
"""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from msgspec import json

from pulse.command.geo import Optional
from pulse.network import fetching, source
from pulse.network.source import Source
from pulse.network.update import update

VERSION = "2.3.2026061719"
MADE_MS = 1_781_654_400_000
RANGES_MADE_S = 1_790_000_000

SYSTEMS = (
    ("198.51.100.0/24", 64500, "Alpine Cable Telekom GmbH"),
    ("203.0.113.0/24", 64501, "Nord Mobilfunk AG, Wireless"),
    ("192.0.2.0/24", 64502, 'Example "Rack" Hosting, Inc.'),
    ("100.64.0.0/16", 64503, "Worldwide Telecom Ltd"),
    ("2001:db8::/33", 64500, "Alpine Cable Telekom GmbH"),
    ("2001:db8:8000::/33", 64504, "Relays of Example"),
)
COUNTRIES = {
    "198.51.100.0/24": "AT",
    "203.0.113.0/24": "DE",
    "192.0.2.0/24": "NL",
    "100.64.0.0/18": "US",
    "100.64.64.0/18": "JP",
    "100.64.128.0/18": "BR",
    "100.64.192.0/18": "ZA",
    "2001:db8::/33": "AT",
}
ORIGINS = (
    ("192.0.2.16/28", "Example VPN", "vpn"),
    ("192.0.2.32/28", "Googlebot", "bot"),
    ("192.0.2.128/25", "Example Cloud", "hosting"),
    ("198.51.100.66/32", "Tor", "tor"),
    ("203.0.113.0/25", "Cogent", "hosting"),
    ("2001:db8:8000::/48", "Apple Private Relay", "vpn"),
)
CRAWLERS = [
    {"pattern": "Googlebot\\/", "instances": ["Googlebot/2.1"], "tags": ["search-engine"]},
    {"pattern": "Tiny Tiny RSS", "instances": [], "tags": ["feed-reader"]},
    {"pattern": "(example|sample)-[Bb]ot", "instances": ["x", "a sample-Bot/2"], "tags": ["unheard-of", "seo"]},
    {"pattern": "python-requests", "instances": [], "tags": ["http-library"]},
    {"pattern": "unmatchable(?<!x)", "instances": [], "tags": []},
]


def database(records: Mapping[str, Mapping[str, Any]], version: int) -> bytes:
    """A database of MaxMind's format whose records hold texts, numbers below 2^32, true and maps."""
    networks = {ip_network(text): record for text, record in records.items()}
    nodes: list[list[int | None]] = [[None, None]]
    content, places = b"", {}
    for network, record in networks.items():
        if network.version == version:
            places[network] = len(content)
            content += _field(record)
    for network, place in places.items():
        _hang(nodes, network, -place - 1)
    count = len(nodes)
    tree = b"".join(
        struct.pack(">II", *(count if side is None else side if side > 0 else count + 16 - side - 1 for side in node))
        for node in nodes
    )
    return tree + bytes(16) + content + b"\xab\xcd\xefMaxMind.com" + _about(version, count)


def _about(version: int, nodes: int) -> bytes:
    """The map of what the database is; the format has a type of its own for each width of number."""
    small = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "ip_version": version,
        "record_size": 32,
    }
    made = [_field(name) + bytes([5 << 5 | 2]) + struct.pack(">H", value) for name, value in small.items()]
    made.append(_field("node_count") + _field(nodes))
    made.append(_field("build_epoch") + bytes([8, 2]) + struct.pack(">Q", MADE_MS // 1000))
    made.append(_field("database_type") + _field("Test"))
    made.append(_field("languages") + bytes([0, 4]))
    made.append(_field("description") + _field({}))
    return bytes([7 << 5 | len(made)]) + b"".join(made)


def _hang(nodes: list[list[int | None]], network: IPv4Network | IPv6Network, leaf: int) -> None:
    bits, at = network.network_address.packed, 0
    for depth in range(network.prefixlen):
        side = bits[depth // 8] >> 7 - depth % 8 & 1
        if depth == network.prefixlen - 1:
            nodes[at][side] = leaf
            return
        after = nodes[at][side]
        if after is None:
            nodes.append([None, None])
            after = nodes[at][side] = len(nodes) - 1
        at = after


def _field(value: Any) -> bytes:
    if isinstance(value, bool):
        return bytes([int(value), 7])
    if isinstance(value, int):
        return bytes([6 << 5 | 4]) + struct.pack(">I", value)
    if isinstance(value, str):
        length = bytes([2 << 5 | len(value)]) if len(value) < 29 else bytes([2 << 5 | 29, len(value) - 29])
        return length + value.encode()
    return bytes([7 << 5 | len(value)]) + b"".join(_field(name) + _field(each) for name, each in value.items())


def packages(folder: Path) -> Path:
    """All packages as files in a folder."""
    countries = {text: {"country_code": code} for text, code in COUNTRIES.items()}
    cities = {"198.51.100.0/24": {"country_code": "AT", "state1": "Vienna", "city": "Vienna"}}
    _npm(folder, source.ASN, [_lines(4), _lines(6)])
    _npm(folder, source.COUNTRY, [database(countries, 4), database(countries, 6)])
    _npm(folder, source.CITY, [database(cities, 4), database(cities, 6)])
    _wheel(folder, source.ORIGIN, _origins())
    _wheel(folder, source.CRAWLERS, json.encode(CRAWLERS))
    return folder


def built(folder: Path, without: tuple[Optional, ...] = ()) -> Path:
    """The folder of networks that is built of these packages."""
    brought = packages(folder)
    wanted = [each for each in source.SOURCES if each.name not in without]
    update(folder / "networks", lambda each: fetching.find(each, brought), wanted, MADE_MS, lambda what: None)
    return folder / "networks"


def _lines(version: int) -> bytes:
    rows = [(ip_network(text), number, name) for text, number, name in SYSTEMS]
    return b"".join(
        '{},{},{},"{}"\n'.format(
            int(network.network_address), int(network.broadcast_address), number, name.replace('"', '""')
        ).encode()
        for network, number, name in sorted(rows, key=lambda row: int(row[0].network_address))
        if network.version == version
    )


def _origins() -> bytes:
    labels = [f"{provider}\t{word}".encode() for _, provider, word in ORIGINS]
    rows: dict[int, list[bytes]] = {4: [], 6: []}
    for number, (text, _, _) in enumerate(ORIGINS):
        network = ip_network(text)
        ends = [network.network_address.packed, network.broadcast_address.packed]
        if network.version == 4:
            ends = [end[::-1] for end in ends]
        rows[network.version].append(b"".join(ends) + struct.pack("<H", number))
    rows[4].sort(key=lambda row: row[3::-1])
    head = struct.pack("<8sHQHII", b"IPORIGIN", 1, RANGES_MADE_S, len(labels), len(rows[4]), len(rows[6]))
    return head + b"".join(struct.pack("<H", len(label)) + label for label in labels) + b"".join(rows[4] + rows[6])


def _npm(folder: Path, of: Source, contents: list[bytes]) -> None:
    name = f"{of.name.lstrip('@').replace('/', '-')}-{VERSION}.tgz"
    files = {"package.json": json.encode({"version": VERSION}), **dict(zip(of.files, contents, strict=True))}
    with tarfile.open(folder / name, "w:gz") as archive:
        for file, content in files.items():
            member = tarfile.TarInfo(f"package/{file}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _wheel(folder: Path, of: Source, content: bytes) -> None:
    with zipfile.ZipFile(folder / f"{of.name.replace('-', '_')}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(zipfile.ZipInfo(of.files[0], (2026, 10, 1, 0, 0, 0)), content)
