"""The writer of skewed events."""

from pathlib import Path

import pytest
from msgspec import json

from api.collector.decode import Incoming
from bench import skew
from bench.skew import Skew, lines, summary

SMALL = Skew(tenants=50, events=20_000)


def test_the_shares_come_out_as_asked_for() -> None:
    found = summary(SMALL, lines(SMALL))
    assert found["events"] == 20_000
    assert found["tenants"] == 50
    assert found["hot"] == pytest.approx(0.6, abs=0.01)
    assert found["late"] == pytest.approx(0.05, abs=0.005)
    assert found["duplicates"] == pytest.approx(0.01, abs=0.003)
    assert set(found["by_class"]) == {"hot", "medium", "quiet"}
    assert len(found["by_event"]) >= 3


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        words = ["--events", "500", "--seed", str(seed), "--output", str(tmp_path / name)]
        assert skew.main(words) == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert a.count(b"\n") == 500
    assert '"events": 500' in capsys.readouterr().out


def test_lines_are_events_in_the_order_of_arrival_over_the_days_asked_for() -> None:
    written = list(lines(Skew(events=5_000, days=90, tenants=5)))
    events = [json.decode(line.text, type=Incoming) for line in written]
    assert all(event.event_id and event.site_id.startswith("tenant-") for event in events)
    arrived = [json.decode(line.text)["arrived_at"] for line in written]
    assert arrived == sorted(arrived)
    found = summary(Skew(events=5_000, days=90), iter(written))["within_days"]
    assert 0 < found["7"] < found["30"] < found["90"]


def test_bursts_stand_out() -> None:
    minutes: dict[int, int] = {}
    for line in lines(SMALL):
        minutes[line.arrived // 60_000] = minutes.get(line.arrived // 60_000, 0) + 1
    assert max(minutes.values()) > 20 * 20_000 / (30 * 1440)


def test_what_is_sent_again_is_the_same_event() -> None:
    seen: dict[str, tuple[int, str | None]] = {}
    again = 0
    for line in lines(SMALL):
        event = json.decode(line.text, type=Incoming)
        own = (line.ts, event.visitor_id)
        again += line.is_again
        assert seen.setdefault(event.event_id or "", own) == own
    assert again == 20_000 - len(seen)
