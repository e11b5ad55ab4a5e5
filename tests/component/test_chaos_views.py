"""The check that every view has what the events say: it finds a row too many, one that is missing and one that differs."""

import pytest

from clickhouse.client import Client
from tests.chaos.views import differing
from tests.exact import Store
from tests.migrated import migrate

EVENTS = """
INSERT INTO events (site_id, event, ts, event_id, visitor_id, user_id, session_id, fingerprint_id)
SELECT
    'main', if(number % 2, 'identify', 'click'), now64(3) - number, generateUUIDv4(), toString(number % 100),
    if(number % 2, toString(number % 50), ''), toString(number % 30), toString(number % 20)
FROM numbers(10000)
"""


@pytest.fixture
def store(clickhouse: str) -> Store:
    migrate(Client(clickhouse))
    store = Store(clickhouse)
    store.rows(EVENTS)
    return store


def test_views_are_as_the_events_say(store: Store) -> None:
    assert differing(store) == {}
    store.rows("OPTIMIZE TABLE fingerprints FINAL")
    store.rows(EVENTS)
    assert differing(store) == {}


def test_rows_that_differ_are_counted_by_view(store: Store) -> None:
    store.rows("INSERT INTO fingerprints (site_id, fingerprint_id, risk) VALUES ('main', '3', 99)")
    store.rows("INSERT INTO activity (site_id, event, visitor) VALUES ('main', 'never', 99)")
    store.rows("ALTER TABLE identity_links DELETE WHERE visitor_id = '7' SETTINGS mutations_sync = 2")
    assert differing(store) == {"activity_of_events": 1, "fingerprints_of_events": 2, "identity_links_of_events": 1}


def test_days_of_whose_events_activity_lacks_some_are_not_looked_at(store: Store) -> None:
    then = "toDate(now() - 172800)"
    store.rows(EVENTS.replace("now64(3) - number", "now64(3) - 172800 - number % 60").replace("% 100", "% 100 + 1000"))
    store.rows("ALTER TABLE activity DELETE WHERE visitor_id = '1007' SETTINGS mutations_sync = 2")
    assert differing(store) == {"activity_of_events": 2}
    counts = f"day > 0 AND addDays(quarter, day - 1) IN ({then}, {then} - 1)"
    store.rows(f"ALTER TABLE activity DELETE WHERE {counts} SETTINGS mutations_sync = 2")
    assert differing(store) == {}
    store.rows("ALTER TABLE activity DELETE WHERE visitor_id = '7' SETTINGS mutations_sync = 2")
    assert list(differing(store)) == ["activity_of_events"]
