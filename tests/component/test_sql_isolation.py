"""An analyst sees one site and writes nothing, whatever the statement: as a user of ClickHouse, and over the API."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from pulse.analyst import user
from pulse.analyst.rule import TABLES
from tests import analysing
from tests.analysing import Served
from tests.querying import Api, querying, settings_of

SITES = ("rival", "shop", "zoo")
"""Those of others before and after the own one in the sorting key: they share its first and last granule."""
EACH = 10_000

SEEING = {
    "a plain question": "SELECT * FROM events LIMIT 1000",
    "the table itself": "SELECT site_id, visitor_id FROM pulse.events",
    "another site by name": "SELECT * FROM events WHERE site_id = 'rival'",
    "another site or all": "SELECT site_id, visitor_id FROM events WHERE site_id = 'rival' OR 1",
    "not the own": "SELECT * FROM events WHERE site_id != 'shop'",
    "a comment": "SELECT * FROM events WHERE site_id = 'rival' -- AND site_id = 'shop'\n OR 0 /* '",
    "a join with the table": "SELECT b.site_id, b.visitor_id FROM events AS a FULL JOIN pulse.events AS b ON a.visitor_id = b.visitor_id",
    "a cross join": "SELECT a.visitor_id, b.visitor_id FROM (SELECT * FROM events LIMIT 10) AS a, (SELECT * FROM events LIMIT 10) AS b",
    "a subquery": "SELECT (SELECT any(visitor_id) FROM pulse.events WHERE site_id = 'rival')",
    "in a subquery": "SELECT * FROM events WHERE visitor_id IN (SELECT visitor_id FROM pulse.events WHERE site_id = 'zoo')",
    "a union": "SELECT site_id FROM events UNION ALL SELECT site_id FROM pulse.events UNION ALL SELECT site_id FROM rejected",
    "a scalar in WITH": "WITH (SELECT groupUniqArray(site_id) FROM pulse.events) AS sites SELECT sites",
    "an aggregate": "SELECT groupUniqArray(site_id), uniq(visitor_id) > 20000, count() > 20000 FROM pulse.events",
    "a window": "SELECT DISTINCT first_value(site_id) OVER (ORDER BY site_id), last_value(site_id) OVER (ORDER BY site_id) FROM events",
    "final": "SELECT DISTINCT site_id FROM pulse.events FINAL",
    "prewhere": "SELECT DISTINCT site_id FROM pulse.events PREWHERE site_id IN ('rival', 'zoo')",
    "final and prewhere": "SELECT DISTINCT site_id FROM pulse.events FINAL PREWHERE site_id IN ('rival', 'zoo')",
    "an oracle in a filter": "SELECT count() FROM pulse.events WHERE throwIf(site_id != 'shop', 'rival-secret') = 0",
    "an oracle in a prewhere": "SELECT count() FROM pulse.events PREWHERE throwIf(site_id != 'shop', 'rival-secret') = 0",
    "an oracle beside final": "SELECT count() FROM pulse.events FINAL PREWHERE throwIf(site_id != 'shop', 'rival-secret') = 0",
    "an oracle over a view": "SELECT count() FROM events WHERE throwIf(site_id != 'shop', 'rival-secret') = 0",
    "an oracle in a join": "SELECT count() FROM events AS a JOIN pulse.events AS b ON throwIf(b.site_id != 'shop', 'rival-secret') = 0 AND a.event_id = b.event_id",
    "an error that quotes": "SELECT toUInt64(visitor_id) FROM events",
    "an error that quotes the least": "SELECT toUInt64(min(site_id)) FROM pulse.events",
    "minute aggregates": "SELECT * FROM metrics_minute LIMIT 1000",
    "the table of minute aggregates": "SELECT site_id, sum(events) FROM pulse.metrics_minute GROUP BY site_id",
    "refused lines": "SELECT * FROM rejected",
    "people": "SELECT * FROM identity",
    "devices in networks": "SELECT * FROM identity_network",
    "risk by day": "SELECT * FROM risk_scores WHERE NOT throwIf(site_id != 'shop', 'rival-secret')",
    "who was named": "SELECT visitor_id, user_id FROM pulse.identity_links",
    "what was undone": "SELECT visitor_id, user_id FROM pulse.identity_corrections",
    "the dictionary of people": "SELECT * FROM pulse.people",
    "a look into the dictionary": "SELECT dictGet('pulse.people', 'user_id', ('rival', 'rival-secret-1'))",
    "lines of no site": "SELECT site_id, line FROM pulse.events_rejected WHERE site_id = ''",
    "the ledger": "SELECT * FROM ledger LIMIT 1000",
    "the table of the ledger": "SELECT site_id, received FROM pulse.ledger_minute",
    "the ledger, checked": "SELECT * FROM ledger_checked",
    "what rules told": "SELECT * FROM alerts",
    "the table of what rules told": "SELECT id, rule, reason FROM pulse.alert_history FINAL",
    "attempts at webhooks": "SELECT * FROM webhook_deliveries",
    "sites": "SELECT * FROM config",
    "keys": "SELECT kind, id, value FROM pulse.config WHERE kind = 'key'",
    "places in the log": "SELECT max(_place) FROM pulse.events",
    "all columns": "SELECT * FROM pulse.events LIMIT 1",
    "rows of a part": "SELECT _part, max(_part_offset) FROM pulse.events GROUP BY _part",
    "samples of tables": "SELECT * FROM mergeTreeIndex('pulse', 'events')",
    "a projection": "SELECT * FROM mergeTreeProjection('pulse', 'events', 'stored')",
    "queries of others": "SELECT query FROM system.query_log",
    "running queries": "SELECT query FROM system.processes",
    "running queries, shown": "SHOW PROCESSLIST",
    "parts": "SELECT name, rows FROM system.parts",
    "parts' columns": "SELECT * FROM system.parts_columns",
    "sizes of tables": "SELECT name, total_rows FROM system.tables WHERE database = 'pulse'",
    "sizes of columns": "SELECT * FROM system.columns WHERE database = 'pulse'",
    "other databases": "SELECT name FROM system.databases WHERE name = 'pulse'",
    "tables of the schema": "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = 'pulse'",
    "users": "SELECT name FROM system.users",
    "policies": "SELECT select_filter FROM system.row_policies",
    "grants of others": "SHOW GRANTS FOR pulse_sql",
    "a user's making": "SHOW CREATE USER pulse_sql",
    "mutations": "SELECT command FROM system.mutations",
    "errors": "SELECT last_error_message FROM system.errors",
    "the server's settings": "SELECT getServerSetting('max_concurrent_queries')",
    "a table's making": "SHOW CREATE TABLE pulse.events",
    "another server": "SELECT * FROM remote('127.0.0.1', 'pulse', 'events')",
    "another server, secure": "SELECT * FROM remoteSecure('127.0.0.1', pulse.events, 'pulse', 'opens')",
    "a cluster": "SELECT * FROM cluster('default', pulse.events)",
    "all replicas": "SELECT * FROM clusterAllReplicas('default', system.query_log)",
    "merged tables": "SELECT * FROM merge('pulse', 'events.*')",
    "a loop": "SELECT * FROM loop(pulse.events) LIMIT 60000",
    "a view made on the way": "SELECT * FROM view(SELECT site_id FROM pulse.events)",
    "an address": "SELECT * FROM url('http://127.0.0.1:1/rival-secret', 'CSV', 'a String')",
    "a file": "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "a file in a function": "SELECT file('/etc/passwd')",
    "a file beside the server": "SELECT file('users.xml'), file('data/metadata/pulse.sql')",
    "a file's name from rows": "SELECT file(concat('/etc/', any('passwd'))) FROM events",
    "a file's structure": "DESCRIBE TABLE file('/etc/passwd')",
    "S3": "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv')",
    "MySQL": "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "PostgreSQL": "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SQLite": "SELECT * FROM sqlite('/etc/passwd', 't')",
    "a program": "SELECT * FROM executable('cat /etc/passwd', 'LineAsString', 'a String')",
    "a dictionary": "SELECT dictGet('pulse.events', 'value', 1)",
    "a table of joins": "SELECT joinGet('pulse.events', 'visitor_id', 'x')",
    "another user": "EXECUTE AS pulse SELECT * FROM pulse.events",
    "a role": "SET ROLE ALL",
    "who asks": "SELECT currentUser(), initial_user FROM (SELECT user() AS initial_user)",
    "the site by header": "SELECT DISTINCT site_id FROM pulse.events WHERE site_id = getClientHTTPHeader('Pulse-Site') OR site_id = 'rival'",
    "the password by header": "SELECT getClientHTTPHeader('X-ClickHouse-Key')",
    "a setting on the statement": "SELECT site_id FROM events SETTINGS readonly = 0",
    "the cache of answers": "SELECT site_id FROM events LIMIT 1 SETTINGS use_query_cache = 1",
    "more memory": "SELECT 1 SETTINGS max_memory_usage = 0",
    "more time": "SELECT 1 SETTINGS max_execution_time = 0",
    "a setting": "SET readonly = 0",
    "another database": "USE pulse",
    "an explanation": "EXPLAIN indexes = 1 SELECT * FROM events WHERE site_id = 'rival'",
    "an estimate": "EXPLAIN ESTIMATE SELECT count() FROM events",
    "a description": "DESCRIBE events",
    "two statements": "SELECT 1; SELECT * FROM pulse.events",
    "a stack": "SELECT addressToLine(1)",
}
"""What may tell something of another site, tried as an analyst of `shop`."""

WRITING = (
    "INSERT INTO pulse.events (site_id) VALUES ('shop')",
    "INSERT INTO events (site_id) SELECT 'shop'",
    "INSERT INTO FUNCTION file('x.csv', 'CSV', 'a String') VALUES ('a')",
    "INSERT INTO FUNCTION remote('127.0.0.1', 'pulse', 'events') (site_id) VALUES ('shop')",
    "INSERT INTO FUNCTION null('a String') VALUES ('a')",
    "SELECT * FROM events INTO OUTFILE '/tmp/analyst-was-here'",
    "ALTER TABLE pulse.events DELETE WHERE 1",
    "ALTER TABLE pulse.events UPDATE event = '' WHERE 1",
    "ALTER TABLE pulse.events DROP PARTITION 202603",
    "DELETE FROM pulse.events WHERE 1",
    "TRUNCATE TABLE pulse.events",
    "DROP TABLE pulse.events",
    "DROP DATABASE pulse",
    "DROP VIEW analytics.events",
    "CREATE TABLE analytics.mine (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (a UInt8)",
    "CREATE VIEW analytics.mine AS SELECT * FROM pulse.events",
    "CREATE VIEW analytics.mine DEFINER = pulse SQL SECURITY DEFINER AS SELECT * FROM pulse.events",
    "CREATE DATABASE mine",
    "CREATE FUNCTION mine AS x -> x",
    "CREATE DICTIONARY analytics.mine (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 'events' DB 'pulse')) LAYOUT(FLAT()) LIFETIME(1)",
    "CREATE USER mine",
    "CREATE ROW POLICY mine ON pulse.events USING 1 TO ALL",
    "ALTER USER analyst_shop SETTINGS readonly = 0",
    "GRANT ALL ON *.* TO analyst_shop",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SYSTEM STOP MERGES pulse.events",
    "OPTIMIZE TABLE pulse.events FINAL",
    "BACKUP TABLE pulse.events TO File('mine')",
    "RENAME TABLE pulse.events TO pulse.gone",
    "EXCHANGE TABLES pulse.events AND pulse.config",
    "ATTACH TABLE analytics.mine FROM '/etc' (a UInt8) ENGINE = MergeTree ORDER BY a",
    "DETACH TABLE pulse.events",
)
OTHERS = (
    "rival-secret-",
    "zoo-secret-",
    "-secret-line",
    "-secret-name",
    "secret-key",
    "root:",
    "<clickhouse>",
    "_place",
)
"""What no answer may hold: texts of other sites' rows, of refused lines and keys, of files."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with analysing.serving(tmp_path_factory.mktemp("analysts") / "clickhouse") as made:
        analysing.fill(made.client, SITES, EACH)
        yield made


@pytest.fixture
async def api(served: Served, tmp_path: Path) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=served.url)) as made:
        yield made


def _as_user(served: Served, statement: str, **headers: str) -> httpx.Response:
    login = {**headers, "X-ClickHouse-User": user.name_of("shop"), "X-ClickHouse-Key": analysing.OWN}
    parameters = {"database": "analytics", "default_format": "CSV"}
    return httpx.post(served.analyst_url, content=statement, headers=login, params=parameters, timeout=60)


async def _over_api(api: Api, statement: str) -> httpx.Response:
    return await api.ask("POST", "/api/v1/sql", "reader", json={"query": f"{statement}", "format": "csv"})


def _of_others(text: str, statement: str) -> list[str]:
    """What an answer tells that is another's; an error may quote the statement."""
    own = text.replace("shop-secret-", "")
    said = "".join(own.split()).replace("".join(statement.split()), "")
    cells = {cell.strip('"') for line in own.splitlines() for cell in re.split(r"[,\t]", line)}
    names = {"rival", "zoo"} & cells if "DB::Exception" not in text else set()
    return [each for each in OTHERS if each in said and each not in statement] + sorted(names)


async def test_no_statement_shows_another_site(served: Served, api: Api) -> None:
    assert len(SEEING) >= 50
    for what, statement in SEEING.items():
        for answer in (_as_user(served, statement), await _over_api(api, statement)):
            assert answer.status_code in (200, 400, 403, 404, 500, 503), (what, answer.text)
            assert _of_others(answer.text, statement) == [], (what, answer.text[:1_000])


async def test_what_is_shown_is_the_own_site_and_all_of_it(served: Served, api: Api) -> None:
    for table in ("events", "pulse.events"):
        statement = f"SELECT groupUniqArray(site_id), count(), uniqExact(visitor_id) FROM {table}"
        assert _as_user(served, statement).text == f"\"['shop']\",{EACH},{EACH}\n"
        assert (await _over_api(api, statement)).text.splitlines()[1] == f"\"['shop']\",{EACH},{EACH}"
    for view in ("ledger", "rejected", "config", "metrics_minute", "identity", "webhook_deliveries"):
        assert int(_as_user(served, f"SELECT count() FROM {view}").text) > 0
    statement = "SELECT sum(events), count(), sum(risk) FROM risk_scores"
    assert _as_user(served, statement).text == f"{EACH},{EACH},0\n"
    statement = "SELECT groupUniqArray(site_id), count(), uniqExact(fingerprint_id) FROM identity_network"
    assert _as_user(served, statement).text == f"\"['shop']\",{EACH},{EACH}\n"
    told = "SELECT rule_id, group, reason FROM alerts"
    assert _as_user(served, told).text == '"shop-secret-rule","shop-secret-group","shop-secret-reason"\n'
    assert (await _over_api(api, told)).text.splitlines()[1] == _as_user(served, told).text.strip()
    assert _as_user(served, "SELECT id FROM config").text == '"shop"\n'
    assert _as_user(served, "SELECT count() FROM pulse.events WHERE throwIf(site_id != 'shop') = 0").text == f"{EACH}\n"
    assert _as_user(served, "SELECT count() FROM numbers(3)").text == "3\n"


async def test_every_site_has_its_own_answers_from_the_same_statement(api: Api) -> None:
    statement = {"query": "SELECT groupUniqArray(site_id) FROM events WHERE visitor_id LIKE '%-1%'", "format": "ndjson"}
    for _ in range(3):
        for key, site in (("reader", "shop"), ("rival_reader", "rival")):
            told = await api.ask("POST", "/api/v1/sql", key, json=statement)
            assert told.json() == {"groupUniqArray(site_id)": [site]}


async def test_nothing_is_written(served: Served, api: Api) -> None:
    before = _state(served)
    for statement in WRITING:
        for answer in (_as_user(served, statement), await _over_api(api, statement)):
            assert answer.status_code >= 400, (statement, answer.text)
    assert _state(served) == before


def test_the_product_itself_still_sees_all(served: Served) -> None:
    assert served.client.ask("SELECT count(), uniqExact(site_id) FROM analytics.events").rows == [(3 * EACH, 3)]


def test_the_sorting_key_is_used_for_the_site_and_the_day(served: Served) -> None:
    statement = "EXPLAIN indexes = 1 SELECT uniq(visitor_id) FROM events WHERE toDate(ts) = '2026-03-03' FORMAT TSVRaw"
    told = _as_user(served, statement).text
    assert re.search(r"Condition: .*site_id in ", told), told
    read, of = map(int, re.findall(r"Granules: (\d+)/(\d+)", told)[-1])
    assert read < of


def _state(served: Served) -> list[object]:
    """How many rows, tables, databases, functions and users there are."""
    client = served.client
    asked = (
        *(f"SELECT count() FROM pulse.{table}" for table in TABLES),
        "SELECT groupArray((database, name)) FROM (SELECT database, name FROM system.tables WHERE database IN ('pulse', 'analytics') ORDER BY ALL)",
        "SELECT count() FROM system.databases",
        "SELECT count() FROM system.users",
        "SELECT count() FROM system.functions WHERE origin = 'SQLUserDefined'",
    )
    return [client.ask(each).rows for each in asked]


def test_a_users_allowance_is_its_own_whatever_it_says(served: Served) -> None:
    assert _as_user(served, "SELECT 1", **{"X-ClickHouse-Quota": "rival"}).text == "1\n"
    usage = served.client.ask("SELECT quota_key FROM system.quotas_usage WHERE quota_name LIKE '%analyst%'")
    assert {str(key) for [key] in usage.rows} == {user.name_of("shop")}
