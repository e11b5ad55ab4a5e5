"""Sites and keys in a real SQLite and a real PostgreSQL."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import inspect, text

from api.control import bootstrap, credential, database
from api.control.corrections import Wanted as Correction
from api.control.keys import USE_NOTED_MS, Made, NewKey
from api.control.leads import NewLead, Wanted, personal_of
from api.control.migrate import migrate
from api.control.model import Base
from api.control.resolutions import Said
from api.control.seal import LEADS, Seal
from api.control.store import Store
from pulse.errors import Conflict, NotFound, SettingError, Unavailable
from pulse.leads.personal import Personal

SECRET = b"a long text that only this test knows"
NOW = 1_790_000_000_000
MINUTE = 60_000
READER = NewKey("ours", "shop", "reader", ("stats:read",))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'pulse.db'}"
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{server.rpartition('/')[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with two organisations and a site of each."""
    migrate(url)
    made = Store(url)
    for organisation, site in (("ours", "shop"), ("theirs", "rival")):
        made.sites.ensure_organisation(organisation, organisation, NOW)
        made.sites.create(organisation, site, {"name": site.title()}, NOW)
    yield made
    made.close()


def find(store: Store, made: Made, now: int = NOW) -> str | None:
    """The id of the key that a presented key is known as."""
    found = store.keys.verified(made.stored.fingerprint, made.presented, now, now + MINUTE)
    return None if found is None else found.id


def test_migrations_make_the_tables_that_the_code_knows_and_may_be_repeated(url: str) -> None:
    for _ in range(2):
        migrate(url)
    engine = database.engine(url)
    found = inspect(engine)

    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == set(table.columns.keys())
        assert {n for n, c in columns.items() if c["nullable"]} == {c.name for c in table.columns if c.nullable}
        assert {i["name"] for i in found.get_indexes(table.name)} >= {i.name for i in table.indexes}
    engine.dispose()


def test_the_database_knows_its_version(url: str) -> None:
    migrate(url)
    engine = database.engine(url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0011"
    engine.dispose()


def test_two_may_migrate_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [url] * 4)) == [None] * 4


def test_a_database_without_tables_is_unavailable(url: str) -> None:
    database.make_folder(url)
    store = Store(url)

    with pytest.raises(Unavailable):
        store.ping()
    store.close()


def test_a_database_that_is_away_is_unavailable() -> None:
    store = Store("postgresql://pulse@127.0.0.1:1/pulse")

    with pytest.raises(Unavailable, match="does not answer"):
        store.ping()
    store.close()


def test_the_file_of_sqlite_is_its_owners_alone_and_is_written_ahead(tmp_path: Path) -> None:
    file = tmp_path / "pulse.db"
    migrate(f"sqlite:///{file}")
    engine = database.engine(f"sqlite:///{file}")

    assert file.stat().st_mode & 0o777 == 0o600
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_a_site_is_made_changed_and_archived(store: Store) -> None:
    made = store.sites.create("ours", "blog", {"name": "Blog", "timezone": "Europe/Vienna"}, NOW)
    assert (made.id, made.timezone, made.settings, made.archived) == ("blog", "Europe/Vienna", {}, None)

    store.sites.change("ours", "blog", {"settings": {"retention": 30}, "id": "another", "organisation": "theirs"})
    found = store.sites.get("ours", "blog")
    assert (found.name, found.settings, found.organisation) == ("Blog", {"retention": 30}, "ours")

    store.sites.archive("ours", "blog", NOW + 5)
    with pytest.raises(NotFound):
        store.sites.get("ours", "blog")
    assert [site.id for site in store.sites.list("ours", 10)] == ["shop"]


def test_an_id_is_taken_for_ever_and_for_all(store: Store) -> None:
    store.sites.archive("theirs", "rival", NOW)

    with pytest.raises(Conflict):
        store.sites.create("ours", "rival", {"name": "Mine now"}, NOW)


def test_nobody_sees_or_changes_what_is_anothers(store: Store) -> None:
    key = store.keys.create(READER, SECRET, NOW).stored

    for attempt in (
        lambda: store.sites.get("theirs", "shop"),
        lambda: store.sites.change("theirs", "shop", {"name": "x"}),
        lambda: store.sites.archive("theirs", "shop", NOW),
        lambda: store.keys.get("theirs", None, key.id),
        lambda: store.keys.get("ours", "blog", key.id),
        lambda: store.keys.revoke("theirs", None, key.id, NOW),
        lambda: store.keys.rotate("theirs", None, key.id, SECRET, NOW, 0),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [site.id for site in store.sites.list("theirs", 10)] == ["rival"]
    assert store.keys.list("theirs", None, 10) == []


def test_lists_go_on_where_they_ended(store: Store) -> None:
    for number in range(5):
        store.sites.create("ours", f"s{number}", {"name": "x"}, NOW)

    first = store.sites.list("ours", 4)
    rest = store.sites.list("ours", 4, first[-1].id)

    assert [site.id for site in (*first, *rest)] == ["s0", "s1", "s2", "s3", "s4", "shop"]


def test_a_key_is_found_by_itself_alone(store: Store) -> None:
    made = store.keys.create(READER, SECRET, NOW)
    other = store.keys.create(READER, SECRET, NOW)
    forged = credential.make(public=False)

    assert find(store, made) == made.stored.id
    assert find(store, other) == other.stored.id
    assert store.keys.verified(made.stored.fingerprint, forged, NOW, NOW + MINUTE) is None
    assert store.keys.verified(credential.fingerprint(SECRET, forged), forged, NOW, NOW + MINUTE) is None


def test_nothing_in_the_database_shows_a_key(store: Store, url: str) -> None:
    made = store.keys.create(READER, SECRET, NOW)
    engine = database.engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for table in Base.metadata.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()

    assert made.presented not in str(rows)
    assert made.presented[len(made.stored.prefix) :] not in str(rows)
    assert SECRET.decode() not in str(rows)


def test_a_revoked_key_is_not_found_again(store: Store) -> None:
    made = store.keys.create(READER, SECRET, NOW)
    store.keys.revoke("ours", "shop", made.stored.id, NOW)
    store.keys.revoke("ours", "shop", made.stored.id, NOW + 5)

    assert find(store, made) is None
    assert store.keys.get("ours", None, made.stored.id).revoked == NOW


def test_a_key_ends_when_it_is_said_to_and_is_not_believed_beyond(store: Store) -> None:
    ending = NewKey("ours", "shop", "x", ("stats:read",), expires=NOW + 10_000)
    made = store.keys.create(ending, SECRET, NOW)
    known = store.keys.verified(made.stored.fingerprint, made.presented, NOW, NOW + MINUTE)

    assert known is not None
    assert known.until == NOW + 10_000
    assert find(store, made, NOW + 10_000) is None


def test_a_key_of_an_archived_site_ends(store: Store) -> None:
    made = store.keys.create(READER, SECRET, NOW)
    store.sites.archive("ours", "shop", NOW)

    assert find(store, made) is None


def test_rotation_keeps_both_for_a_while(store: Store) -> None:
    old = store.keys.create(READER, SECRET, NOW)
    new = store.keys.rotate("ours", "shop", old.stored.id, SECRET, NOW, 10 * MINUTE)

    assert new.presented != old.presented
    assert (new.stored.site, new.stored.scopes, new.stored.name) == ("shop", ["stats:read"], "reader")
    assert find(store, old, NOW + 9 * MINUTE) == old.stored.id
    assert find(store, old, NOW + 10 * MINUTE) is None
    assert find(store, new, NOW + 10 * MINUTE) == new.stored.id
    with pytest.raises(NotFound):
        store.keys.rotate("ours", "shop", old.stored.id, SECRET, NOW + 10 * MINUTE, 0)


def test_use_is_noted_once_a_minute(store: Store) -> None:
    key = store.keys.create(READER, SECRET, NOW).stored
    noted = []
    for moment in (NOW, NOW + 1, NOW + USE_NOTED_MS - 1, NOW + USE_NOTED_MS):
        store.keys.touch(key.id, moment)
        noted.append(store.keys.get("ours", None, key.id).last_used)

    assert noted == [NOW, NOW, NOW, NOW + USE_NOTED_MS]


def test_a_key_belongs_to_a_site_that_exists(store: Store) -> None:
    with pytest.raises(Conflict):
        store.keys.create(NewKey("ours", "nowhere", "x", ("stats:read",)), SECRET, NOW)


def test_changes_at_the_same_time_are_all_kept_or_refused(store: Store) -> None:
    def change(number: int) -> bool:
        try:
            store.sites.change("ours", "shop", {"name": f"name {number}"})
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(change, range(20)))

    assert made >= 1
    assert store.sites.get("ours", "shop").version == 1 + made


def test_what_is_said_of_faults_at_the_same_time_is_all_noted_and_the_same_once(store: Store) -> None:
    def say(number: int) -> tuple[str, int]:
        said = Said("shop", f"{number % 4:016x}", True, "2.4", "a null check", "reader")
        made = store.resolutions.add(said, NOW)
        return made.id, made.at

    with ThreadPoolExecutor(8) as pool:
        noted = list(pool.map(say, range(16)))
    assert [noted[n] for n in range(16)] == [noted[n % 4] for n in range(16)]
    assert sorted(at for _, at in set(noted)) == [NOW, NOW + 1, NOW + 2, NOW + 3]
    again = store.resolutions.add(Said("shop", f"{0:016x}", True, "2.4", "a null check", "reader"), NOW + 9)
    assert again.at == NOW + 9
    opened = [store.resolutions.add(Said("shop", f"{0:016x}", False, "", "", "reader"), NOW + 9).id for _ in range(2)]
    assert opened[0] == opened[1]


def test_corrections_at_the_same_time_are_all_noted(store: Store) -> None:
    wanted = [Correction("shop", f"v{number}", "ada", True, "", "reader") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        noted = list(pool.map(lambda each: store.corrections.add(each, NOW).at, wanted))
    assert sorted(noted) == [NOW + number for number in range(8)]


def test_each_save_is_told_once_it_is_stored(url: str) -> None:
    migrate(url)
    told: list[str] = []
    store = Store(url, told.append)
    store.sites.ensure_organisation("ours", "Ours", NOW)
    store.sites.create("ours", "shop", {"name": "Shop"}, NOW)
    made = store.keys.create(READER, SECRET, NOW)
    store.keys.touch(made.stored.id, NOW)
    with pytest.raises(Conflict):
        store.sites.create("ours", "shop", {"name": "Again"}, NOW)
    new = store.keys.rotate("ours", "shop", made.stored.id, SECRET, NOW, MINUTE)
    store.sites.archive("ours", "shop", NOW)

    old, fresh = f"key:{made.stored.id}", f"key:{new.stored.id}"
    assert told == ["site:shop", old, *sorted([old, fresh]), "site:shop"]
    assert sorted(store.names()) == sorted(["site:shop", old, fresh])
    store.close()


def test_what_is_told_of_a_key_gives_nothing_away(store: Store) -> None:
    made = store.keys.create(READER, SECRET, NOW)
    record = store.record(f"key:{made.stored.id}")

    assert record is not None
    assert record["scopes"] == ["stats:read"]
    for secret in (made.presented, made.stored.prefix, made.stored.fingerprint, made.stored.hashed):
        assert secret not in str(record)
    assert store.record("key:nothing") is None


def test_first_keys_are_made_once_and_stored_again_where_they_are_missing(tmp_path: Path, url: str) -> None:
    migrate(url)
    store = Store(url)
    made = [bootstrap.bootstrap(store, tmp_path, SECRET, NOW) for _ in range(3)]
    keys = made[0]

    assert made == [keys] * 3
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert len(store.keys.every()) == 3
    assert keys.admin_key not in repr(keys)

    admin = store.keys.verified(credential.fingerprint(SECRET, keys.admin_key), keys.admin_key, NOW, NOW + MINUTE)
    page = store.keys.verified(credential.fingerprint(SECRET, keys.site_key), keys.site_key, NOW, NOW + MINUTE)
    assert admin is not None
    assert page is not None
    assert (admin.site_id, admin.scopes) == (None, ["admin", "stats:read"])
    assert (page.site_id, page.scopes, page.origins, page.public) == ("main", ["events:write"], ["*"], True)
    store.close()


def test_first_keys_that_were_revoked_stay_so(tmp_path: Path, store: Store) -> None:
    keys = bootstrap.bootstrap(store, tmp_path, SECRET, NOW)
    fingerprint = credential.fingerprint(SECRET, keys.secret_key)
    (stored,) = [key for key in store.keys.every() if key.fingerprint == fingerprint]
    store.keys.revoke("default", None, stored.id, NOW)
    bootstrap.bootstrap(store, tmp_path, SECRET, NOW)

    assert store.keys.verified(fingerprint, keys.secret_key, NOW, NOW + MINUTE) is None


def test_first_keys_made_by_two_at_once_are_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({str(keys.admin_key) for keys in pool.map(bootstrap.first_keys, [tmp_path] * 16)}) == 1


def test_a_broken_file_of_first_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")

    with pytest.raises(SettingError, match=r"keys\.json"):
        bootstrap.first_keys(tmp_path)


def test_verifying_a_key_is_slow_on_purpose() -> None:
    hashed = credential.slow_hash(credential.make(public=False))
    began = time.perf_counter()
    credential.verify(credential.make(public=False), hashed)

    assert time.perf_counter() - began > 0.005


def test_a_lead_is_the_first_of_its_id_on_its_site_however_often_and_at_once_it_comes(store: Store) -> None:
    seal, lead_id = Seal(SECRET, LEADS), str(uuid4())

    def keep(number: int, site: str = "shop") -> bool:
        person = Personal("Ada \0", "ada@example.org", message="é\n\u2028")
        lead = NewLead(lead_id, site, NOW + number, "f", "/p", "s", "v", True, False, 1.5, person)
        return store.leads.keep(lead, seal, SECRET)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(keep, range(8))) == 1
    other = NewLead(lead_id, "shop", NOW, "f", "/p", "s", "v", True, False, 1.5, Personal("Bob"))
    with pytest.raises(Conflict):
        store.leads.keep(other, seal, SECRET)
    assert keep(9, "rival")
    (ours,) = store.leads.list("ours", None, Wanted(), 9)
    (theirs,) = store.leads.list("theirs", "rival", Wanted(since=NOW, until=NOW + 10, before=(NOW + 9, "z")), 9)
    assert personal_of(ours, seal).message == "é\n\u2028"
    assert store.leads.alike(ours, 0) == 1
    assert [lead.site for lead, _ in store.leads.unjudged(9)] == ["shop", "rival"]
    for suspicion in (5, 90):
        store.leads.judge(ours, suspicion, {"VPN": suspicion}, "low", NOW)
    assert store.leads.get("ours", "shop", lead_id).reasons == {"VPN": 5}
    with pytest.raises(NotFound):
        store.leads.delete("theirs", "shop", lead_id)
    with pytest.raises(NotFound):
        keep(1, "nowhere")
    with pytest.raises(SettingError):
        personal_of(theirs, Seal(b"another", LEADS))
    assert store.leads.clean(NOW + 9) == 1
    assert [lead.site for lead, _ in store.leads.unjudged(9)] == ["rival"]
