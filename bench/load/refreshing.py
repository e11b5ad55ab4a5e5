"""`python -m bench.load.refreshing REFRESHING`: dashboards that ask the query API, in a process of their own; then a line of JSON.

Each refresh asks all questions of a dashboard at once, as a browser does. What is told is how long a client waits: its own share of
the machine is in it.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct, json

from bench.questions import FUNNEL

ROOT = Path(__file__).parents[2]
CONNECTIONS = 200
LONGEST_S = 60

Panel = tuple[str, str, Mapping[str, Any]]


class Refreshing(Struct, frozen=True, kw_only=True):
    """Whom to ask about which site; how many dashboards, how many seconds between two refreshes of one, and for how long."""

    query: str
    key: str
    site: str
    dashboards: int
    every: float
    seconds: float


class Refreshed(Struct, kw_only=True):
    """What dashboards asked: seconds of each answer by panel, and how many were none.

    Of all that the API was asked meanwhile, the load's probe included: how many answers were kept (`found`), and how many
    questions it asked of ClickHouse, by their first words.
    """

    seconds: dict[str, list[float]] = {}
    found: dict[str, int] = {}
    wrong: int = 0
    asked: dict[str, int] = {}


def in_process(wanted: Refreshing) -> Refreshed:
    """Refresh in a process of their own, and wait for what it tells."""
    command = [sys.executable, "-m", "bench.load.refreshing", json.encode(wanted).decode()]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.decode(told.stdout, type=Refreshed)


def panels(site: str) -> list[Panel]:
    """What a dashboard shows."""
    return [
        ("GET", "/api/v1/stats", {"site_id": site, "metric": "event_count", "period": "24h", "group_by": "hour"}),
        ("GET", "/api/v1/stats", {"site_id": site, "metric": "unique_users", "period": "24h"}),
        ("GET", "/api/v1/stats", {"site_id": site, "metric": "revenue", "period": "24h", "currency": "EUR"}),
        ("GET", "/api/v1/reports/realtime", {"site_id": site}),
        ("GET", "/api/v1/reports/pages", {"site_id": site, "period": "24h", "limit": 10}),
        ("GET", "/api/v1/reports/sources", {"site_id": site, "period": "24h", "limit": 10}),
        ("POST", "/api/v1/query", {"site_id": site, "period": "24h", "metrics": ["users"], "breakdown": ["country"]}),
        ("POST", "/api/v1/funnels/query", {"site_id": site, "period": "24h", **FUNNEL}),
    ]


async def refreshed(wanted: Refreshing) -> Refreshed:
    """Let all dashboards refresh; they begin evenly spread over the time between two refreshes."""
    found, ends = Refreshed(), time.monotonic() + wanted.seconds
    async with aiohttp.ClientSession(
        wanted.query,
        headers={"authorization": f"Bearer {wanted.key}"},
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=LONGEST_S),
        timeout=aiohttp.ClientTimeout(LONGEST_S),
    ) as client:
        apart = wanted.every / wanted.dashboards
        await asyncio.gather(*(_dashboard(client, wanted, found, n * apart, ends) for n in range(wanted.dashboards)))
    return found


async def _dashboard(
    client: aiohttp.ClientSession, wanted: Refreshing, found: Refreshed, after: float, ends: float
) -> None:
    shown, due = panels(wanted.site), time.monotonic() + after
    while due < ends:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        await asyncio.gather(*(_panel(client, each, found) for each in shown))
        due += wanted.every


async def _panel(client: aiohttp.ClientSession, panel: Panel, found: Refreshed) -> None:
    method, path, asked = panel
    began = time.perf_counter()
    given: dict[str, Any] = {"params": asked} if method == "GET" else {"json": asked}
    try:
        async with client.request(method, path, **given) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        found.wrong += 1
        return
    found.seconds.setdefault(asked.get("metric", path), []).append(time.perf_counter() - began)
    found.wrong += answer.status != 200


def main(asked: str) -> int:
    """Refresh for as long as is asked."""
    found = asyncio.run(refreshed(json.decode(asked, type=Refreshing)))
    sys.stdout.write(json.encode(found).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
