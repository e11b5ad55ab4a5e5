"""A query API for tests: the app over a real database of sites and keys, with the keys of two organisations."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from fastapi import FastAPI

from api.control.keys import NewKey
from api.control.migrate import migrate as migrate_control
from api.control.store import Store
from api.query.app import app_of
from api.query.parts import Parts, assemble
from clickhouse.client import Client
from deploy.local import port
from pulse.settings import Settings

SECRET = "a long text that only this test knows"
SITES = {"shop": "ours", "blog": "ours", "rival": "theirs"}
KEYS: Mapping[str, dict[str, Any]] = {
    "admin": {"organisation": "ours", "site": None, "scopes": ("admin", "stats:read", "sql:read")},
    "shop_admin": {"organisation": "ours", "site": "shop", "scopes": ("admin", "stats:read", "sql:read")},
    "reader": {"organisation": "ours", "site": "shop", "scopes": ("stats:read", "sql:read")},
    "writer": {"organisation": "ours", "site": "shop", "scopes": ("events:write", "events:import")},
    "page": {"organisation": "ours", "site": "shop", "scopes": ("events:write",), "origins": ("*",), "public": True},
    "rival": {"organisation": "theirs", "site": None, "scopes": ("admin", "stats:read", "sql:read")},
    "rival_reader": {"organisation": "theirs", "site": "rival", "scopes": ("stats:read", "sql:read")},
}


@dataclass
class Api:
    """A query API and who may ask it."""

    app: FastAPI
    parts: Parts
    http: httpx.AsyncClient
    keys: Mapping[str, str]
    ids: Mapping[str, str]

    async def ask(self, method: str, path: str, key: str | None = "admin", **request: Any) -> httpx.Response:
        """Send a request with one of the keys."""
        headers = {"authorization": f"Bearer {self.keys[key]}"} if key else {}
        return await self.http.request(method, path, headers=headers | request.pop("headers", {}), **request)

    async def stats(self, key: str = "reader", **question: Any) -> httpx.Response:
        """Ask for statistics."""
        return await self.ask("GET", "/api/v1/stats", key, params=question)


def settings_of(folder: Path, **given: Any) -> Settings:
    """Settings under which nothing but the database of sites and keys is there, unless it is given."""
    away: dict[str, Any] = {
        "kafka_url": f"127.0.0.1:{port.free()}",
        "redis_url": f"redis://127.0.0.1:{port.free()}/0",
        "clickhouse_url": f"http://127.0.0.1:{port.free()}/none",
    }
    return Settings.model_validate({"data": folder, "secret": SECRET} | away | given)


@asynccontextmanager
async def querying(settings: Settings) -> AsyncIterator[Api]:
    """The app with the sites and keys of two organisations; its data folder must be empty."""
    content, ids, keys = populated()
    (settings.data / "pulse.db").write_bytes(content)
    parts = assemble(settings)
    parts.publisher.start()
    app = app_of(parts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://pulse") as http:
        yield Api(app, parts, http, keys, ids)
    await parts.close()


@cache
def populated() -> tuple[bytes, dict[str, str], dict[str, str]]:
    """A database with the sites and keys, made once; the keys' ids and the keys themselves by their names."""
    now = time.time_ns() // 1_000_000
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pulse.db"
        migrate_control(f"sqlite:///{file}")
        store = Store(f"sqlite:///{file}")
        for organisation in sorted(set(SITES.values())):
            store.sites.ensure_organisation(organisation, organisation, now)
        for site, organisation in SITES.items():
            store.sites.create(organisation, site, {"name": site.title()}, now)
        made = {name: store.keys.create(NewKey(name=name, **kind), SECRET.encode(), now) for name, kind in KEYS.items()}
        store.close()
        content = file.read_bytes()
    return content, {n: each.stored.id for n, each in made.items()}, {n: each.presented for n, each in made.items()}


class Row(NamedTuple):
    """An event as it is stored."""

    site_id: str
    event: str
    ts: int
    visitor_id: str = "v"
    country: str = ""
    device_type: str = ""
    bot: bool = False
    revenue: str = "0"
    currency: str = ""
    risk: int = 0


def fill(client: Client, rows: Sequence[Row]) -> None:
    """Store events and their minute aggregates."""
    columns = (
        "site_id, event, ts, received_at, visitor_id, country, device_type, bot, revenue, currency, risk, event_id"
    )
    values = ", ".join(
        f"('{r.site_id}', '{r.event}', fromUnixTimestamp64Milli({r.ts}), fromUnixTimestamp64Milli({r.ts}), '{r.visitor_id}',"
        f" '{r.country}', '{r.device_type}', {r.bot}, {r.revenue}, '{r.currency}', {r.risk}, '{UUID(int=number)}')"
        for number, r in enumerate(rows)
    )
    client.command(f"INSERT INTO events ({columns}) VALUES {values}")
    aggregate(client)


def aggregate(client: Client) -> None:
    """Make the minute aggregates of all events that are stored."""
    client.command("TRUNCATE TABLE metrics_minute")
    client.command(
        "INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, bots, revenue)"
        " SELECT site_id, toStartOfMinute(ts) AS m, event, country, device_type, currency, count(), countIf(bot), sum(revenue)"
        " FROM events GROUP BY site_id, m, event, country, device_type, currency"
    )
