"""A ClickHouse with the events of two sites, and analysts of them: as `make up` starts it, or as a server keeps its users."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from clickhouse.client import Client
from deploy.local import clickhouse_server, port
from pulse.analyst import as_sql, as_xml, user
from pulse.analyst.rule import Limits
from tests import services
from tests.migrated import migrate
from tests.querying import SECRET

PASSWORD = "opens"
OWN = "analysts of one site know it"
LIMITS = Limits(seconds=20, mb=1_000, rows=100_000_000)


class Served(NamedTuple):
    """A server: the product's own address of it, and that of the analysts of the site `shop`."""

    url: str
    analyst_url: str

    @property
    def client(self) -> Client:
        """Who may do everything."""
        return Client(self.url)


@contextmanager
def serving(folder: Path, limits: Limits = LIMITS) -> Iterator[Served]:
    """A server with the tables, on which the site `shop` has analysts."""
    own = user.of_site("shop", OWN)
    if "PULSE_TEST_CLICKHOUSE" in os.environ or services.docker_answers():
        yield from _by_statements(folder, own, limits)
        return
    at = port.free()
    (folder / as_xml.FOLDER).mkdir(parents=True)
    (folder / as_xml.FOLDER / as_xml.name_of_file(own.name)).write_text(as_xml.alone(own, "pulse", "analytics"))
    shared = as_xml.shared(limits, user.of_route(SECRET.encode()), "pulse", "analytics")
    running = clickhouse_server.start(folder, at, port.free(), PASSWORD, analysts=shared)
    served = Served(f"http://pulse:{PASSWORD}@127.0.0.1:{at}/pulse", f"http://127.0.0.1:{at}")
    try:
        migrate(served.client)
        yield served
    finally:
        running.stop()


def _by_statements(folder: Path, own: user.User, limits: Limits) -> Iterator[Served]:
    service = services.clickhouse(folder)
    given = os.environ.get("PULSE_TEST_CLICKHOUSE", "").rstrip("/")
    if not given:
        service.start()
    url = given or service.url
    client = Client(f"{url}/pulse")
    migrate(client)
    statements = [as_sql.profile(limits)]
    for each in (own, user.of_route(SECRET.encode())):
        statements += as_sql.created(each, "pulse", "analytics")
    for statement in statements:
        client.command(statement)
    try:
        yield Served(f"{url}/pulse", url)
    finally:
        for name in (own.name, user.ROUTE):
            for statement in as_sql.dropped(name, "pulse", "analytics"):
                client.command(statement)
        for database in ("pulse", "analytics"):
            client.within(None).command(f"DROP DATABASE {database} SYNC")
        if not given:
            service.stop()


def fill(client: Client, sites: tuple[str, ...], each: int) -> None:
    """Store `each` events of every site; all texts of a site's rows begin with its name and the word secret."""
    names = ", ".join(f"'{site}'" for site in sites)
    client.command(
        "INSERT INTO events (site_id, event, ts, received_at, visitor_id, fingerprint_id, event_id, properties, revenue, currency)"
        f" SELECT arrayElement([{names}], number % {len(sites)} + 1) AS s, concat(s, '-secret'),"
        " toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + number * 28 % 864000 AS t, t, concat(s, '-secret-', toString(number)), concat(s, '-secret-device-', toString(number)),"
        " generateUUIDv4(), concat('{\"of\": \"', s, '-secret\"}'), 1, 'EUR'"
        f" FROM numbers({each * len(sites)})"
    )
    for statement in (
        "INSERT INTO metrics_minute (site_id, minute, event, events) SELECT site_id, toStartOfMinute(ts) AS m, event, count() FROM events GROUP BY site_id, m, event",
        "INSERT INTO ledger_minute (site_id, minute, received, kept) SELECT site_id, toStartOfMinute(ts) AS m, count(), count() FROM events GROUP BY site_id, m",
        f"INSERT INTO events_rejected (site_id, received_at, reason, line) SELECT arrayJoin([{names}, '']) AS s, now64(3), 'invalid', concat(s, '-secret-line')",
        f"INSERT INTO identity_links SELECT arrayJoin([{names}]) AS s, concat(s, '-secret-1'), concat(s, '-secret-person'), (now64(3), 1, generateUUIDv4(), 'identify'), now64(3)",
        f"INSERT INTO identity_corrections SELECT arrayJoin([{names}]) AS s, concat(s, '-secret-2'), concat(s, '-secret-person'), 1, now64(3)",
        f"INSERT INTO webhook_deliveries (site_id, at, delivery_id, attempt, endpoint_id, notice_id, kind, verdict, status, ms) SELECT arrayJoin([{names}]) AS s, toDateTime64('2026-03-05 10:00:00', 3, 'UTC'), concat(s, '-secret-delivery'), 1, concat(s, '-secret-hook'), concat(s, '-secret-notice'), 'alert.firing', 'again', 503, 40",
        f"INSERT INTO alert_history (site_id, id, at, kind, rule_id, rule, severity, group, window_start, window_end, reason) SELECT arrayJoin([{names}]) AS s, concat(s, '-secret-alert'), toDateTime64('2026-03-05 10:00:00', 3, 'UTC'), 'firing', concat(s, '-secret-rule'), concat(s, '-secret-rule'), 'info', concat(s, '-secret-group'), 0, 60, concat(s, '-secret-reason')",
        f"INSERT INTO config (kind, id, value) SELECT 'site', arrayJoin([{names}]) AS s, concat('{{\"name\": \"', s, '-secret-name\"}}')",
        f"INSERT INTO fingerprints (site_id, fingerprint_id) SELECT arrayJoin([{names}]) AS s, concat(s, '-secret-device')",
        "INSERT INTO config (kind, id, value) VALUES ('key', 'shop', 'rival-secret-key')",
    ):
        client.command(statement)
