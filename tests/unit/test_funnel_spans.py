"""How the history of a site is cut for a saved funnel."""

from datetime import date

from clickhouse.funnels.build import spans
from clickhouse.funnels.entry import Entry, statement


def _days(*counts: int) -> list[tuple[date, int]]:
    return [(date(2026, 3, n + 1), count) for n, count in enumerate(counts)]


def test_every_day_lies_in_one_span_and_no_span_is_larger_than_a_day_must_be() -> None:
    found = [(since.day, until.day) for since, until in spans(_days(4, 5, 1, 20, 3, 3, 3, 3), 10)]
    assert found == [(1, 3), (4, 4), (5, 7), (8, 8)]
    assert list(spans([], 10)) == []


def test_builds_share_a_statement_and_no_parameter() -> None:
    entries = [Entry(7, "a", "event = {p0:String}", {"p0": "x"}), Entry(8, "b", "event = {p0:String}", {"p0": "y"})]
    text, bound = statement(entries)
    assert bound == {"b7p0": "x", "b8p0": "y", "site0": "a", "site1": "b", "sites": ["a", "b"]}
    assert "{b7p0:String}" in text
    assert "{p0:String}" not in text
