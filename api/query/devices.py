"""GET /api/v1/fingerprints/{id}, /addresses/{ip} and /networks/{asn}: what was seen of a device, at a network, in a system."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.parts import Parts, With
from api.query.reports import Meta
from api.query.risk import LatestRow
from api.query.sites import found_site
from api.query.word import Reference
from clickhouse.client import Client
from clickhouse.reports import devices as report
from pulse.errors import NotFound
from pulse.network.cut import network_of
from pulse.risk.crowd import crowd

router = APIRouter(tags=["devices"], responses=documented(400, 401, 403, 404, 503, 504))

Fingerprint = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Site = Annotated[Reference | None, Query(description="The site; may be left out where the key has one.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many places are told.")]


class WindowRow(BaseModel):
    """How many different ones were received within a time."""

    events: int
    visitors: int
    devices: int = Field(description="By their fingerprints.")
    sessions: int = Field(description="The client's own.")
    sessions_begun: int = Field(description="Of these those of which nothing came before, within the week.")
    ips: int = Field(description="Networks of addresses, as they are stored.")
    asns: int
    countries: int


class PlaceRow(BaseModel):
    """A device at a network. Times are ms since the epoch, of receipt."""

    fingerprint_id: str = Field(description="Empty where the event named none.")
    ip: str = Field(description="The network of the address.", examples=["203.0.113.0"])
    asn: int
    as_org: str
    network: str = Field(description="Its kind.", examples=["eyeball"])
    country: str
    events: int
    risk: int = Field(description="The highest.")
    first_seen: int
    last_seen: int


class Seen(BaseModel):
    """What was received of late, counted from the stored events of all partitions."""

    site_id: str
    windows: dict[str, WindowRow] = Field(description="Within 1h, 24h and 7d.")
    places: list[PlaceRow] = Field(description="Of the week, those with the most events.")
    meta: Meta


class DeviceResponse(Seen):
    """A device. Times are ms since the epoch."""

    fingerprint_id: str
    first_seen: int
    last_seen: int
    events: int = Field(description="In all its time; this and the next five are near where they are many thousands.")
    visitors: int
    sessions: int
    ips: int
    asns: int
    countries: int
    risk: int = Field(description="The highest risk of an event.")
    vpn: int = Field(description="The highest score of a VPN.")
    latest: LatestRow = Field(description="The verdict on the latest event.")


class AddressResponse(Seen):
    """A network of addresses, which is all that is kept of one."""

    ip: str = Field(examples=["203.0.113.0"])
    network: str = Field(description="Its kind, as most of the week's events say.", examples=["eyeball"])
    crowd: float | None = Field(
        description="The day's devices as a multiple of what is usual for its kind; null where nothing is."
    )


class NetworkResponse(Seen):
    """An autonomous system."""

    asn: int
    as_org: str
    network: str = Field(description="The kind of its networks, as most of the week's events say.")


@router.get("/fingerprints/{fingerprint_id}", summary="What is known of a device")
async def fingerprint(
    request: Request,
    key: Reader,
    parts: With,
    fingerprint_id: Annotated[Fingerprint, Path(description="The device's fingerprint.")],
    site_id: Site = None,
    limit: Limit = 100,
) -> DeviceResponse:
    """When it was seen first and last, how much came of it and from where, within 1 hour, 24 hours, 7 days and in all."""
    site = (await found_site(parts, key, site_id)).id
    known = await answered(request, parts, lambda client: report.device(client, site, fingerprint_id))
    if known is None:
        raise NotFound(f"nothing is known of a device {fingerprint_id!r}")
    recent = await _recent(request, parts, lambda c, now: report.of_device(c, site, fingerprint_id, now, limit))
    return DeviceResponse(**_told(site, recent), **asdict(known), fingerprint_id=fingerprint_id)


@router.get("/addresses/{ip}", summary="What was seen at a network of addresses")
async def address(
    request: Request,
    key: Reader,
    parts: With,
    ip: Annotated[
        str, Path(max_length=100, pattern=r"^[^\x00]*$", description="An address, or its network as it is stored.")
    ],
    site_id: Site = None,
    limit: Limit = 100,
) -> AddressResponse:
    """Devices, visitors and sessions at the /24, or the /48 of version 6, that an address lies in: no more is kept of one."""
    network, site = stored_network(ip), (await found_site(parts, key, site_id)).id
    recent = await _recent(request, parts, lambda c, now: report.of_network(c, site, network, now, limit))
    kind = _most(recent, lambda place: place.network)
    told = crowd(recent.windows["24h"].devices, kind)
    return AddressResponse(**_told(site, recent), ip=network, network=kind, crowd=told)


@router.get("/networks/{asn}", summary="What was seen in an autonomous system")
async def system(
    request: Request,
    key: Reader,
    parts: With,
    asn: Annotated[int, Path(ge=1, le=4_294_967_295, description="The system's number.")],
    site_id: Site = None,
    limit: Limit = 100,
) -> NetworkResponse:
    """Devices, visitors and networks in an autonomous system, within 1 hour, 24 hours and 7 days."""
    site = (await found_site(parts, key, site_id)).id
    recent = await _recent(request, parts, lambda c, now: report.of_system(c, site, asn, now, limit))
    kind, organisation = _most(recent, lambda place: place.network), _most(recent, lambda place: place.as_org)
    return NetworkResponse(**_told(site, recent), asn=asn, as_org=organisation, network=kind)


def stored_network(text: str) -> str:
    """The network of an address, as it is stored; raises BadParameter for what is none."""
    network = network_of(text)
    if network is None:
        raise BadParameter("ip", "is no address of version 4 or 6")
    return network


async def _recent(request: Request, parts: Parts, ask: Callable[[Client, int], report.Recent]) -> report.Recent:
    now = time.time_ns() // 1_000_000
    return await answered(request, parts, lambda client: ask(client, now))


def _told(site: str, recent: report.Recent) -> dict[str, object]:
    meta = Meta(source=recent.source, rows_read=recent.rows_read, ms=recent.ms)
    windows = {name: asdict(window) for name, window in recent.windows.items()}
    return {"site_id": site, "windows": windows, "places": [asdict(place) for place in recent.places], "meta": meta}


def _most(recent: report.Recent, said: Callable[[report.Place], str]) -> str:
    """What most of the events say, of those places that are told; empty where nothing came."""
    counts: dict[str, int] = defaultdict(int)
    for place in recent.places:
        counts[said(place)] += place.events
    return max(counts, key=lambda word: (counts[word], word), default="")
