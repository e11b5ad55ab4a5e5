"""Who goes on being sent what happens, over a real database of sites and keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.control.store import Store
from api.live.client import UNAUTHORIZED, Admitted, Audience, Client
from api.live.live import Live, now_ms
from api.live.message import Message
from api.live.want import Want
from tests.living import TOKEN_KEY, token
from tests.querying import populated, settings_of


class Ended(Client):
    """Notes how it ends."""

    code = 0

    def put(self, message: Message) -> None:
        return None

    def beat(self, message: Message) -> None:
        return None

    async def room(self) -> bool:
        return True

    def end(self, code: int, reason: str) -> None:
        self.code = code


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    (tmp_path / "pulse.db").write_bytes(populated()[0])
    made = Live(settings_of(tmp_path, live_jwt_key=TOKEN_KEY))
    made.begin()
    yield made
    await made.close()


async def admitted(live: Live, key: str, site: str) -> Admitted:
    presented = populated()[2][key]
    return await live.admission.admit({"x-api-key": presented}, Want(site_id=site))


async def test_a_key_that_is_revoked_ends_its_connections_and_no_others(live: Live, tmp_path: Path) -> None:
    clients = {key: Ended() for key in ("reader", "admin")}
    for key, client in clients.items():
        client.admitted = await admitted(live, key, "shop")
        live.add(client)
    store = Store(f"sqlite:///{tmp_path}/pulse.db")
    await live.check(now_ms())
    assert {client.code for client in clients.values()} == {0}
    store.keys.revoke("ours", "shop", populated()[1]["reader"], now_ms() - 1)
    await live.check(now_ms())
    assert (clients["reader"].code, clients["admin"].code) == (UNAUTHORIZED, 0)
    store.sites.archive("ours", "shop", now_ms())
    await live.check(now_ms())
    assert clients["admin"].code == UNAUTHORIZED
    store.close()


async def test_a_token_ends_by_itself_and_with_its_site(live: Live, tmp_path: Path) -> None:
    short, long = Ended(), Ended()
    for client, seconds in ((short, 60), (long, 600)):
        client.admitted = await live.admission.admit({"authorization": f"Bearer {token('shop', seconds)}"}, Want())
        live.add(client)
    await live.check(now_ms())
    assert (short.code, long.code) == (0, 0)
    await live.check(now_ms() + 120_000)
    assert (short.code, long.code) == (UNAUTHORIZED, 0)
    store = Store(f"sqlite:///{tmp_path}/pulse.db")
    store.sites.archive("ours", "shop", now_ms())
    store.close()
    await live.check(now_ms())
    assert long.code == UNAUTHORIZED


async def test_a_ticket_ends_with_its_key(live: Live, tmp_path: Path) -> None:
    key = await live.admission.key({"x-api-key": populated()[2]["reader"]})
    ticket, is_shared = await live.tickets.make(key)
    assert not is_shared
    found = await live.admission.admit({}, Want(ticket=ticket))
    assert found.site == "shop"
    store = Store(f"sqlite:///{tmp_path}/pulse.db")
    store.keys.revoke("ours", "shop", key.id, now_ms() - 1)
    store.close()
    assert not await live.admission.still(found.key, found.site, now_ms())


def test_audiences_that_want_the_same_are_one() -> None:
    one, other = Want(event=["a", "b"], country=["at"]), Want(event=["b", "a"], country=["AT"])
    assert Audience("shop", one.shows(), one.rule()) == Audience("shop", other.shows(), other.rule())
