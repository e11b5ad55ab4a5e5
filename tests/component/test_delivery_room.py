"""What one has under way harms nobody else, and is sent once however long the database is away."""

import time
from pathlib import Path

import pytest
from sqlalchemy import text

from api.control.outgoing import Delivery, Endpoint
from api.delivery.courier import Pace
from api.delivery.post import MAILED_AT_ONCE
from tests.component.test_delivery_smtp import serving
from tests.delivering import FAST, Outgoing, now_ms, outgoing, until
from tests.receiving import HANG, receiving

AWAY = """CREATE TRIGGER away BEFORE INSERT ON delivery_attempts WHEN NEW.verdict = 'delivered'
BEGIN SELECT RAISE(ABORT, 'away'); END"""


@pytest.fixture
def out(tmp_path: Path) -> Outgoing:
    return outgoing(tmp_path)


async def test_what_is_not_recorded_yet_is_not_sent_again_when_its_lease_is_over(out: Outgoing) -> None:
    pace = Pace(FAST.gaps_s, lease_ms=300, poll_s=0.05)
    with receiving({}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"))
        _run(out, AWAY)
        out.tell("n1")
        async with out.courier(pace):
            await until(lambda: receiver.got and out.delivery(endpoint, "n1")[0].due < now_ms() - 1_000)
            _run(out, "DROP TRIGGER away")
            await until(lambda: out.delivery(endpoint, "n1")[0].state == "delivered")

    assert len(receiver.got) == 1
    assert [each.verdict for each in out.delivery(endpoint, "n1")[1]] == ["delivered"]


async def test_a_mail_server_that_hangs_holds_up_no_call_and_no_more_mails_than_threads(out: Outgoing) -> None:
    ids = [f"n{number}" for number in range(4)]
    with receiving({}) as receiver:
        mailed = [out.endpoint("mailto:ops@example.org", site) for site in ("shop", "rival") for _ in range(12)]
        out.tell(*ids)
        out.tell(*ids, site="rival")
        with serving() as server:
            server.answers["EHLO"] = ""
            async with out.courier(Pace(FAST.gaps_s, poll_s=0.05, most=40), smtp_url=f"smtp://127.0.0.1:{server.port}"):
                await until(lambda: len(server.connections) >= 20)
                called = out.endpoint(receiver.url("/hook"))
                out.tell("n9")
                await until(lambda: out.delivery(called, "n9")[0].state == "delivered")
                assert _begun(out, mailed) == len(server.connections) < MAILED_AT_ONCE
                assert not any(out.delivery(each, ids[0])[1] for each in mailed)
                server.close()


async def test_slow_endpoints_of_one_organisation_leave_room_for_the_others(out: Outgoing) -> None:
    with receiving({f"/slow{number}": [HANG] for number in range(15)}) as receiver:
        slow = [out.endpoint(receiver.url(f"/slow{number}")) for number in range(15)]
        quick = out.endpoint(receiver.url("/quick"), "rival")
        out.tell(*(f"n{number}" for number in range(4)))
        async with out.courier(Pace(FAST.gaps_s, poll_s=0.05, most=20), total_s=5.0):
            await until(lambda: len(receiver.got) >= 10)
            begun = time.monotonic()
            out.tell("r1", site="rival")
            await until(lambda: out.delivery(quick, "r1")[0].state == "delivered")
            taken_s = time.monotonic() - begun
            assert _begun(out, slow) == 10

    assert taken_s < 3.0


def _run(out: Outgoing, statement: str) -> None:
    with out.database.write() as session:
        session.execute(text(statement))


def _begun(out: Outgoing, endpoints: list[Endpoint]) -> int:
    """How many deliveries are taken."""
    with out.database.read() as session:
        taken = session.query(Delivery).where(Delivery.taken_by.is_not(None))
        return taken.where(Delivery.endpoint.in_([each.id for each in endpoints])).count()
