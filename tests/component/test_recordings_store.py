"""The store of recordings: two backends, one suite; many writers at once, over midnight, ninety days, forgetting."""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from msgspec import json
from obstore.store import LocalStore, MemoryStore

from pulse.errors import NotFound, SettingError, TooCostly, Unavailable
from pulse.recordings.keeping import forget, forget_session, oldest_kept, prune, sweep
from pulse.recordings.layout import day_of, folder_of_day
from pulse.recordings.reading import MOST_BYTES, days, session, sessions, whole
from pulse.recordings.store import Named, Objects, opened
from pulse.settings import Settings
from streams.recordings.gathered import Gathered
from streams.recordings.nightly import Nightly
from streams.recordings.take import take
from streams.recordings.write import Writer
from tests.recordings import Line, moment, put, recorded, visit

NIGHT = moment("2026-06-15 03:00:00")
WRITERS = 50


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    if request.param == "memory":
        yield Objects(MemoryStore())
    else:
        yield Objects(LocalStore(tmp_path / "recordings", automatic_cleanup=True, mkdir=True))


def _written(objects: Objects, lines: list[Line]) -> None:
    gathered = Gathered()
    gathered.add(take(b"".join(json.encode(line) + b"\n" for line in lines)).seen, date(2000, 1, 1))
    writer = Writer(objects)
    writer.write(gathered)
    writer.close()


def test_put_list_get_delete(objects: Objects) -> None:
    objects.put("a/b/one.json", b"1")
    objects.put("a/b/one.json", b"12")
    objects.put("a/c/two.json", b"222")
    assert objects.get("a/b/one.json") == b"12"
    assert sorted(objects.names("a")) == [Named("a/b/one.json", 2), Named("a/c/two.json", 3)]
    assert list(objects.names("nothing")) == []
    assert (objects.folders("a"), objects.folders("a/b"), objects.folders("nothing")) == (["b", "c"], [], [])
    objects.delete(["a/b/one.json", "a/b/never.json"])
    assert list(objects.names("a")) == [Named("a/c/two.json", 3)]
    with pytest.raises(NotFound):
        objects.get("a/b/one.json")


def test_what_is_written_once_stays(objects: Objects) -> None:
    assert objects.put_once("meta.json", b"first")
    assert not objects.put_once("meta.json", b"second")
    assert objects.get("meta.json") == b"first"


def test_of_fifty_writers_at_once_nothing_is_lost(objects: Objects) -> None:
    begin = NIGHT - 3_600_000
    visits = {number: visit(number, begin, events=40) for number in range(10)}

    def write(number: int) -> None:
        chance = random.Random(number)
        for lines in visits.values():
            mine = lines[number % 40 : number % 40 + 1] + chance.sample(lines, 5)
            _written(objects, mine)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    for number, lines in visits.items():
        found = session(objects, "shop", f"s{number}")
        assert [each.event_id for each in found] == [line["event_id"] for line in lines]


def test_the_same_written_again_takes_no_more_room(objects: Objects) -> None:
    lines = visit(1, NIGHT, events=12)
    _written(objects, lines)
    before = sorted(objects.names("sessions"))
    _written(objects, lines)
    assert sorted(objects.names("sessions")) == before
    assert len(before) == 2


def test_out_of_order_writes_come_back_in_order_and_repeated_events_once(objects: Objects) -> None:
    lines = visit(1, NIGHT, events=30)
    for number in random.Random(4).sample(range(30), 30):
        _written(objects, lines[number : number + 3])
    found = session(objects, "shop", "s1")
    assert [each.event_id for each in found] == [line["event_id"] for line in lines]


def test_a_session_over_midnight_is_whole_and_listed_once(objects: Objects) -> None:
    lines = visit(1, moment("2026-06-14 23:59:30"), events=60)
    before, after = visit(2, moment("2026-06-14 08:00:00")), visit(3, moment("2026-06-15 00:10:00"))
    _written(objects, [*lines, *before, *after])
    assert [f"{day}" for day in days(objects)] == ["2026-06-15", "2026-06-14"]
    assert [each.event_id for each in session(objects, "shop", "s1")] == [line["event_id"] for line in lines]
    listed = sessions(objects, "shop", None, 0, 10)
    assert [each.meta.session_id for each in listed] == ["s3", "s1", "s2"]
    assert (listed[1].span.first, listed[1].span.last) == (lines[0]["ts"], lines[-1]["ts"])
    assert listed[1].meta.started_at == lines[0]["ts"]


def test_sessions_are_listed_by_visitor_in_pages_and_of_one_site(objects: Objects) -> None:
    for number in range(25):
        for site in ("shop", "rival"):
            day = NIGHT - number * 7_200_000
            lines = visit(number, day, events=3, visitor_id=f"v{number % 2}", site_id=site)
            _written(objects, lines)
    wanted = [f"s{number}" for number in range(25)]
    pages = [sessions(objects, "shop", None, offset, 10) for offset in (0, 10, 20, 30)]
    assert [each.meta.session_id for page in pages for each in page] == wanted
    assert [each.meta.session_id for each in sessions(objects, "shop", "v1", 2, 3)] == wanted[1::2][2:5]
    assert sessions(objects, "nowhere", None, 0, 10) == []
    assert {each.meta.site_id for each in sessions(objects, "rival", None, 0, 50)} == {"rival"}


@pytest.mark.parametrize("named", ["../../secret", "a/b", "größe", "x" * 200, ".", "..", "s1 "])
def test_a_session_may_be_called_anything(objects: Objects, named: str) -> None:
    _written(objects, visit(1, NIGHT, session_id=named))
    assert len(session(objects, "shop", named)) == 10
    assert [each.meta.session_id for each in sessions(objects, "shop", None, 0, 10)] == [named]
    assert all(each.name.startswith("sessions/2026/06/15/shop/") for each in objects.names(""))


def test_after_one_run_what_is_older_than_ninety_days_is_gone_and_nothing_younger(objects: Objects) -> None:
    today = day_of(NIGHT)
    for back in (0, 1, 89, 90, 91, 92, 400):
        begin = moment(f"{today - timedelta(days=back)} 12:00:00")
        put(objects, "shop", [recorded(line) for line in visit(back, begin)])
    objects.put("sessions/about.txt", b"none of ours")
    done = prune(objects, oldest_kept(NIGHT, 90))
    assert [(today - day).days for day in days(objects)] == [0, 1, 89, 90]
    assert (done.gone, done.left) == (6, 8)
    assert objects.get("sessions/about.txt")
    assert prune(objects, oldest_kept(NIGHT, 90)).gone == 0


def test_the_nightly_run_is_at_three_and_once(objects: Objects) -> None:
    old, young = NIGHT - 91 * 86_400_000, NIGHT - 86_400_000
    now = [NIGHT - 1]
    nightly = Nightly(objects, 90, lambda: now[0], Event())
    assert nightly.tend() is not None
    put(objects, "shop", [recorded(line) for line in visit(1, old)])
    put(objects, "shop", [recorded(line) for line in visit(2, young)])
    assert nightly.tend() is None
    now[0] = NIGHT
    done = nightly.tend()
    assert done is not None
    assert (done.gone, done.left) == (2, 2)
    assert nightly.tend() is None
    assert days(objects) == [day_of(young)]


def test_who_is_to_be_forgotten_is_nowhere_and_the_others_are_where_they_were(objects: Objects) -> None:
    midnight = moment("2026-06-14 23:59:55")
    _written(objects, visit(1, midnight) + visit(2, midnight))
    _written(objects, visit(1, midnight, site_id="other"))
    _written(objects, visit(3, midnight, events=4) + visit(3, midnight + 60_000, events=4, user_id="ada"))
    assert forget(objects, "shop", lambda each: each.visitor_id == "v1") == 4
    assert forget(objects, "shop", lambda each: each.user_id == "ada") > 0
    assert [each.meta.session_id for each in sessions(objects, "shop", None, 0, 10)] == ["s2"]
    assert len(session(objects, "other", "s1")) == 10
    assert forget_session(objects, "shop", "s2") == 4
    assert sessions(objects, "shop", None, 0, 10) == []
    assert forget_session(objects, "shop", "s2") == 0


def test_an_object_that_is_broken_leaves_the_rest_of_the_session(objects: Objects) -> None:
    lines = visit(1, NIGHT, events=6)
    _written(objects, lines[:3])
    _written(objects, lines[3:])
    first = next(each.name for each in objects.names(folder_of_day(day_of(NIGHT))) if "/events/" in each.name)
    objects.put(first, b"{half")
    assert len(session(objects, "shop", "s1")) == 3


def test_a_session_that_is_not_there_is_not_found(objects: Objects) -> None:
    with pytest.raises(NotFound, match="there is no recording of a session 'none'"):
        session(objects, "shop", "none")


def test_a_store_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    objects = Objects(LocalStore(tmp_path / "recordings", mkdir=True))
    (tmp_path / "recordings").rmdir()
    (tmp_path / "recordings").write_text("no folder")
    with pytest.raises(Unavailable, match="the store of recordings does not answer"):
        objects.put("sessions/a.json", b"1")


@pytest.mark.parametrize("url", ["nonsense", "ftp://secret@host/x", "s3://", "file://", "file:///"])
def test_an_address_that_is_none_is_refused_without_being_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingError, match="PULSE_RECORDINGS_URL") as raised:
        opened(Settings.model_validate({"data": tmp_path, "recordings_url": url}))
    assert "secret" not in str(raised.value)


def test_a_folder_is_in_the_data_folder_unless_it_is_named(tmp_path: Path) -> None:
    assert opened(Settings.model_validate({"data": tmp_path})) is None
    for url, where in (("folder", "recordings"), (f"file://{tmp_path}/elsewhere", "elsewhere")):
        made = opened(Settings.model_validate({"data": tmp_path, "recordings_url": url}))
        assert made is not None
        made.put("one.json", b"1")
        assert (tmp_path / where / "one.json").read_bytes() == b"1"
    assert opened(Settings.model_validate({"data": tmp_path, "recordings_url": "s3://bucket/prefix"})) is not None


def test_what_a_death_left_half_written_goes_after_an_hour(tmp_path: Path) -> None:
    objects = Objects(LocalStore(tmp_path))
    _written(objects, visit(1, NIGHT))
    [piece] = [tmp_path / each.name for each in objects.names("") if "/events/" in each.name]
    old, young = (piece.with_name(f"{piece.name}#{number}") for number in (1, 12))
    for file, age_s in ((old, 3_601), (young, 3_599)):
        file.write_bytes(b"half")
        os.utime(file, (NIGHT / 1000 - age_s, NIGHT / 1000 - age_s))
    os.utime(piece, (0, 0))
    assert sweep(objects, NIGHT) == 1
    assert (old.exists(), young.exists(), piece.exists()) == (False, True, True)
    assert sweep(Objects(MemoryStore()), NIGHT) == 0


def test_a_folder_that_has_gone_is_away_and_not_made_anew(tmp_path: Path) -> None:
    objects = Objects(LocalStore(tmp_path / "recordings", mkdir=True))
    (tmp_path / "recordings").rmdir()
    for call in (
        lambda: objects.put("sessions/a.json", b"1"),
        lambda: objects.put_once("sessions/a.json", b"1"),
        lambda: objects.get("sessions/a.json"),
        lambda: list(objects.names("sessions")),
        lambda: objects.folders("sessions"),
        lambda: objects.delete(["sessions/a.json"]),
    ):
        with pytest.raises(Unavailable, match="its folder is not there"):
            call()
    assert not (tmp_path / "recordings").exists()


def test_the_last_of_a_disk_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(LocalStore(tmp_path))
    objects.put("a.json", b"1")
    for total, free, is_taken in (
        (10**12, 10**9 - 1, False),
        (10**10, 5 * 10**8 - 1, False),
        (10**10, 5 * 10**8, True),
    ):
        disk = SimpleNamespace(total=total, free=free)
        monkeypatch.setattr("pulse.recordings.store.disk_usage", lambda _, disk=disk: disk)
        if is_taken:
            objects.put("b.json", b"1")
        else:
            with pytest.raises(Unavailable, match="is full but for"):
                objects.put("b.json", b"1")
        assert objects.get("a.json") == b"1"


def test_what_is_read_too_long_is_too_costly(objects: Objects) -> None:
    _written(objects, visit(1, NIGHT))
    assert len(session(objects.within(60), "shop", "s1")) == 10
    late = objects.within(-1)
    for read in (lambda: session(late, "shop", "s1"), lambda: sessions(late, "shop", None, 0, 10)):
        with pytest.raises(TooCostly, match="before"):
            read()


@pytest.mark.parametrize("named", ["s1", "a/b"])
def test_a_session_that_goes_on_after_it_was_forgotten_says_whose_it_is(objects: Objects, named: str) -> None:
    lines = visit(1, NIGHT, events=20, session_id=named)
    writer = Writer(objects)
    for some in (lines[:10], lines[15:], lines[10:15]):
        gathered = Gathered()
        gathered.add(take(b"".join(json.encode(line) + b"\n" for line in some)).seen, date(2000, 1, 1))
        writer.write(gathered)
        if some[0] is lines[0]:
            forget_session(objects, "shop", named)
    writer.close()
    [found] = sessions(objects, "shop", "v1", 0, 10)
    assert (found.meta.session_id, found.meta.started_at) == (named, lines[10]["ts"])
    assert len(session(objects, "shop", found.meta.session_id)) == 10


def test_only_days_before_one_are_listed(objects: Objects) -> None:
    for number in range(3):
        _written(objects, visit(number, NIGHT - number * 86_400_000))
    found = sessions(objects, "shop", None, 0, 10, day_of(NIGHT))
    assert [each.meta.session_id for each in found] == ["s1", "s2"]


def test_of_a_session_beyond_measure_the_first_part_is_told_and_that_it_is_one(objects: Objects) -> None:
    for number in range(3):
        put(
            objects,
            "shop",
            [
                recorded(line, title="x" * (MOST_BYTES // 20))
                for line in visit(number, NIGHT + number * 60_000, 9, session_id="s1")
            ],
        )
    told = whole(objects, "shop", "s1")
    assert (len({each.event_id for each in told.events}), told.truncated) == (18, True)
    assert told.events[0].ts == NIGHT
    _written(objects, visit(2, NIGHT))
    assert not whole(objects, "shop", "s2").truncated
