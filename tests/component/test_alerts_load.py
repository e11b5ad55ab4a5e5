"""Minutes of sites out of a real store: one site that is too much for it does not keep the others from being watched."""

from collections.abc import Iterator
from typing import Any

import pytest

from clickhouse.client import Client
from pulse.alerting.site import Site
from pulse.alerting.watched import watched_of
from pulse.errors import Unavailable
from pulse.minute import MINUTE_MS
from streams.alerts.load import from_store
from tests.alerting import record
from tests.migrated import migrate
from tests.querying import Row, fill

MINUTE = 29_600_000
MOST_ROWS = 100


class Small(Client):
    """A store that gives few rows for one question."""

    def tables(self, name: Any, parameters: Any, **settings: Any) -> Any:
        return super().tables(name, parameters, max_result_rows=MOST_ROWS, result_overflow_mode="throw", **settings)


class Coming(Client):
    """A store that is not there when it is asked for the first time."""

    asked = 0

    def tables(self, name: Any, parameters: Any, **settings: Any) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("ClickHouse does not answer: Connection refused")
        return super().tables(name, parameters, **settings)


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Small(clickhouse)
    migrate(made)
    yield made
    made.close()


def sites(*names: str) -> dict[str, Site]:
    condition = {"kind": "threshold", "operator": ">", "value": 9}
    rule = {"metric": "events", "window_minutes": 600, "condition": condition}
    return {name: Site([watched_of(record(f"rule-{name}", name, rule))]) for name in names}


def test_a_site_that_the_store_refuses_is_left_out_and_the_others_are_counted_once(client: Client) -> None:
    many = {"a": 40, "b": 40, "c": 500, "d": 40, "e": 1}
    fill(client, [Row(name, "x", (MINUTE - n) * MINUTE_MS) for name, number in many.items() for n in range(number)])
    found = from_store(client, sites(*many), MINUTE)
    totals = {
        name: tally.groups[""].volumes.total(MINUTE - 599, MINUTE)
        for name, counted in found.items()
        for tally in counted.site.tallies.values()
    }
    assert totals == {"a": 40, "b": 40, "d": 40, "e": 1}
    assert from_store(client, sites("c"), MINUTE) == {}


def test_a_store_that_comes_while_it_is_asked_refuses_no_site(client: Client, clickhouse: str) -> None:
    fill(client, [Row("a", "x", MINUTE * MINUTE_MS)])
    assert set(from_store(Coming(clickhouse), sites("a"), MINUTE)) == {"a"}
    assert set(from_store(Coming(clickhouse), sites("a", "b"), MINUTE)) == {"a", "b"}


def test_a_store_that_is_away_is_told(client: Client) -> None:
    with pytest.raises(Unavailable):
        from_store(Client("http://127.0.0.1:9"), sites("a"), MINUTE)
