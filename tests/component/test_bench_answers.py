"""What the bench asks of the query API and by hand: both tell the same, and each statement is one."""

import time
from itertools import pairwise
from pathlib import Path

from hypothesis import given as given_
from hypothesis import strategies as st

from bench.answers import missed
from bench.asking import QUERIES, Measured, Span, covered, within
from bench.filling import DAY_MS, SPAN_MS, Filling, days, fill
from bench.questions import questions, realtime
from clickhouse.client import Client, text_of
from tests.querying import querying, settings_of

SITE = "shop"


def filled(client: Client) -> Filling:
    now = time.time_ns() // 1_000_000
    wanted = Filling(events=40_000, sites=4, hot=0.5, end_ms=now, site=SITE, visitors=900)
    fill(client, wanted)
    return wanted


async def test_what_is_asked_by_hand_is_what_the_api_tells(tmp_path: Path, clickhouse: str, migrated: Client) -> None:
    wanted = filled(migrated)
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as api:
        for question in questions(SITE, wanted.end_ms).values():
            assert question.told is not None
            request = question.asked(3)
            headers = {"content-type": "application/json"}
            answer = await api.ask(
                request.method, request.path, params=request.params, content=request.content, headers=headers
            )
            assert answer.status_code == 200, answer.text
            rows = migrated.ask(text_of(QUERIES / f"{question.by_hand}.sql"), question.given(3)).rows
            assert question.told(answer.json()) == question.read(rows), question.name
            assert question.told(answer.json()), question.name


def test_the_minutes_are_those_of_the_events_and_none_lies_after_the_end(migrated: Client) -> None:
    wanted = filled(migrated)
    counts = "SELECT site_id, count(), sum(revenue), countIf(bot) FROM events GROUP BY site_id ORDER BY site_id"
    sums = "SELECT site_id, sum(events), sum(revenue), sum(bots) FROM metrics_minute GROUP BY site_id ORDER BY site_id"
    found = migrated.ask(counts).rows
    assert found == migrated.ask(sums).rows
    assert len(found) == wanted.sites
    assert 0.8 < sum(row[1] for row in found) / wanted.events < 1.2
    [[last]] = migrated.ask("SELECT toUnixTimestamp64Milli(max(ts)) FROM events").rows
    assert wanted.end_ms - DAY_MS < last < wanted.end_ms


def test_who_is_there_now_is_asked_by_hand_too(migrated: Client) -> None:
    wanted = filled(migrated)
    question = realtime(SITE, lambda: wanted.end_ms)
    assert migrated.ask(text_of(QUERIES / f"{question.by_hand}.sql"), question.given(0)).rows
    assert question.asked(0) != question.asked(1)


def test_what_was_spent_is_told_without_what_was_asked_by_hand_or_beside(migrated: Client) -> None:
    for query_id in (f"by-hand-{time.time_ns()}", f"other-{time.time_ns()}"):
        migrated.ask("SELECT 1", query_id=query_id, max_execution_time=30)
    migrated.ask("SELECT 2")
    migrated.command("SYSTEM FLUSH LOGS query_log")
    given = {"database": migrated.database, "since": 0, "until": time.time_ns() // 1_000}
    told = {
        name: migrated.ask(text_of(QUERIES / "answers_spent.sql"), given | {"by_hand": name}).rows
        for name in ("by-hand-", "no such name")
    }
    assert [len(rows) for rows in told.values()] == [1, 2]
    assert all(0 < began < ended for began, ended in told["no such name"])


@given_(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: (min(ends), max(ends)))))
def test_spans_that_lie_above_one_another_count_once(spans: list[Span]) -> None:
    assert covered(spans) == len({n for began, ended in spans for n in range(began, ended)})
    assert covered(within(spans, (20, 40))) == len(
        {n for began, ended in spans if 20 <= began < 40 for n in range(began, min(ended, 40))}
    )


def test_the_days_of_a_time_follow_one_another() -> None:
    end = 1_772_668_812_345
    found = list(days(end - SPAN_MS, end))
    assert found[0][0] == end - SPAN_MS
    assert found[-1][1] == end
    assert all(until == begin for (_, until), (begin, _) in pairwise(found))
    assert {begin % DAY_MS for begin, _ in found[1:]} == {0}


def test_bars_that_are_missed_are_named() -> None:
    good = Measured(
        name="q",
        bar_ms=100,
        api={"p50": 50.0, "p95": 90.0},
        kept={"p95": 5.0, "count": 20},
        by_hand={"p50": 40.0},
        store_ms=40.0,
        asked=1.0,
        own_ms=9.0,
        beyond_ms=10.0,
        is_same=True,
    )
    assert missed([good]) == []
    good.api["p95"], good.kept["p95"], good.own_ms, good.is_same = 120.0, 12.0, 20.0, False
    assert [each.partition(":")[2] for each in missed([good])] == [
        " p95 120 of 100 ms",
        " p95 12.0 of 10 ms",
        " the API adds 20.0 of 15 ms",
        " SQL by hand tells something else",
    ]
