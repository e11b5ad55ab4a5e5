"""Replaying a raw log that was stored: the same rules give the same rows, other rules what they change, and a swap all of it."""

import random
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest

from clickhouse.client import Client, text_of
from clickhouse.migrate import FOLDER, read
from clickhouse.replay import shadow, swap
from clickhouse.reports import activity
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse.errors import NotFound, PulseError, Unavailable
from pulse.replaying.report import told
from tests.replaying import DAY_MS, GEO, Stage, staged
from tests.streaming import PARTITIONS, Line, raw_event

pytestmark = [pytest.mark.clickhouse, pytest.mark.kafka]

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def stage(clickhouse: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(clickhouse, tmp_path) as made:
        yield made


SEEN = "FROM activity WHERE day = 0"
SEEN_BY_EVENTS = f"FROM (SELECT {text_of('activity/present').partition('SELECT')[2]})"


def there(client: Client, source: str) -> Sequence[Sequence[Any]]:
    """Who was there on which days."""
    own = "site_id, quarter, event, bot, visitor, person, named"
    asked = {"site": "", "since": date(1970, 1, 1), "end": date(2100, 1, 1)}
    return client.ask(f"SELECT {own}, groupBitOr(days) {source} GROUP BY {own} ORDER BY ALL", asked).rows


def lines(seed: int, number: int, visitors: int = 30) -> list[Line]:
    """Accepted events of two sites, some of them weeks old and imported."""
    chance = random.Random(seed)
    made = []
    for _ in range(number):
        line = raw_event(
            visitor_id=f"v{chance.randrange(visitors)}",
            site_id=chance.choice(["shop", "blog"]),
            event=chance.choice(["page_view", "purchase"]),
        )
        if chance.random() < 0.2:
            line |= {"revenue": round(chance.uniform(0, 300), 3), "currency": "eur"}
        if chance.random() < 0.2:
            line |= {"ts": line["ts"] - chance.randrange(40) * DAY_MS, "imported": True}
        if chance.random() < 0.1:
            line |= {"user_agent": BOT}
        made.append(line)
    return made


def mixed(stage: Stage) -> list[Line]:
    """Traffic with repetitions within a record, over records and of what is refused; all of it is stored."""
    sent = lines(1, 300)
    old = [raw_event(visitor_id="v1", ts=stage.now - 20 * DAY_MS) for _ in range(7)]
    nameless = [{**raw_event(visitor_id="v2"), "event_id": str(uuid4()).upper()} for _ in range(5)]
    stage.send([*sent, *old, *sent[:40], *nameless])
    stage.log.put(b'{"event":"x"}\nnot json\n{"event":"y","site_id":"shop","visitor_id":"v"}\n', 1)
    stage.log.put(None, 2)
    stage.send([*sent[100:150], *lines(2, 50)])
    return sent


def test_the_same_rules_give_the_same_rows(stage: Stage) -> None:
    mixed(stage)
    report = stage.replay()
    assert all(not day.differs for day in report.days)
    assert {day.site_id for day in report.days} == {"shop", "blog"}
    assert report.total("stored") == report.total("made") == stage.store.events()
    assert (report.about.held_unread, report.about.held_last, report.about.added) == (0, 0, 0)
    assert report.about.duplicates == 90
    assert all(each.now == each.then > 0 for each in report.rejected)
    assert {each.reason for each in report.rejected} == {"too_old", "malformed", "no_site"}
    assert "records of the raw log" in stage.said
    before = stage.rows()
    assert stage.swap() == 0
    assert stage.rows() == before
    made = shadow.find(stage.client, "r").tables["rows"]
    assert stage.store.rows(f"SELECT * FROM {made} ORDER BY ALL") == before


def test_devices_are_judged_by_where_they_were_seen_as_they_were(stage: Stage) -> None:
    chance, places = random.Random(4), enumerate(("AT", "DE", "US", "JP", "BR"))
    at = [{"ip": f"203.0.{n}.9", "country": place, "consent": "granted"} for n, place in places]
    for _ in range(3):
        seen = [{**chance.choice(at), "visitor_id": f"v{chance.randrange(3)}"} for _ in range(20)]
        stage.send([raw_event(fingerprint_id="f", **each) for each in seen], 7)
    counts = "countIf(risk_reasons LIKE '%VEL_COUNTRIES%'), count()"
    [[counted, every]] = stage.client.ask(f"SELECT {counts} FROM events").rows
    assert 30 < int(counted) <= int(every) == 60
    report = stage.replay()
    assert (report.total("made"), [day for day in report.days if day.differs]) == (60, [])


def test_a_better_geographic_database(stage: Stage) -> None:
    mixed(stage)
    before, places = stage.rows(), stage.places()
    report = stage.replay(geo_database=GEO)
    assert stage.rows() == before
    assert report.total("differing") == report.total("stored") - 1 == len(before) - 1, "one names no address"
    columns = {column.name: column for day in report.days for column in day.columns}
    assert set(columns) == {"country", "region", "city", "asn", "risk_confidence"}
    assert [(e.there, e.here) for e in columns["country"].examples] == [("", "AT")] * 3
    assert any("country: " in line for line in told(report))
    assert stage.swap() >= 2
    assert stage.store.events("country = 'AT'") == len(before) - 1
    assert stage.places() == places
    assert (stage.store.differing_minutes(), stage.store.unbalanced()) == (0, 0)
    assert all(not day.differs for day in stage.show().days)
    assert stage.swap() == 0
    swap.tidy(shadow.find(stage.client, "r"))
    shadow.find(stage.client, "r").drop()
    assert stage.tables() == []


def test_one_site_and_a_part_of_the_time(stage: Stage) -> None:
    first = [line | {"received_at": stage.now - 7_200_000, "ts": stage.now - 7_200_000} for line in lines(3, 100)]
    stage.send(first)
    stage.send(lines(4, 100))
    span = stage.span(since=stage.now - 7_200_000, until=stage.now - 3_600_000, site="shop")
    report = stage.replay(span=span, geo_database=GEO)
    own = sum(line["site_id"] == "shop" for line in first)
    assert [(day.site_id, day.stored, day.differing) for day in report.days] == [("shop", own, own)]
    stage.swap()
    assert stage.store.events("country = 'AT'") == own
    assert stage.store.events("country = 'AT' AND site_id = 'shop'") == own
    assert stage.store.events() == 200
    with pytest.raises(NotFound, match="there is no site nowhere"):
        stage.replay("s", stage.span(site="nowhere"))
    assert [name for name in stage.tables() if "_s_" in name] == []


def test_rules_that_refuse_more_take_away_all_but_what_the_sink_goes_by(stage: Stage) -> None:
    late = [line | {"ts": stage.now - 3 * DAY_MS} for line in lines(5, 90)]
    late = [{name: value for name, value in line.items() if name != "imported"} for line in late]
    stage.send(late[:45])
    stage.send(lines(6, 60))
    stage.send(late[45:])
    places = stage.places()
    report = stage.replay(late_days=1)
    held = report.about.held_last
    assert 0 < held <= 2 * PARTITIONS
    assert report.total("only_there") == 90 - held
    assert [(each.reason, each.then, each.now) for each in report.rejected] == [("too_old", 0, 90)]
    stage.swap()
    assert (stage.store.events(), stage.places()) == (60 + held, places)
    assert stage.store.differing_minutes() == 0


def test_rules_that_take_more_add_it_once(stage: Stage) -> None:
    old = [raw_event(visitor_id="v1", ts=stage.now - 9 * DAY_MS) for _ in range(10)]
    stage.send([*old, *old[:5]])
    repeated = {**old[7], "ts": stage.now}
    stage.send([repeated, *lines(7, 30)])
    assert stage.store.events() == 31
    report = stage.replay(late_days=30)
    assert report.about.added == 10
    assert report.about.duplicates == 6
    assert (report.total("only_here"), report.total("only_there")) == (10, 1)
    stage.swap()
    assert set(stage.store.ids().values()) == {1}
    assert stage.store.events() == 40
    assert stage.store.differing_minutes() == 0


def test_what_the_raw_log_gives_no_more_is_taken_from_the_table(stage: Stage) -> None:
    for offset, log in enumerate(("older", "oldest")):
        stage.write(stage.of_another_log(log, lines(offset, 80)))
    wrong = "ALTER TABLE events UPDATE channel = 'x', host = '', country = '', bot = true, currency = lower(currency) WHERE 1"
    stage.client.command(wrong, mutations_sync=2)
    before, places = stage.rows(), stage.places()
    report = stage.replay(geo_database=GEO)
    assert (report.about.read, report.about.taken) == (0, 160)
    columns = {column.name for day in report.days for column in day.columns}
    of_verdict = {"risk_bot", "risk_confidence"}
    assert columns == {"channel", "host", "country", "region", "city", "asn", "currency", *of_verdict}
    assert report.total("differing") == 160
    assert stage.rows() == before
    stage.swap()
    assert stage.places() == places
    [[channel, host, country, bot]] = stage.store.rows("SELECT DISTINCT channel, host, country, bot FROM events")
    assert (channel, host, country, bot) == ("paid search", "shop.example", "AT", "true")
    assert {row[0] for row in stage.store.rows("SELECT DISTINCT currency FROM events")} == {"", "EUR"}
    assert stage.store.differing_minutes() == 0


def test_what_the_store_would_not_take_today_is_refused(stage: Stage) -> None:
    stage.send(lines(14, 60))
    purchases = stage.store.events("event = 'purchase'")
    stage.client.command("ALTER TABLE events ADD CONSTRAINT no_purchase CHECK event != 'purchase'")
    report = stage.replay()
    assert [(each.reason, each.now) for each in report.rejected] == [("unstorable", purchases)]
    assert report.total("only_there") + report.about.held_last == purchases
    assert report.total("differing") == 0


def test_a_row_that_nothing_explains_stays(stage: Stage) -> None:
    stage.send(lines(8, 30))
    stranger = "INSERT INTO events SELECT * REPLACE (generateUUIDv4() AS event_id) FROM events LIMIT 1"
    stage.client.command(stranger)
    report = stage.replay()
    assert report.about.held_unread == 1
    assert all(not day.differs for day in report.days)


@pytest.mark.parametrize(
    "change", ["DELETE FROM events WHERE event = 'purchase'", "ALTER TABLE events ADD COLUMN new String"]
)
def test_what_changed_since_is_not_swapped(stage: Stage, change: str) -> None:
    stage.send(lines(9, 60))
    stage.replay(geo_database=GEO)
    stage.client.command(change)
    left = stage.rows()
    with pytest.raises(PulseError, match="have changed since"):
        stage.swap()
    assert stage.rows() == left


def test_one_of_before_a_projection_is_swapped_in_whole(stage: Stage) -> None:
    stage.send(lines(16, 90))
    stage.client.command("ALTER TABLE events DROP PROJECTION pages", mutations_sync=2)
    stage.replay(geo_database=GEO)
    for statement in read(FOLDER / "0024_pages.sql").statements:
        stage.client.command(statement, mutations_sync=2)
    assert stage.swap() >= 1
    assert stage.store.events("country = 'AT'") == stage.store.events() == 90
    parts = "FROM system.{} WHERE database = currentDatabase() AND table = 'events' AND active"
    [[bare]] = stage.client.ask(
        f"SELECT count() {parts.format('parts')} AND name NOT IN (SELECT parent_name {parts.format('projection_parts')})"
    ).rows
    assert bare == 0


def test_an_unfinished_replay_is_only_to_be_dropped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.send(lines(10, 60))

    def dies(self: Client, table: str, rows: object, token: str = "", query_id: str = "") -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Client, "insert", dies)
        with pytest.raises(KeyboardInterrupt):
            stage.replay()
    found = shadow.find(stage.client, "r")
    assert found.about.state == "unfinished"
    with pytest.raises(PulseError, match="was not finished"):
        stage.swap()
    with pytest.raises(PulseError, match="already"):
        stage.replay()
    found.drop()
    assert stage.tables() == []
    with pytest.raises(NotFound):
        shadow.find(stage.client, "r")


class Dying(Client):
    """A client whose process ends at its n-th command, before the store has run it or after."""

    left, after = 1 << 30, False

    def command(self, statement: str, parameters: object = None, **settings: object) -> object:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise SystemExit
        if self.left < 0:
            raise SystemExit  # a process that is dead does not tidy up
        answer = super().command(statement, parameters, **settings)  # type: ignore[arg-type]
        if self.left == 0:
            raise SystemExit
        return answer


@pytest.mark.parametrize("after", [False, True])
def test_a_swap_that_dies_anywhere_is_completed_by_the_next(stage: Stage, after: bool) -> None:
    stage.send([line for line in lines(11, 90) if "imported" not in line] + lines(12, 1))
    number = stage.store.events()
    stage.replay(geo_database=GEO)
    places, at, died, left_standing = stage.places(), 0, True, 0
    while died:
        at += 1
        dying = Dying(stage.settings.clickhouse_url.get_secret_value())
        dying.left, dying.after = at, after
        try:
            swap.swap(shadow.find(dying, "r"))
            died = False
        except SystemExit:
            left_standing += swap.stands(stage.client)
        assert stage.store.events() == number
        swap.swap(shadow.find(stage.client, "r"))
        assert (stage.store.events(), stage.store.events("country = 'AT'")) == (number, number)
        assert not swap.stands(stage.client)
        assert stage.places() == places
        assert there(stage.client, SEEN) == there(stage.client, SEEN_BY_EVENTS) != []
        assert activity.unsure(stage.client, "shop", 0, stage.now // DAY_MS + 1) == frozenset()
        undo = "ALTER TABLE events UPDATE country = '', region = '', city = '', asn = 0, risk_confidence = 'medium' WHERE 1"
        stage.client.command(undo, mutations_sync=2)
    assert at > 10
    assert left_standing >= 3


class Sink:
    """Stores a block as a sink does: after a failure anew from what the store says, until it is there."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.ids, self.errors, self._seeds = stage, list[str](), list[str](), count(100)
        self._waiting: list[Record] = []
        self._writer = Writer(stage.client, most_s=60)
        self._writer.begin()

    def take(self, number: int = 2) -> None:
        """Accept some events more and try to store what is not."""
        some = lines(next(self._seeds), number)
        self.ids += [line["event_id"] for line in some]
        self.stage.log.send(some)
        self._waiting += self.stage.refined()
        self.store()

    def store(self) -> None:
        """Try to store what is not."""
        try:
            self._writer.store(self._waiting)
            self._waiting = []
        except Unavailable as error:
            self.errors.append(str(error))
            self._writer.begin()


class Overtaken(Client):
    """A client before each of whose commands, and after it, a sink stores something."""

    def __init__(self, url: str, sink: Sink) -> None:
        super().__init__(url)
        self.sink = sink

    def command(self, statement: str, parameters: object = None, **settings: object) -> object:
        self.sink.take()
        answer = super().command(statement, parameters, **settings)  # type: ignore[arg-type]
        self.sink.take()
        return answer


def test_what_is_stored_at_any_moment_of_a_swap_is_there_once(stage: Stage) -> None:
    first = lines(12, 100)
    stage.send(first)
    stage.replay(geo_database=GEO)
    sink = Sink(stage)
    client = Overtaken(stage.settings.clickhouse_url.get_secret_value(), sink)
    assert swap.swap(shadow.find(client, "r")) >= 1
    assert len(sink.errors) >= 4
    assert all("Too many parts" in error for error in sink.errors), sink.errors
    sink.store()
    stage.mend()
    kept = stage.store.ids()
    assert (set(kept.values()), set(kept)) == ({1}, {*sink.ids, *(line["event_id"] for line in first)})
    assert stage.store.events("country = 'AT'") == len(first)
    assert (stage.store.differing_minutes(), stage.store.unbalanced()) == (0, 0)


def test_a_sink_under_load_goes_on_through_swaps(stage: Stage) -> None:
    first = lines(13, 100)
    stage.send(first)
    sink, ended = Sink(stage), Event()

    def run() -> None:
        while not ended.is_set():
            sink.take(20)

    thread = Thread(target=run)
    thread.start()
    try:
        for turn in range(2):
            stage.say_passed()
            stage.replay(f"r{turn}", stage.span(until=stage.now + 1), geo_database=None if turn else GEO)
            swap.swap(shadow.find(stage.client, f"r{turn}"))
    finally:
        ended.set()
        thread.join()
    sink.store()
    stage.mend()
    kept = stage.store.ids()
    assert (set(kept.values()), set(kept)) == ({1}, {*sink.ids, *(line["event_id"] for line in first)})
    assert (stage.store.differing_minutes(), stage.store.unbalanced()) == (0, 0)
