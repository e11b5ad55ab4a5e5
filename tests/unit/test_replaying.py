"""The pure parts of a replay: its range, its report, the steps for stored rows."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from msgspec import json

from pulse.errors import PulseError
from pulse.replaying.about import About, Month, Print
from pulse.replaying.report import Column, Day, Example, Rejected, Report, listed, told
from pulse.replaying.span import Span, demand_name, name_at, span_of
from pulse.settings import Settings
from streams.replay.raw import MARGIN_MS, concerns
from streams.replay.stored import LOOKED_AT, NUMBERS, READ, WRITTEN, gathered, renewed, steps_of_stored
from tests import networks
from tests.unit.streams_events import DAY, NOW, raw, taken

GEO = Path(__file__).parents[1] / "data" / "geo.mmdb"
SPAN = Span(NOW, NOW + DAY)


def test_a_day_counts_as_a_whole_and_a_moment_does_not() -> None:
    assert span_of(datetime(2026, 3, 1), datetime(2026, 3, 1)) == Span(1_772_323_200_000, 1_772_409_600_000)
    assert span_of(datetime(2026, 3, 1, 8), datetime(2026, 3, 1, 9), "shop") == Span(
        1_772_352_000_000, 1_772_355_600_000, "shop"
    )
    assert (
        str(span_of(datetime(2026, 3, 1), datetime(2026, 3, 1), "shop"))
        == "2026-03-01 00:00:00 to 2026-03-02 00:00:00 of shop"
    )


def test_reversed_dates_are_said_in_a_sentence() -> None:
    with pytest.raises(
        PulseError, match=r"--from \(2026-03-02 00:00:00\) must lie before --to \(2026-03-01, the whole"
    ):
        span_of(datetime(2026, 3, 2), datetime(2026, 3, 1))


@pytest.mark.parametrize("name", ["", "A", "a-b", "_a", "a_", "a b", "ü", "a" * 41, "a;drop"])
def test_a_name_is_part_of_a_tables_name(name: str) -> None:
    with pytest.raises(PulseError, match="no name of a replay"):
        demand_name(name)


def test_a_replay_is_named_by_its_time() -> None:
    assert demand_name(name_at(datetime(2026, 3, 1, 8, 9, 10, tzinfo=UTC))) == "20260301_080910"


def test_what_is_known_survives_being_written_down() -> None:
    about = About(name="a", span=SPAN, made_at=1, months=[Month(202603, Print(1, (1 << 64) - 1), Print())])
    assert json.decode(json.encode(about), type=About) == about
    assert about.months[0].differs


def test_the_report_tells_every_difference() -> None:
    column = Column("country", 2, [Example("id-1", "", "AT\x1b"), Example("id-2", "x" * 90, "DE")])
    days = [Day("2026-03-01", "shop", 10, 11, 1, 2, 2, [column]), Day("2026-03-01", "blog", 3, 3, 0, 0, 0)]
    about = About(name="a", span=SPAN, made_at=1, held_last=1, held_unread=2)
    text = "\n".join(told(Report(about, days, [Rejected("too_old", 3, 4)])))
    for said in (
        "10 stored, 11 here; 2 only here, 1 only there, 2 differ",
        "country: 2 rows",
        "id-1: '' -> 'AT�'",
        "blog: 3 rows, no difference",
        "too_old: 4 today, 3 then",
        "in all: 13 stored, 14 here",
        "2 rows stay as they are: the raw log",
        "1 rows stay as they are: the sink",
    ):
        assert said in text
    assert max(map(len, text.splitlines())) < 160
    assert listed(about).startswith("a  unfinished  ")


def test_a_record_concerns_a_range_by_any_of_its_events() -> None:
    far = NOW + 3 * DAY
    assert concerns(taken(raw(received_at=far), at=NOW), SPAN)
    assert concerns(taken(raw(received_at=far), raw(received_at=NOW), at=far), SPAN)
    assert concerns(taken(raw(received_at=NOW - MARGIN_MS), at=far), SPAN)
    assert concerns(taken(b"not json", at=far), SPAN)
    assert concerns(taken({"event": "x"}, at=far), SPAN)
    assert not concerns(taken(raw(received_at=far), at=far), SPAN)
    assert not concerns(taken(raw(received_at=NOW - MARGIN_MS - 1), at=NOW - 2 * MARGIN_MS), SPAN)


def stored(**columns: object) -> pa.Table:
    """A stored row."""
    row: dict[str, object] = dict.fromkeys((*READ, *LOOKED_AT, *WRITTEN), "")
    row |= dict.fromkeys(NUMBERS, 0) | {
        "browser": "Chrome",
        "bot": True,
        "received_at": datetime(2026, 3, 1, tzinfo=UTC),
        "ts": datetime(2026, 3, 1, tzinfo=UTC),
        "properties": "{}",
    }
    row |= columns
    return pa.table({name: [value] for name, value in row.items()})


def test_stored_rows_go_through_the_steps_that_need_no_more() -> None:
    steps = steps_of_stored(Settings(geo_database=GEO, networks="no such folder"))
    rows = stored(
        url="https://Shop.example/a?utm_source=google&utm_medium=cpc",
        referrer="https://www.google.com/",
        ip="203.0.113.7",
        currency="eur",
        consent="denied",
        fingerprint_id="f",
        host="wrong",
        utm_medium="mine",
    )
    [row] = renewed(rows, steps).to_pylist()
    assert row["host"] == "shop.example"
    assert (row["path"], row["referrer_host"], row["ip"]) == ("/a", "google.com", "203.0.113.0")
    assert (row["country"], row["city"], row["asn"], row["currency"]) == ("AT", "Vienna", 64500, "EUR")
    assert (row["utm_source"], row["utm_medium"], row["fingerprint_id"]) == ("google", "mine", "")
    assert (row["browser"], row["bot"]) == ("Chrome", True)


def test_a_country_that_is_stored_stays_and_nothing_is_forgotten() -> None:
    [row] = renewed(
        stored(ip="203.0.113.0", country="DE", asn=7),
        steps_of_stored(Settings(geo_database=GEO, networks="no such folder")),
    ).to_pylist()
    assert (row["country"], row["city"], row["asn"]) == ("DE", "", 64500)
    [row] = renewed(
        stored(ip="203.0.113.0", country="DE", asn=7), steps_of_stored(Settings(networks="no such folder"))
    ).to_pylist()
    assert (row["country"], row["asn"]) == ("DE", 7)


def test_an_address_of_version_4_that_was_stored_whole_within_one_of_version_6_is_cut() -> None:
    [row] = renewed(stored(ip="2002:cb00:7109::"), steps_of_stored(Settings(networks="no such folder"))).to_pylist()
    assert row["ip"] == "2002:cb00:7100::"


def test_renewing_twice_is_renewing_once() -> None:
    steps = steps_of_stored(Settings(geo_database=GEO, networks="no such folder"))
    once = renewed(stored(url="https://a.example/?ref=x", ip="2001:db8:1:2::3"), steps)
    assert renewed(once, steps).equals(once)


def test_small_blocks_are_put_together() -> None:
    blocks = [pa.table({"n": list(range(4))}) for _ in range(5)]
    assert [len(rows) for rows in gathered(iter(blocks), 8)] == [8, 8, 4]
    assert list(gathered(iter([]))) == []


def test_stored_rows_learn_their_network_where_all_addresses_that_begin_alike_are_of_it(tmp_path: Path) -> None:
    steps = steps_of_stored(Settings(networks=networks.built(tmp_path)))
    rows = {
        ip: renewed(stored(ip=ip), steps).to_pylist()[0]
        for ip in ("203.0.113.0", "192.0.2.0", "2001:db8:8000::", "100.64.0.0")
    }
    assert {ip: (row["network"], row["network_source"]) for ip, row in rows.items()} == {
        "203.0.113.0": ("mobile", ""),
        "192.0.2.0": ("hosting", ""),
        "2001:db8:8000::": ("relay", "Apple Private Relay"),
        "100.64.0.0": ("unknown", ""),
    }
    assert rows["203.0.113.0"]["as_org"] == "Nord Mobilfunk AG, Wireless"
    assert rows["100.64.0.0"]["as_entropy"] == 2.0
    assert rows["203.0.113.0"]["network_days"] == 0
    [late] = renewed(stored(ip="203.0.113.0", received_at=datetime(2026, 6, 27, tzinfo=UTC)), steps).to_pylist()
    assert late["network_days"] == 10


def test_a_network_that_is_stored_stays(tmp_path: Path) -> None:
    steps = steps_of_stored(Settings(networks=networks.built(tmp_path)))
    tor = stored(ip="198.51.100.0", network="tor", network_source="Tor", network_days=3)
    [row] = renewed(tor, steps).to_pylist()
    assert (row["network"], row["network_source"], row["network_days"], row["asn"]) == ("tor", "Tor", 3, 64500)
    [row] = renewed(stored(ip="", network="", asn=7), steps).to_pylist()
    assert (row["network"], row["asn"]) == ("", 7)


def test_the_verdict_on_a_stored_row_is_made_anew() -> None:
    steps = steps_of_stored(Settings())
    device = '{"purpose":"consent","device":{"automation":"webdriver","inconsistent":""}}'
    row = {"network": "eyeball", "bot": False, "event": "device_signals", "properties": device, "risk_rules": "old/1"}
    [agreed] = renewed(stored(**row, consent="granted"), steps).to_pylist()
    [refused] = renewed(stored(**row, consent="denied"), steps).to_pylist()
    assert (agreed["risk_rules"], agreed["risk_reasons"]) == ("pulse-v1/1", "BOT_WEBDRIVER")
    assert agreed["risk"] > 60
    assert refused["risk"] == 0
    assert agreed["properties"] == device


def test_a_verdict_of_what_counts_over_several_events_stays_with_its_rule_set() -> None:
    steps = steps_of_stored(Settings())
    row = {"network": "eyeball", "bot": False, "event": "page_view", "consent": "granted", "fingerprint_id": "f"}
    given = {"risk": 41, "risk_band": "elevated", "risk_confidence": "low", "risk_reasons": "VEL_CROWD,VEL_IPS"}
    [kept] = renewed(stored(**row, **given, risk_rules="pulse-v1/1"), steps).to_pylist()
    assert {name: kept[name] for name in given} == given
    for other in ({"risk_rules": "old/1"}, {"risk_rules": "pulse-v1/1", "risk_reasons": "GEO_UTC"}):
        [anew] = renewed(stored(**row | given | other), steps).to_pylist()
        assert (anew["risk_rules"], anew["risk_reasons"], anew["risk"]) == ("pulse-v1/1", "", 0)


def test_a_database_that_knows_numbers_alone_takes_no_name_away() -> None:
    steps = steps_of_stored(Settings(geo_database=GEO, networks="no such folder"))
    same, other = (stored(ip="203.0.113.0", asn=asn, as_org="Nord", as_entropy=0.5) for asn in (64500, 7))
    [row] = renewed(same, steps).to_pylist()
    assert (row["asn"], row["as_org"], row["as_entropy"]) == (64500, "Nord", 0.5)
    [row] = renewed(other, steps).to_pylist()
    assert (row["asn"], row["as_org"], row["as_entropy"]) == (64500, "", 0.0)
