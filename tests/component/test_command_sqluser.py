"""`pulse sql-user`, on the embedded server as `make up` keeps it; the same users as statements."""

import os
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from clickhouse.client import Client
from deploy.local import clickhouse_server, port
from deploy.local.process import Running
from deploy.local.up.keeper import Keeper, Part
from pulse import started
from pulse.analyst import as_sql, as_xml, user
from pulse.analyst.rule import Limits
from pulse.started import Started
from tests import analysing
from tests.commanding import pulse
from tests.eventually import eventually
from tests.migrated import migrate

LIMITS = Limits(seconds=20, mb=1_000, rows=100_000_000)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Client]:
    """A ClickHouse that is started again when it ends, noted in the data folder as `make up` does; the product's own client."""
    at, native = port.free(), port.free()
    shared = as_xml.shared(LIMITS, user.of_route(b"secret"), "pulse", "analytics")
    (tmp_path / started.CLICKHOUSE_PASSWORD).write_text("opens")
    state = Started(
        up=started.identify(os.getpid()),
        phase=started.READY,
        services={"clickhouse": "embedded"},
        environment={"PULSE_CLICKHOUSE_URL": f"http://127.0.0.1:{at}/pulse"},
    )

    def note(running: Running) -> None:
        state.processes["ClickHouse"] = started.identify(running.pid)
        started.write(tmp_path, state)

    part = Part(
        "ClickHouse", lambda: clickhouse_server.start(tmp_path / "clickhouse", at, native, "opens", analysts=shared)
    )
    keeper = Keeper(part, lambda _: None, note)
    keeper.start()
    client = Client(f"http://pulse:opens@127.0.0.1:{at}/pulse")
    migrate(client)
    analysing.fill(client, ("blog", "shop"), 100)
    yield client
    client.close()
    keeper.stop()


def test_a_user_of_the_embedded_server_is_made_listed_and_dropped(kept: Client, tmp_path: Path) -> None:
    environment = {"PULSE_DATA": str(tmp_path)}
    assert "there is no site 'none'" in pulse(environment, "sql-user", "create", "none", expect=1).stderr
    said = pulse(environment, "sql-user", "create", "shop").stdout
    shown = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    assert (shown["user"], shown["database"]) == ("analyst_shop", "analytics")
    assert "has a user already" in pulse(environment, "sql-user", "create", "shop", expect=1).stderr
    assert pulse(environment, "sql-user", "list").stdout == "shop\tanalyst_shop\n"
    login = {"username": shown["user"], "password": shown["password"], "database": shown["database"]}

    analyst = clickhouse_connect.get_client(host=shown["host"], port=int(shown["port"]), **login)
    found = analyst.query_df("SELECT site_id, count() AS events FROM events GROUP BY site_id")
    assert found.to_dict("records") == [{"site_id": "shop", "events": 100}]
    assert analyst.query("SELECT {of:String}", parameters={"of": "a\tb"}).result_rows == [("a\tb",)]
    assert analyst.query_arrow("SELECT DISTINCT site_id FROM pulse.events").num_rows == 1
    with pytest.raises(DatabaseError, match="ACCESS_DENIED"):
        analyst.command("CREATE TABLE analytics.mine (a UInt8) ENGINE = Memory")
    assert kept.ask("SELECT uniqExact(site_id) FROM events").rows == [(2,)]

    pulse(environment, "sql-user", "drop", "shop")
    assert pulse(environment, "sql-user", "list").stdout == ""
    assert "has no user" in pulse(environment, "sql-user", "drop", "shop", expect=1).stderr
    headers = {"X-ClickHouse-User": shown["user"], "X-ClickHouse-Key": shown["password"]}
    answer = httpx.post(f"http://{shown['host']}:{shown['port']}/", content="SELECT 1", headers=headers)
    assert answer.status_code in (401, 403)
    eventually(lambda: kept.ask("SELECT 1").rows == [(1,)])


def test_statements_that_make_and_drop_users_are_clickhouses_own(clickhouse: str) -> None:
    client = Client(clickhouse)
    own = user.of_site("my-shop", "opens")
    made = [as_sql.profile(LIMITS), *as_sql.created(own, "pulse", "analytics")]
    for statement in (*made, *as_sql.dropped(own.name, "pulse", "analytics")):
        assert client.ask(f"EXPLAIN AST {statement}").rows, statement
    assert all("opens" not in statement for statement in made)
    granted = [number for number, statement in enumerate(made) if statement.startswith("GRANT")]
    assert min(granted) > max(number for number, statement in enumerate(made) if "ROW POLICY" in statement)
    client.close()
