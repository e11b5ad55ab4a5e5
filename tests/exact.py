"""Whether the store is exact: events against what was sent, minute aggregates and the ledger against the events."""

from collections import Counter
from collections.abc import Iterable

import httpx

DIFFERING_MINUTES = """
SELECT count()
FROM
(
    SELECT site_id, minute, event, country, device_type, currency, sum(events) AS n, sum(bots) AS b, sum(revenue) AS r
    FROM metrics_minute
    WHERE site_id != ''
    GROUP BY ALL
) AS kept
FULL OUTER JOIN
(
    SELECT site_id, toStartOfMinute(ts) AS minute, event, country, device_type, currency,
        count() AS n, countIf(bot) AS b, sum(revenue) AS r
    FROM events
    GROUP BY ALL
) AS counted
USING (site_id, minute, event, country, device_type, currency)
WHERE (kept.n != counted.n) OR (kept.b != counted.b) OR (kept.r != counted.r)
SETTINGS join_use_nulls = 0
"""

REJECTED_OTHERWISE = """
SELECT count()
FROM
(
    SELECT site_id, sum(n) AS difference
    FROM
    (
        SELECT site_id, toInt64(rejected + unstorable) AS n FROM ledger_minute
        UNION ALL
        SELECT site_id, -1 AS n FROM events_rejected WHERE _stage = 'refine' OR startsWith(_stage, 'events')
    )
    GROUP BY site_id
)
WHERE difference != 0
"""


class Store:
    """Questions to ClickHouse, past everything of the product."""

    def __init__(self, url: str) -> None:
        """`url` is ``http://host:port/database``."""
        self.base, self.database = url.rsplit("/", 1)

    def rows(self, sql: str) -> list[list[str]]:
        """The answer's rows as text."""
        answer = httpx.post(self.base, params={"database": self.database}, content=sql, timeout=60)
        if answer.is_error:
            raise AssertionError(answer.text)
        return [line.split("\t") for line in answer.text.splitlines()]

    def number(self, sql: str) -> int:
        """The answer's one number."""
        return int(self.rows(sql)[0][0])

    def events(self, where: str = "1") -> int:
        """Rows of `events`, unmerged repetitions included."""
        return self.number(f"SELECT count() FROM events WHERE {where}")

    def distinct(self) -> int:
        """Distinct events."""
        return self.number("SELECT uniqExact(site_id, event_id) FROM events")

    def ids(self) -> Counter[str]:
        """How many rows each event id has."""
        return Counter({id: int(n) for id, n in self.rows("SELECT event_id, count() FROM events GROUP BY event_id")})

    def differing_minutes(self) -> int:
        """Cells of `metrics_minute` that differ from GROUP BY over `events`."""
        return self.number(DIFFERING_MINUTES)

    def unbalanced(self) -> int:
        """Minutes of a site whose ledger differs from itself or from the events, sites whose refusals are others."""
        views = "analytics" if self.database == "pulse" else f"{self.database}_analytics"
        books = sum(
            self.number(f"SELECT count() FROM {views}.{view} WHERE difference != 0")
            for view in ("ledger", "ledger_checked")
        )
        return books + self.number(REJECTED_OTHERWISE)


def assert_exact(store: Store, ids: Iterable[str]) -> None:
    """Every id is stored exactly once and nothing else is; every minute aggregate equals its events; nothing vanished."""
    sent = set(ids)
    kept = store.ids()
    missing, foreign = sent - kept.keys(), kept.keys() - sent
    doubled = [id for id, n in kept.items() if n > 1]
    assert (len(missing), len(foreign), len(doubled)) == (0, 0, 0), (
        f"{len(missing)} missing, {len(foreign)} foreign, {len(doubled)} doubled of {len(sent)}"
    )
    assert store.differing_minutes() == 0
    assert store.unbalanced() == 0
