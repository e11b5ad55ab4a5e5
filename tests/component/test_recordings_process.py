"""`python -m streams.recordings` as a process, on a log of its own: killed, with its store away, and over midnight."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from deploy.local import port
from pulse.recordings.layout import DAY_MS, day_of
from pulse.recordings.reading import days, session, sessions
from pulse.recordings.store import Objects
from pulse.settings import Settings
from streams.topics import create
from tests import services
from tests.eventually import eventually
from tests.recordings import PARTITIONS, Line, Log, Recorder, put, recorded, visit

VISITS = 60
KILLS = 4


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A broker for this test alone, since the topics' names are given."""
    made = services.embedded_kafka(tmp_path / "broker")
    made.start()
    eventually(lambda: create(Settings(kafka_url=made.url, partitions=PARTITIONS)) or True)
    yield made.url
    made.stop()


@pytest.fixture
def recorder(tmp_path: Path, broker: str) -> Iterator[Recorder]:
    made = Recorder(tmp_path, broker)
    yield made
    made.kill()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """What the process writes to."""
    return Objects(LocalStore(tmp_path / "recordings", automatic_cleanup=True, mkdir=True))


def _midnight() -> int:
    return (time.time_ns() // 1_000_000) // DAY_MS * DAY_MS


def _are_whole(objects: Objects, visits: list[list[Line]]) -> bool:
    for lines in visits:
        found = [each.event_id for each in session(objects, "shop", lines[0]["session_id"])]
        if found != [line["event_id"] for line in lines]:
            return False
    return True


def _await_reading(recorder: Recorder) -> None:
    eventually(lambda: recorder.checks()["kafka"] == "ok")


def test_what_was_before_the_first_start_is_not_recorded_and_all_since_is(
    broker: str, recorder: Recorder, objects: Objects
) -> None:
    before, after = visit(1, _midnight()), visit(2, _midnight(), events=40)
    log = Log(broker)
    log.send(before)
    recorder.settings["PULSE_RECORDINGS_SECONDS"] = "3600"
    recorder.start()
    _await_reading(recorder)
    recorder.kill()
    log.send(after)
    recorder.settings["PULSE_RECORDINGS_SECONDS"] = "0.2"
    recorder.start()
    eventually(lambda: _are_whole(objects, [after]))
    assert [each.meta.session_id for each in sessions(objects, "shop", None, 0, 100)] == ["s2"]
    assert recorder.stop() == 0


def test_whoever_is_killed_every_event_is_there_once_in_order(
    broker: str, recorder: Recorder, objects: Objects
) -> None:
    begin = _midnight() - 20_000
    visits = [visit(number, begin + number * 500, events=40) for number in range(VISITS)]
    log, second = Log(broker), Recorder(recorder.folder, broker)
    recorder.start()
    second.start()
    _await_reading(recorder)
    try:
        for turn in range(KILLS):
            for lines in visits:
                log.send(lines[turn * 10 : turn * 10 + 10], size=3)
            eventually(
                lambda: (
                    recorder.metric("pulse_recordings_written_total") > 0
                    or second.metric("pulse_recordings_written_total") > 0
                )
            )
            victim = (recorder, second)[turn % 2]
            victim.kill()
            victim.start()
        eventually(lambda: _are_whole(objects, visits), within=120, every=0.5)
    finally:
        second.kill()
    assert len(days(objects)) == 2
    listed = sessions(objects, "shop", None, 0, 100)
    assert {each.meta.session_id for each in listed} == {f"s{number}" for number in range(VISITS)}
    assert len(listed) == VISITS


def test_nothing_of_who_said_no_and_no_address_is_written(broker: str, recorder: Recorder, objects: Objects) -> None:
    begin = _midnight()
    recorder.start()
    _await_reading(recorder)
    log = Log(broker)
    log.send(visit(1, begin, consent="denied"))
    log.send(visit(2, begin, session_id=""))
    log.send(visit(3, begin - 100 * DAY_MS))
    log.put(b"no event\n")
    log.send(visit(4, begin))
    eventually(lambda: _are_whole(objects, [visit(4, begin)]))
    eventually(lambda: recorder.metric("pulse_recordings_events_total") >= 41)
    assert [each.meta.session_id for each in sessions(objects, "shop", None, 0, 100)] == ["s4"]
    contents = b"".join(objects.get(each.name) for each in objects.names("sessions"))
    assert not any(word in contents for word in (b"203.0.113", b"secret", b"4111"))
    assert recorder.stop() == 0


def test_what_is_gathered_is_written_at_a_stop(broker: str, recorder: Recorder, objects: Objects) -> None:
    lines = visit(1, _midnight())
    recorder.settings["PULSE_RECORDINGS_SECONDS"] = "3600"
    recorder.start()
    _await_reading(recorder)
    Log(broker).send(lines)
    eventually(lambda: recorder.metric("pulse_recordings_gathered_bytes") > 0)
    eventually(lambda: recorder.metric("pulse_recordings_events_total") >= 10)
    assert list(objects.names("sessions")) == []
    assert recorder.stop() == 0
    assert _are_whole(objects, [lines])


def test_a_store_that_is_away_is_waited_for(tmp_path: Path, broker: str, recorder: Recorder, objects: Objects) -> None:
    lines = visit(1, _midnight())
    recorder.start()
    eventually(lambda: recorder.checks() == {"kafka": "ok", "store": "ok"})
    shutil.rmtree(tmp_path / "recordings")
    (tmp_path / "recordings").write_text("no folder")
    Log(broker).send(lines)
    eventually(lambda: "does not answer" in recorder.checks()["store"])
    (tmp_path / "recordings").unlink()
    (tmp_path / "recordings").mkdir()
    eventually(lambda: _are_whole(objects, [lines]))
    eventually(lambda: recorder.checks()["store"] == "ok")


def test_while_kafka_is_away_it_is_not_ready_and_afterwards_goes_on(
    tmp_path: Path, recorder: Recorder, objects: Objects
) -> None:
    kafka = services.kafka(tmp_path / "kafka")
    kafka.start()
    try:
        recorder.kafka = kafka.url
        eventually(lambda: create(Settings(kafka_url=kafka.url, partitions=PARTITIONS)) or True)
        recorder.start()
        _await_reading(recorder)
        assert recorder.health() == (200, 200)
        kafka.stop()
        eventually(lambda: recorder.checks() == {"kafka": "does not answer", "store": "ok"})
        assert recorder.health() == (200, 503)
        kafka.start()
        _await_reading(recorder)
        assert recorder.health() == (200, 200)
        lines = visit(1, _midnight())
        Log(kafka.url).send(lines)
        eventually(lambda: _are_whole(objects, [lines]))
        assert recorder.stop() == 0
    finally:
        kafka.kill()


def test_where_there_is_no_kafka_it_waits_and_is_not_ready(recorder: Recorder) -> None:
    recorder.kafka = f"127.0.0.1:{port.free()}"
    recorder.start()
    eventually(lambda: recorder.checks() == {"kafka": "does not answer", "store": "ok"})
    assert recorder.health() == (200, 503)
    assert recorder.stop() == 0


def test_what_is_too_old_is_gone_after_a_start(recorder: Recorder, objects: Objects) -> None:
    now = time.time_ns() // 1_000_000
    for back in (100, 2):
        put(objects, "shop", [recorded(line) for line in visit(back, now - back * DAY_MS, events=2)])
    recorder.start()
    eventually(lambda: recorder.metric("pulse_recordings_pruned_total") == 2)
    assert days(objects) == [day_of(now - 2 * DAY_MS)]
    eventually(lambda: recorder.metric("pulse_recordings_kept_objects") == 2)


def test_without_a_place_it_does_not_begin(recorder: Recorder) -> None:
    recorder.settings["PULSE_RECORDINGS_URL"] = ""
    with pytest.raises(Exception, match="PULSE_RECORDINGS_URL is empty"):
        recorder.start()
