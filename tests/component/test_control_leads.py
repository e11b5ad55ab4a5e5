"""Leads in a real SQLite and a real PostgreSQL: with one that is forgotten all that is told of it goes."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import delete

from api.control.dispatch import Dispatch, Heard
from api.control.endpoints import NewEndpoint
from api.control.leads import Lead, NewLead
from api.control.leadtold import notice_of
from api.control.outgoing import Endpoint
from api.control.seal import LEADS, Seal
from pulse.errors import NotFound
from pulse.leads.notice import CREATED, FORWARDED, id_of
from pulse.leads.personal import Personal
from pulse.notice import Notice
from tests.delivering import SECRET, Outgoing, outgoing

NOW = 1_790_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outgoing]:
    """A database with the sites shop and rival."""
    if request.param == "sqlite":
        yield outgoing(tmp_path)
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        made = outgoing(tmp_path, f"{server.rpartition('/')[0]}/{name}")
        yield made
        made.store.close()
        made.database.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def kept(out: Outgoing, lead_id: str) -> Lead:
    """A lead of the shop."""
    new = NewLead(lead_id, "shop", NOW, "f", "/p", "s", "v", True, False, 1.5, Personal("Ada"))
    out.store.leads.keep(new, Seal(SECRET, LEADS), SECRET)
    return out.store.leads.get("shop", "shop", lead_id)


def told(lead: Lead, kind: str = CREATED, more: str = "") -> Notice:
    """What is told of it."""
    return notice_of(lead, f"{id_of(lead.id)}{more}", kind, 5, {}, "low")


def waiting(out: Outgoing, endpoint: Endpoint) -> set[str]:
    """The notices that wait for an endpoint."""
    return {each.notice for each in out.store.deliveries.list(endpoint.id, None, 99)}


def test_nothing_is_told_of_a_lead_that_is_forgotten_whenever_that_is(out: Outgoing) -> None:
    wanted = NewEndpoint("shop", "shop", "crm", "https://crm.example", ["lead"], "json")
    endpoint, dispatch = out.store.endpoints.create(wanted, out.seal, NOW).stored, Dispatch(out.database)
    lead, other = (kept(out, f"0199c0de-7a1c-7d3e-9a77-3b1f00c0ff{end}") for end in ("ee", "ef"))
    for each in (lead, other):
        assert dispatch.write([Heard(told(each), NOW)], NOW) == 1
        for digits in ("0" * 32, "f" * 32):
            out.store.deliveries.ask(endpoint, told(each, FORWARDED, f"-{digits}"), NOW)
    out.store.leads.delete("shop", "shop", lead.id)
    assert waiting(out, endpoint) == {told(other, more=more).id for more in ("", f"-{'0' * 32}", f"-{'f' * 32}")}
    assert dispatch.write([Heard(told(lead), NOW)], NOW) == 0
    with pytest.raises(NotFound):
        out.store.deliveries.ask(endpoint, told(lead, FORWARDED, "-1"), NOW)
    with out.database.write() as session:
        session.execute(delete(Lead))
    assert dispatch.take([(endpoint.id, 9)], NOW, 20_000, "test") == []
    assert waiting(out, endpoint) == set()
