"""Anomalies of the share of risky traffic, round by round, against a real store that has days of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from clickhouse.client import Client
from pulse.alerting.rule import HISTORY_DAYS
from pulse.alerting.site import Site, Told
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched, watched_of
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS
from streams.alerts.asking import Asking, Sources
from streams.alerts.partition import Counted, Partition
from tests.alerting import record
from tests.eventually import eventually
from tests.migrated import migrate

DAY = 1_440
NOON = 29_600_640
STEP, OVER, LAST = 20, 30, 80
"""Minutes after noon."""
AT_ONCE = 10
"""Minutes that are closed in a round."""
A_MINUTE = 40
USUAL, UNUSUAL = 10, 60
"""How many events a minute has, and how many of a hundred are risky."""


class Nothing:
    """Whom a round asks how far others are, where nothing waits."""

    def ask(self) -> None:
        return None

    oldest = ask


class Counting(Client):
    """A store that remembers how often it was asked for earlier days."""

    earlier = 0

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        self.earlier += 0 < (parameters or {}).get("end", 0) < (NOON - DAY // 2) * MINUTE_MS
        return super().ask(statement, parameters, **settings)


class Refusing(Counting):
    """A store that refuses earlier days."""

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        before = self.earlier
        found = super().ask(statement, parameters, **settings)
        if self.earlier > before:
            raise QueryError("too long")
        return found


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Counting]:
    made = Counting(clickhouse_of_module)
    migrate(made)
    yield made
    made.close()


def store(client: Client, site: str, first: int, last: int, percent: int) -> None:
    """Events of some minutes, so many of them risky and through a VPN."""
    client.command(
        "INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, risk, risk_vpn, risk_band)"
        f" SELECT '{site}', 'view', fromUnixTimestamp64Milli({first * MINUTE_MS} + intDiv(number, {A_MINUTE}) * 60000) AS t, t,"
        f" generateUUIDv4(), toString(number), if(number * 37 % 100 < {percent}, 80, 0) AS r, r, if(r > 0, 'high', 'low')"
        f" FROM numbers({(last - first) * A_MINUTE})"
    )
    client.command(f"INSERT INTO metrics_minute (site_id, minute, event) VALUES ('{site}', {first * 60}, 'view')")


def course(client: Client, rules: list[Watched], first: int, last: int) -> list[tuple[str, str, int]]:
    """What rules tell of minutes that close some at a time: of which rule, what, and with which minute from noon on."""
    nothing: Any = Nothing()
    partition = Partition(0, first - 1, 0, asked=first - 1)
    for site in {each.site_id for each in rules}:
        partition.sites[site] = Counted(Site([each for each in rules if each.site_id == site]), {})
    rounds = Asking(Sources(client, nothing, nothing), 0.0, 0)
    told: list[Told] = []

    def is_closed(until: int) -> bool:
        for _, changes in rounds.told({0: partition}, (until + 1) * MINUTE_MS):
            told.extend(changes)
        return partition.asked == until

    for until in range(first + AT_ONCE - 1, last, AT_ONCE):
        eventually(partial(is_closed, until), every=0.01)
    assert len({notice_of(each, 0).id for each in told}) == len(told)
    return [(each.watched.id, each.change.kind, each.change.minute - NOON) for each in told]


def rule(name: str, site: str, metric: str = "risky_share") -> Watched:
    condition = {"kind": "anomaly", "direction": "up"}
    return watched_of(record(name, site, {"metric": metric, "window_minutes": 2, "condition": condition}))


def test_a_share_of_risky_traffic_that_is_unusual_is_told_and_one_that_comes_each_day_is_not(client: Counting) -> None:
    for days in range(5):
        noon = NOON - days * DAY
        store(client, "steady", noon - 30, noon + STEP, USUAL)
        store(client, "habit", noon - 30, noon + STEP, USUAL)
        store(client, "habit", noon + STEP, noon + OVER, UNUSUAL)
        store(client, "steady", noon + STEP, noon + OVER, USUAL if days else UNUSUAL)
        store(client, "steady", noon + OVER, noon + LAST, USUAL)
        store(client, "habit", noon + OVER, noon + LAST, USUAL)
    rules = [rule("risky", "steady"), rule("vpn", "steady", "vpn_share"), rule("tor", "steady", "tor_share")]
    told = course(client, [*rules, rule("daily", "habit")], NOON, NOON + LAST)
    assert sorted(told) == [
        (name, kind, minute)
        for name in ("risky", "vpn")
        for kind, minute in (("firing", STEP + 1), ("resolved", OVER + 1))
    ]
    assert client.earlier == 2 * HISTORY_DAYS, "two weeks are read once an hour, and for all rules at once"


def test_where_there_is_no_history_the_hours_before_are_usual(client: Counting) -> None:
    store(client, "young", NOON - 60, NOON + STEP, USUAL)
    store(client, "young", NOON + STEP, NOON + OVER, UNUSUAL)
    told = course(client, [rule("young", "young"), rule("none", "nobody")], NOON, NOON + OVER)
    assert told == [("young", "firing", STEP + 1)]


def test_while_the_store_refuses_earlier_days_all_else_is_told_and_they_are_not_asked_for_again_at_once(
    client: Counting,
) -> None:
    store(client, "dear", NOON - DAY - 30, NOON - DAY + LAST, USUAL)
    store(client, "dear", NOON - 60, NOON + STEP, USUAL)
    store(client, "dear", NOON + STEP, NOON + OVER, UNUSUAL)
    refusing = Refusing(client._url)
    limit = {"kind": "threshold", "operator": ">", "value": 0.3}
    level = watched_of(record("level", "dear", {"metric": "risky_share", "window_minutes": 2, "condition": limit}))
    told = course(refusing, [rule("usual", "dear"), level], NOON, NOON + OVER)
    assert told == [("level", "firing", STEP)], "of an anomaly nothing is known meanwhile"
    assert refusing.earlier < HISTORY_DAYS
