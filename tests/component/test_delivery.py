"""Deliveries to a real receiver out of a real database, by the schedule 200 times faster."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event
from standardwebhooks.webhooks import Webhook

from api.control.dispatch import INTERRUPTED
from api.control.endpoints import MOST
from api.control.outcome import Health
from api.control.outgoing import Delivery
from api.control.tried import Attempts
from api.delivery.courier import Pace
from api.delivery.mirror import Mirror, rows_of
from clickhouse.client import Client
from pulse.analyst.rule import analytics_of
from pulse.errors import Conflict, Unavailable
from pulse.outbound.verdict import GAPS_S
from tests.delivering import FASTER, Outgoing, now_ms, outgoing, until
from tests.receiving import CLOSE, CUT, ENDLESS, HANG, Behaviour, Reply, receiving

NO = Reply(500, {}, b"not now")
LEISURE_S = 10.0
"""By how much a busy machine may be late."""


@pytest.fixture(params=["sqlite", "postgresql"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outgoing]:
    if request.param == "sqlite":
        yield outgoing(tmp_path)
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield outgoing(tmp_path, f"{server.rpartition('/')[0]}/{name}")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_each_attempt_is_shown_to_analysts_once_also_when_the_store_was_away(
    out: Outgoing, migrated: Client
) -> None:
    attempts = Attempts(out.database)
    with receiving({"/hook": [NO, NO, Reply()]}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"))
        out.tell("n1", "n2")
        async with out.courier():
            await until(lambda: all(out.delivery(endpoint, each)[0].state == "delivered" for each in ("n1", "n2")))
    with pytest.raises(Unavailable):
        Mirror(attempts, Client("http://127.0.0.1:9")).tell()
    migrated.insert("webhook_deliveries", rows_of(attempts.untold()[:2]))
    mirror = Mirror(attempts, migrated)
    assert [mirror.tell(), mirror.tell(), len(attempts.untold())] == [4, 0, 0]
    found = migrated.within(analytics_of(migrated.database)).ask(
        "SELECT notice_id, attempt, verdict, status, endpoint_id, site_id, kind FROM webhook_deliveries ORDER BY notice_id, attempt"
    )
    kept = [
        (each, tried.number, tried.verdict, tried.status, endpoint.id, "shop", "alert.firing")
        for each in ("n1", "n2")
        for tried in out.delivery(endpoint, each)[1]
    ]
    assert sorted(str(status) for *_, status, _, _, _ in kept) == ["200", "200", "500", "500"]
    assert [tuple(row) for row in found.rows] == kept


@pytest.fixture
def lite(tmp_path: Path) -> Outgoing:
    return outgoing(tmp_path)


async def test_a_notice_is_posted_signed_and_recorded(out: Outgoing) -> None:
    with receiving({}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"), headers={"X-Token": "t"}, secret="whsec_" + "A" * 43 + "=")
        assert out.tell("n1", rule_name="Too slow", value=3) == 1
        assert out.tell("n1", rule_name="Too slow", value=3) == 0
        async with out.courier():
            await until(lambda: out.delivery(endpoint, "n1")[0].state == "delivered")

    [request] = receiver.got
    told = Webhook("whsec_" + "A" * 43 + "=").verify(request.body, dict(request.headers))
    assert told["id"] == "n1"
    assert told["event_type"] == "alert.firing"
    assert told["data"] == {"rule_name": "Too slow", "value": 3}
    assert request.headers["x-token"] == "t"
    assert request.headers["content-type"] == "application/json"
    delivery, [attempt] = out.delivery(endpoint, "n1")
    assert request.headers["webhook-id"] == delivery.id
    assert (attempt.number, attempt.status, attempt.verdict, attempt.answer, attempt.error) == (
        1,
        200,
        "delivered",
        "ok",
        "",
    )
    assert abs(attempt.at - now_ms()) < 30_000


async def test_a_receiver_that_fails_three_times_is_tried_by_the_schedule_and_signed_anew(out: Outgoing) -> None:
    with receiving({"/hook": [NO, NO, NO, Reply()]}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"))
        out.tell("n1")
        async with out.courier():
            await until(lambda: out.delivery(endpoint, "n1")[0].state == "delivered")

    times = [each.at for each in receiver.got]
    assert len(times) == 4
    for (earlier, later), gap in zip(itertools.pairwise(times), GAPS_S[1:4], strict=True):
        assert 0.8 * gap / FASTER - 0.01 <= later - earlier <= 1.2 * gap / FASTER + LEISURE_S
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
    _, attempts = out.delivery(endpoint, "n1")
    assert [(each.status, each.verdict) for each in attempts] == [(500, "again")] * 3 + [(200, "delivered")]
    assert [each.answer for each in attempts][:3] == ["not now"] * 3
    assert out.now(endpoint).failures == 0
    assert out.now(endpoint).failing_since is None


async def test_one_that_never_answers_is_dead_after_nine_attempts_once_and_may_be_redelivered(lite: Outgoing) -> None:
    pace = Pace(tuple(0.01 for _ in GAPS_S), poll_s=0.02)
    with receiving({"/hook": [NO] * 9 + [Reply()]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell("n1")
        async with lite.courier(pace):
            await until(lambda: lite.delivery(endpoint, "n1")[0].state == "dead")
            assert len(receiver.got) == 9
            assert lite.delivery(endpoint, "n1")[0].untold
            assert lite.store.deliveries.redeliver(endpoint, lite.delivery(endpoint, "n1")[0].id, now_ms()).tries == 0
            await until(lambda: lite.delivery(endpoint, "n1")[0].state == "delivered")

    _, attempts = lite.delivery(endpoint, "n1")
    assert [each.number for each in attempts] == list(range(1, 11))


@pytest.mark.parametrize(
    ("status", "state", "tried"), [(400, "dead", 1), (401, "dead", 1), (404, "dead", 1), (422, "dead", 1)]
)
async def test_what_is_refused_is_not_tried_again(lite: Outgoing, status: int, state: str, tried: int) -> None:
    with receiving({"/hook": [Reply(status)]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell("n1")
        async with lite.courier():
            await until(lambda: lite.delivery(endpoint, "n1")[0].state == state)

    assert len(receiver.got) == tried
    assert lite.now(endpoint).enabled


async def test_410_disables_and_what_waits_is_dead_until_it_is_asked_for(lite: Outgoing) -> None:
    with receiving({"/hook": [Reply(410), Reply()]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell("n1")
        async with lite.courier():
            await until(lambda: not lite.now(endpoint).enabled)
            assert "410" in (lite.now(endpoint).disabled_why or "")
            assert lite.now(endpoint).untold
            assert lite.tell("n2") == 0

    assert lite.delivery(endpoint, "n1")[0].state == "dead"
    assert len(receiver.got) == 1


async def test_retry_after_is_honoured_for_all_of_the_endpoint(lite: Outgoing) -> None:
    with receiving({"/hook": [Reply(429, {"retry-after": "1"}), Reply()]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell("n1")
        async with lite.courier():
            await until(lambda: lite.now(endpoint).blocked_until)
            lite.tell("n2")
            await until(lambda: lite.delivery(endpoint, "n1")[0].state == "delivered")
            await until(lambda: lite.delivery(endpoint, "n2")[0].state == "delivered")

    first, *others = [each.at for each in receiver.got]
    assert all(at - first >= 0.99 for at in others)


async def test_what_hangs_hangs_up_or_never_ends_is_recorded_as_it_was(lite: Outgoing) -> None:
    script: dict[str, Sequence[Behaviour]] = {
        "/hang": [HANG, Reply()],
        "/close": [CLOSE, Reply()],
        "/cut": [CUT],
        "/endless": [ENDLESS],
    }
    with receiving(script) as receiver:
        endpoints = {path: lite.endpoint(receiver.url(path)) for path in script}
        lite.tell("n1")
        async with lite.courier(total_s=1.0):
            for each in endpoints.values():
                await until(lambda each=each: lite.delivery(each, "n1")[0].state == "delivered")  # type: ignore[misc]

    said = {path: [(a.status, a.error) for a in lite.delivery(each, "n1")[1]] for path, each in endpoints.items()}
    assert said["/hang"] == [(None, "no answer within 1 s"), (200, "")]
    assert said["/close"][0][0] is None
    assert said["/close"][1] == (200, "")
    assert [status for status, _ in said["/cut"]] == [200]
    assert said["/endless"] == [(200, "")]
    assert len(lite.delivery(endpoints["/endless"], "n1")[1][0].answer) == 1_024
    assert receiver.sent < 2**25


async def test_a_slow_endpoint_delays_no_other(lite: Outgoing) -> None:
    with receiving({"/slow": [HANG]}) as receiver:
        lite.endpoint(receiver.url("/slow"))
        quick = lite.endpoint(receiver.url("/quick"))
        lite.tell(*(f"n{number}" for number in range(20)))
        begun = time.monotonic()
        async with lite.courier(total_s=4.0):
            await until(lambda: len(receiver.at("/quick")) == 20)
            taken_s = time.monotonic() - begun
            slow = len(receiver.at("/slow"))
            await until(lambda: lite.delivery(quick, "n19")[0].state == "delivered")

    assert slow == 4
    assert taken_s < 4.0


async def test_what_fails_and_fails_is_left_alone_and_tried_by_one(lite: Outgoing) -> None:
    health = Health(5, lambda failures: 0.4 if failures >= 10 else 0.0)
    with receiving({"/hook": [NO] * 12 + [Reply()]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell(*(f"n{number}" for number in range(20)))
        async with lite.courier(health=health):
            await until(lambda: lite.now(endpoint).failures == 10)
            assert lite.now(endpoint).blocked_until > now_ms()
            await until(lambda: len({each.headers["webhook-id"] for each in receiver.got[12:]}) == 20)
            await until(lambda: lite.now(endpoint).failures == 0)

    times = [each.at for each in receiver.got]
    alone = [later - earlier for earlier, later in itertools.pairwise(times[9:13])]
    assert all(gap >= 0.39 for gap in alone[-2:]), alone


async def test_days_of_nothing_but_failures_disable(lite: Outgoing) -> None:
    with receiving({"/hook": [NO]}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"))
        lite.tell("n1", "n2")
        async with lite.courier(health=Health(0.2 / 86_400)):
            await until(lambda: not lite.now(endpoint).enabled)

    assert "nothing but failures" in (lite.now(endpoint).disabled_why or "")
    assert {lite.delivery(endpoint, each)[0].state for each in ("n1", "n2")} == {"dead"}


async def test_several_couriers_deliver_each_once(out: Outgoing) -> None:
    with receiving({}) as receiver:
        endpoints = [out.endpoint(receiver.url(f"/{number}")) for number in range(4)]
        out.tell(*(f"n{number}" for number in range(10)))
        async with out.courier(name="one"), out.courier(name="two"), out.courier(name="three"):
            await until(lambda: len(receiver.got) >= 40)
            await until(lambda: all(out.delivery(each, "n9")[0].state == "delivered" for each in endpoints))
            await asyncio.sleep(0.2)

    assert len(receiver.got) == 40
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 40


async def test_what_a_dead_process_had_taken_is_tried_again_and_the_lost_attempt_is_recorded(out: Outgoing) -> None:
    with receiving({}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"))
        out.tell("n1", "n2")
        assert len(out.dispatch.take([(endpoint.id, 1)], now_ms(), 300, "another")) == 1
        assert len(out.dispatch.take([(endpoint.id, 1)], now_ms(), 60_000, "test")) == 1
        async with out.courier():
            for notice in ("n1", "n2"):
                await until(lambda notice=notice: out.delivery(endpoint, notice)[0].state == "delivered")  # type: ignore[misc]

    for notice in ("n1", "n2"):
        assert [each.verdict for each in out.delivery(endpoint, notice)[1]] == [INTERRUPTED, "delivered"]
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("template", "state"), [("pagerduty", "overtaken"), ("opsgenie", "overtaken"), ("json", "delivered")]
)
async def test_what_is_over_is_not_opened_again(lite: Outgoing, template: str, state: str) -> None:
    with receiving({}) as receiver:
        endpoint = lite.endpoint(receiver.url("/hook"), template=template)
        lite.tell("late", rule_id="r", group="AT", window={"end": 1})
        lite.tell("other", rule_id="r", group="DE", window={"end": 1})
        lite.tell("end", kind="alert.resolved", rule_id="r", group="AT", window={"end": 2})
        end = lite.delivery(endpoint, "end")[0]
        with lite.database.write() as session:
            session.get_one(Delivery, end.id).state = "delivered"
        lite.tell("again", rule_id="r", group="AT", window={"end": 3})
        async with lite.courier():
            for notice in ("other", "again"):
                await until(lambda notice=notice: lite.delivery(endpoint, notice)[0].state == "delivered")  # type: ignore[misc]
            await until(lambda: lite.delivery(endpoint, "late")[0].state == state)

    assert len(receiver.got) == (2 if state == "overtaken" else 3)


async def test_a_question_names_a_thousand_deliveries_however_many_are_written(lite: Outgoing) -> None:
    asked: list[int] = []
    for number in range(MOST):
        lite.endpoint(f"https://8.8.8.8/{number}")
    with lite.database.read() as session:
        engine = session.get_bind().engine

    @event.listens_for(engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, parameters: Sequence[object], *___: object) -> None:
        if statement.startswith("SELECT deliveries"):
            asked.append(len(parameters))

    ids = [f"n{number}" for number in range(11)]
    assert (lite.tell(*ids), lite.tell(*ids)) == (1_100, 0)
    assert asked == [1_000, 100] * 2


async def test_a_site_has_a_hundred_webhooks_and_no_more(lite: Outgoing) -> None:
    for number in range(MOST):
        lite.endpoint(f"https://8.8.8.8/{number}")
    with pytest.raises(Conflict, match="100 webhooks"):
        lite.endpoint("https://8.8.8.8/more")
    assert lite.endpoint("https://8.8.8.8/", site="rival").site == "rival"


async def test_during_a_rotation_both_secrets_sign(lite: Outgoing) -> None:
    with receiving({}) as receiver:
        old = "whsec_" + "B" * 43 + "="
        endpoint = lite.endpoint(receiver.url("/hook"), secret=old)
        new = lite.store.endpoints.rotate("shop", None, endpoint.id, lite.seal, now_ms(), 60_000).secret
        lite.tell("n1")
        async with lite.courier():
            await until(lambda: lite.delivery(endpoint, "n1")[0].state == "delivered")
            lite.store.endpoints.rotate("shop", None, endpoint.id, lite.seal, now_ms(), 0)
            lite.tell("n2")
            await until(lambda: lite.delivery(endpoint, "n2")[0].state == "delivered")

    first, second = receiver.got
    for secret in (old, new):
        assert json.loads(first.body) == Webhook(secret).verify(first.body, dict(first.headers))
    assert len(second.headers["webhook-signature"].split()) == 1
