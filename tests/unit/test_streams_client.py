"""A client that is met again is told as if it were met for the first time, whatever was told of it before."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from pulse.event import RefinedEvent
from pulse.network.finder import Finder
from pulse.risk.rule_sets import rule_set
from streams.memory import Memory
from streams.refinement import prepare, refine, steps_of
from streams.steps.client import put_client
from streams.steps.risk import SIGNALS
from streams.steps.step import Step
from streams.steps.text import SYSTEM, VERDICT
from tests import networks
from tests.unit.streams_events import CHROME, DAY, LOG, NOW, SETTINGS, arrival, event, raw, taken

AGENTS = (None, "", CHROME, "Googlebot/2.1", "python-requests/2.31", "Tiny Tiny RSS")
ADDRESSES = (None, "unknown", "198.51.100.66", "198.51.100.67", "192.0.2.20", "192.0.2.33", "2001:db8::7", "9.9.9.9")
HINTS = '"Chromium";v="131", "Brave";v="131", "Not_A Brand";v="24"|?0|"Windows"'
SIGNS = '{"purpose":"%s","device":{"automation":"%s","inconsistent":"touch"}}'
MOMENTS = st.sampled_from((networks.MADE_MS - DAY, networks.MADE_MS, networks.MADE_MS + DAY, NOW)).flatmap(
    lambda about: st.integers(about - 2, about + 2)
)
HOME: dict[str, Any] = {"ip": "198.51.100.67", "properties": None}
TOLD = st.fixed_dictionaries(
    {
        "event": st.sampled_from(("page_view", SIGNALS)),
        "ip": st.sampled_from(ADDRESSES),
        "user_agent": st.sampled_from(AGENTS),
        "client_hints": st.sampled_from((None, "", HINTS, HINTS.replace("131", "99"), "x" * 500)),
        "imported": st.booleans(),
        "consent": st.sampled_from((None, "granted", "denied")),
        "timezone": st.sampled_from((None, "Europe/Vienna", "Asia/Tokyo", "UTC")),
        "country": st.sampled_from((None, "", "de")),
        "region": st.sampled_from((None, "R")),
        "browser": st.sampled_from((None, "", "Own")),
        "device_type": st.sampled_from((None, "tv")),
        "received_at": MOMENTS,
        "ts": MOMENTS,
        "properties": st.sampled_from((None, SIGNS % ("consent", "webdriver"), SIGNS % ("security", ""))),
    }
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is known of networks."""
    return networks.built(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def finder(world: Path) -> Finder:
    """Looks networks up in it."""
    return Finder(world)


@pytest.fixture(scope="module")
def remembering(finder: Finder) -> Step:
    """The step as it is, with all that it has met."""
    return put_client(finder, rule_set())


def told(put: Step, fields: dict[str, Any]) -> dict[str, Any]:
    """An event after the step; its properties are text, as the steps before leave them."""
    made = event(**{name: value for name, value in fields.items() if name != "properties"})
    made.properties = fields["properties"]
    put(made, arrival())
    return {name: getattr(made, name) for name in made.__struct_fields__}


@settings(max_examples=300)
@given(fields=TOLD)
def test_what_is_remembered_is_what_would_be_found(remembering: Step, finder: Finder, fields: dict[str, Any]) -> None:
    assert told(remembering, fields) == told(put_client(finder, rule_set()), fields)


SENT = st.fixed_dictionaries(
    {
        "event": st.sampled_from(("page_view", "page_view", SIGNALS)),
        "ip": st.sampled_from(ADDRESSES),
        "user_agent": st.sampled_from(AGENTS),
        "consent": st.sampled_from((None, "granted", "denied")),
        "received_at": st.integers(NOW, NOW + 2),
        "ts": st.sampled_from((NOW - DAY, NOW)),
    },
    optional={
        "client_hints": st.sampled_from(("", HINTS, HINTS.replace("131", "99"))),
        "timezone": st.sampled_from(("Europe/Vienna", "Asia/Tokyo", "UTC")),
        "country": st.sampled_from(("", "de")),
        "region": st.sampled_from(("", "R")),
        "city": st.just("C"),
        "browser": st.sampled_from(("", "Own")),
        "device_type": st.just("tv"),
        "imported": st.booleans(),
        "fingerprint_id": st.sampled_from(("", "f1")),
        "visitor_id": st.just("v"),
        "as_org": st.just("sent"),
        "bot": st.booleans(),
        "risk": st.sampled_from((0, 7)),
        "risk_vpn": st.sampled_from((0, 7)),
        "risk_band": st.just("critical"),
        "properties": st.just({"purpose": "consent", "device": {"automation": "webdriver"}}),
    },
).map(lambda some: raw(**some))


@settings(max_examples=100)
@given(st.lists(st.lists(SENT, max_size=8), min_size=2, max_size=3))
def test_a_client_s_texts_are_its_fields_as_they_are_written(
    finder: Finder, records: list[list[dict[str, Any]]]
) -> None:
    steps = steps_of(SETTINGS, finder)
    for some in records:
        together = prepare(taken(*some), LOG, steps)
        for each, line in zip(some, together.lines, strict=True):
            alone = prepare(taken(each), LOG, [partial(step) for step in steps_of(SETTINGS, finder)])
            assert line.partition(b',"ts"')[2] == alone.lines[0].partition(b',"ts"')[2]
        assert together.tally.counted() == prepare(taken(*some), LOG, [partial(step) for step in steps]).tally.counted()


FOLLOWED = st.fixed_dictionaries(
    {
        "event": st.sampled_from(("page_view", "page_view", "page_view", SIGNALS)),
        "ip": st.sampled_from(ADDRESSES),
        "consent": st.sampled_from(("granted", "granted", "granted", None)),
        "fingerprint_id": st.sampled_from(("f1", "f1", "f2", "")),
        "visitor_id": st.sampled_from(("v1", "v2")),
        "session_id": st.sampled_from(("s1", "s2", "s3")),
        "received_at": st.sampled_from(tuple(range(NOW, NOW + 4 * 3_600_000, 3_600_000))),
    },
    optional={"timezone": st.just("Asia/Tokyo"), "country": st.sampled_from(("de", "US")), "imported": st.booleans()},
).map(lambda some: raw(**some))


@settings(max_examples=100)
@given(st.lists(st.lists(FOLLOWED, min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_device_is_judged_alike_whether_its_client_is_remembered_or_not(
    finder: Finder, records: list[list[dict[str, Any]]]
) -> None:
    steps, one, other = steps_of(SETTINGS, finder), Memory(DAY), Memory(DAY)
    for offset, some in enumerate(records):
        record = taken(*some, offset=offset)
        together = refine(record, LOG, one, steps)
        alone = refine(record, LOG, other, [partial(step) for step in steps_of(SETTINGS, finder)])
        assert together is not None
        assert alone is not None
        assert (together.events, together.metrics) == (alone.events, alone.metrics)


@pytest.mark.parametrize("name", [*SYSTEM, *VERDICT])
def test_what_was_sent_in_the_place_of_what_is_told_is_not_written(finder: Finder, name: str) -> None:
    empty = {each.name: each.default for each in fields(RefinedEvent)}[name]
    sent, steps = raw(**HOME), steps_of(SETTINGS, finder)
    value = "sent" if isinstance(empty, str) else 7
    [line] = prepare(taken(sent | {name: value}), LOG, steps).lines
    assert [line] == prepare(taken(sent), LOG, steps).lines
    assert line.count(b'"%s":' % name.encode()) <= 1


def test_the_data_grow_older_while_a_client_is_remembered(remembering: Step) -> None:
    moments = [networks.MADE_MS + part * DAY // 2 for part in (0, 1, 2, 3, 4, 1)]
    found = [told(remembering, HOME | {"received_at": moment})["network_days"] for moment in moments]
    assert found == [0, 0, 1, 1, 2, 0]


def test_new_data_count_at_once(world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    shutil.copytree(world, folder)
    finder = Finder(folder)
    put = put_client(finder, rule_set())
    assert told(put, HOME)["network"] == "eyeball"
    (folder / "own").mkdir()
    (folder / "own" / "vpn.txt").write_text("198.51.100.0/24\n")
    assert finder.renew()
    assert (told(put, HOME)["network"], told(put, HOME)["network_source"]) == ("vpn", "vpn.txt")


def test_address_and_user_agent_go_no_further(remembering: Step) -> None:
    found = told(remembering, HOME | {"user_agent": CHROME, "client_hints": HINTS})
    assert (found["ip"], found["user_agent"], found["client_hints"]) == ("198.51.100.0", None, None)


def test_client_hints_tell_the_browser_and_contradictions_with_or_without_consent(remembering: Step) -> None:
    def seen(hints: str | None, **fields: Any) -> dict[str, Any]:
        return told(remembering, HOME | {"user_agent": CHROME, "client_hints": hints} | fields)

    for consent in (None, "granted", "denied"):
        plain, right = seen(None, consent=consent), seen(HINTS, consent=consent)
        wrong = seen(HINTS.replace("Windows", "Linux"), consent=consent)
        assert (plain["browser"], right["browser"], right["browser_version"]) == ("Chrome", "Brave", "131")
        assert right["risk_tamper"] == plain["risk_tamper"] < wrong["risk_tamper"]
        assert "DEV_HINTS" in wrong["risk_reasons"].split(",")
        assert "DEV_HINTS" not in right["risk_reasons"]
    signals = {"event": SIGNALS, "consent": "granted", "properties": SIGNS % ("consent", "")}
    assert "DEV_HINTS" in seen(HINTS.replace("131", "99"), **signals)["risk_reasons"]
    assert "DEV_HINTS" not in seen(HINTS, **signals)["risk_reasons"]
    headless = seen(HINTS.replace("Brave", "HeadlessChrome"))
    assert (headless["bot"], headless["device_type"]) == (True, "bot")
