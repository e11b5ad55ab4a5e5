"""What the collector writes on events, and the lines it makes of them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from api.collector.decode import Incoming, decode
from api.collector.ids import ENTROPY_BITS, uuid7
from api.collector.split import are_flat, split
from api.collector.stamp import Receipt, stamp
from pulse.clock import Bounds
from pulse.event import MAX_EVENT_BYTES, MAX_MS, MAX_NESTING, RawEvent
from pulse.nesting import depth
from pulse.rejection import Reason, Rejection
from pulse.topics import partition_of

NOW = 1_790_000_000_000
DAY = 86_400_000
BROWSER = Receipt("shop", NOW, secret=False, ip="203.0.113.9", user_agent="Firefox", client_hints="h", country="AT")
SERVER = Receipt("shop", NOW, secret=True, ip="203.0.113.9", user_agent="curl", country="AT")
IMPORT = Receipt("shop", NOW, secret=True, imports=True)


def stamped(receipt: Receipt, **fields: Any) -> Incoming:
    event = Incoming(event="e", **fields)
    assert stamp([event], [0], receipt, Bounds(), lambda bits: 0) == ([event], [0], [])
    return event


def refusal(receipt: Receipt, **fields: Any) -> Rejection:
    good = Incoming(event="good", site_id="shop")
    kept, indexes, refused = stamp([Incoming(event="e", **fields), good], [3, 7], receipt, Bounds(), lambda bits: 0)
    assert (kept, indexes) == ([good], [7])
    assert [each.index for each in refused] == [3]
    return refused[0]


def test_the_site_comes_from_the_key() -> None:
    assert stamped(BROWSER).site_id == "shop"
    assert stamped(BROWSER, site_id="shop").site_id == "shop"
    refused = refusal(SERVER, site_id="rival", event_id="mine")
    assert (refused.reason, refused.field, refused.event_id) == (Reason.wrong_site, "site_id", "mine")
    assert "'rival'" in refused.detail


def test_what_only_the_collector_knows_is_never_taken_from_the_body() -> None:
    event = stamped(SERVER, received_at=1, imported=True)
    assert (event.received_at, event.imported) == (NOW, False)


def test_a_browser_s_no_stands_for_its_visitor_s_until_there_is_an_answer() -> None:
    unwilling = replace(BROWSER, unwilling=True)
    assert stamped(unwilling).consent == "denied"
    assert stamped(unwilling, consent="granted").consent == "granted"
    assert stamped(BROWSER).consent is None
    assert stamped(replace(SERVER, unwilling=True)).consent is None


def test_an_event_without_a_time_is_of_now_whatever_the_client_s_clock() -> None:
    event = stamped(BROWSER, sent_at=NOW - 10 * DAY)
    assert (event.ts, event.sent_at) == (NOW, None)


def test_times_become_ms_and_are_not_corrected_here() -> None:
    at = datetime(2026, 9, 21, 12, 0, 0, 250_000, UTC)
    event = stamped(BROWSER, ts=at, sent_at=at + timedelta(seconds=1))
    assert (event.ts, event.sent_at) == (1_789_992_000_250, 1_789_992_001_250)
    assert stamped(BROWSER, ts=float(NOW) + 0.5).ts == NOW


def test_the_envelope_s_time_of_sending_is_that_of_events_without_one() -> None:
    envelope = Receipt("shop", NOW, secret=False, sent_at=NOW - 60_000)
    assert stamped(envelope, ts=NOW - 90_000).sent_at == NOW - 60_000
    assert stamped(envelope, ts=NOW - 90_000, sent_at=NOW - 1).sent_at == NOW - 1


@pytest.mark.parametrize("receipt", [BROWSER, IMPORT])
@pytest.mark.parametrize("ts", [NOW // 1_000, NOW / 1_000])
def test_a_time_in_seconds_is_not_taken_for_one_of_1970(receipt: Receipt, ts: float) -> None:
    fault = refusal(receipt, ts=ts)
    assert (fault.reason, fault.field) == (Reason.invalid, "ts")
    assert "seems to be in seconds; times are in milliseconds" in fault.detail


@pytest.mark.parametrize("field", ["ts", "sent_at"])
@pytest.mark.parametrize("year", [1, 1969, 2101, 9999])
def test_times_of_no_use_are_refused(field: str, year: int) -> None:
    times: dict[str, Any] = {"ts": NOW, field: datetime(year, 1, 1, tzinfo=UTC)}
    refused = refusal(IMPORT, **times)
    assert (refused.reason, refused.field) == (Reason.invalid, field)


def test_an_old_event_is_refused_unless_the_key_may_import() -> None:
    assert stamped(SERVER, ts=NOW - 7 * DAY).imported is False
    refused = refusal(SERVER, ts=NOW - 7 * DAY - 1)
    assert (refused.reason, refused.field) == (Reason.too_old, "ts")
    assert stamped(IMPORT, ts=0).imported is True


def test_age_is_judged_by_the_corrected_time() -> None:
    wrong = NOW - 30 * DAY
    assert stamped(BROWSER, ts=wrong, sent_at=wrong + 1_000).ts == wrong
    assert refusal(BROWSER, ts=NOW - DAY, sent_at=NOW + 10 * DAY).reason == Reason.too_old


def test_an_id_is_made_of_the_time_where_the_client_gives_none() -> None:
    made = stamped(BROWSER).event_id or ""
    assert UUID(made).version == 7
    assert UUID(made).int >> 80 == NOW
    given_id = "0199C0DE-7a1c-7d3e-9a77-3b1f00c0ffee"
    assert stamped(BROWSER, event_id=given_id).event_id == given_id


def test_a_browser_is_seen_and_a_server_believed() -> None:
    told = {"ip": "198.51.100.7", "user_agent": "Safari", "client_hints": "s"}
    seen, believed, silent = stamped(BROWSER, **told), stamped(SERVER, **told), stamped(SERVER)
    assert (seen.ip, seen.user_agent, seen.country) == ("203.0.113.9", "Firefox", "AT")
    assert (seen.client_hints, believed.client_hints, silent.client_hints) == ("h", "s", None)
    assert (believed.ip, believed.user_agent, believed.country) == ("198.51.100.7", "Safari", None)
    assert (silent.ip, silent.user_agent, silent.country) == ("203.0.113.9", "curl", "AT")
    assert stamped(BROWSER, country="DE").country == "DE"


@given(st.integers(0, MAX_MS), st.integers(0, 2**ENTROPY_BITS - 1), st.integers(0, 2**ENTROPY_BITS - 1))
def test_made_ids_are_version_7_and_keep_all_of_their_randomness(at: int, one: int, other: int) -> None:
    made = UUID(uuid7(at, one))
    assert (made.version, made.variant, made.int >> 80) == (7, "specified in RFC 4122", at)
    assert (uuid7(at, one) == uuid7(at, other)) == (one == other)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"event": st.text(min_size=1, max_size=20)},
            optional={
                "visitor_id": st.sampled_from(["a", "b", "c", "d"]),
                "ts": st.integers(0, MAX_MS),
                "title": st.text(max_size=50),
                "properties": st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
            },
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 8),
)
def test_every_event_is_either_refused_or_one_line_of_its_visitor_s_partition(
    sent: list[dict[str, Any]], partitions: int
) -> None:
    decoded = decode(json.encode(sent), False)
    kept, indexes, untimely = stamp(decoded.events, decoded.indexes, SERVER, Bounds(), random.getrandbits)
    shares, unfit = split(kept, indexes, partitions)
    assert sum(map(len, shares.values())) + len(untimely) + len(unfit) == len(sent)
    for partition, lines in shares.items():
        for line in lines:
            assert b"\n" not in line
            event = json.decode(line, type=RawEvent)
            assert partition == partition_of("shop", event.visitor_id or event.event_id or "", partitions)
            assert (event.site_id, event.received_at) == ("shop", NOW)


def test_a_line_may_be_as_large_as_the_contract_says() -> None:
    def two(padding: int) -> list[Incoming]:
        return [Incoming(event="small"), Incoming(event="e", event_id="x", properties={"p": "x" * padding})]

    spare = MAX_EVENT_BYTES - len(json.encode(two(0)[1]))
    assert split(two(spare), range(2), 1)[1] == []
    shares, refused = split(two(spare + 1), range(2), 1)
    assert len(shares[0]) == 1
    assert [(r.index, r.reason, r.event_id) for r in refused] == [(1, Reason.too_large, "x")]


def test_an_event_nested_too_deeply_to_be_written_costs_itself_alone() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    shares, refused = split([Incoming(event="a"), Incoming(event="b", properties={"p": deep})], range(2), 1)
    assert len(shares[0]) == 1
    assert [(r.index, r.reason, r.field) for r in refused] == [(1, Reason.invalid, "properties")]
    while deep:
        deep = deep.pop()


def test_properties_nest_as_deeply_as_the_contract_says() -> None:
    def nested(levels: int) -> Incoming:
        return json.decode(
            b'{"event":"e","properties":' + b'{"p":' * levels + b"1" + b"}" * levels + b"}", type=Incoming
        )

    brackets = Incoming(event="flat", properties={"p": "[" * 100, "q": [[]] * 100})
    shares, refused = split([nested(MAX_NESTING), nested(MAX_NESTING + 1), brackets], range(3), 1)
    assert len(shares[0]) == 2
    assert [(r.index, r.reason, r.field, r.detail) for r in refused] == [
        (1, Reason.invalid, "properties", "nested more than 32 levels deep")
    ]


def enclosed(value: Any, levels: int, as_list: bool) -> Any:
    for _ in range(levels):
        value = [value] if as_list else {"p": value}
    return value


PROPERTIES = st.none() | st.dictionaries(
    st.text(max_size=3),
    st.builds(enclosed, st.sampled_from([1, "[{" * 40, None]), st.sampled_from([0, 0, 1, 31, 32]), st.booleans()),
)


@given(st.lists(PROPERTIES, max_size=4))
def test_whatever_is_nested_beside_them_the_same_events_are_too_deep(some: list[dict[str, Any] | None]) -> None:
    events = [Incoming(event="e", event_id=str(n), properties=each) for n, each in enumerate(some)]
    shares, refused = split(events, range(len(events)), 3)
    too_deep = [n for n, event in enumerate(events) if depth(json.encode(event)) > 1 + MAX_NESTING]
    assert [r.index for r in refused] == too_deep
    assert sum(map(len, shares.values())) == len(events) - len(too_deep)
    assert not too_deep or not are_flat(events)


TIMES = st.integers(0, MAX_MS) | st.builds(
    int.__add__,
    st.sampled_from([NOW, NOW - 7 * DAY, NOW - 5_000, NOW + 5_000, NOW + 300_000]),
    st.integers(-2, 2),
)


@given(st.lists(st.tuples(TIMES, TIMES | st.none()), max_size=4), st.booleans(), TIMES | st.none())
def test_times_that_need_no_look_come_out_as_those_that_do(
    times: list[tuple[int, int | None]], imports: bool, sent_at: int | None
) -> None:
    receipt = Receipt("shop", NOW, secret=True, imports=imports, sent_at=sent_at)
    whole = [Incoming(event="e", event_id="x", ts=ts, sent_at=sent) for ts, sent in times]
    fractions = [Incoming(event="e", event_id="x", ts=float(ts), sent_at=sent) for ts, sent in times]
    some, others = (stamp(each, range(len(each)), receipt, Bounds(), lambda bits: 0) for each in (whole, fractions))
    assert (list(some[0]), list(some[1]), some[2]) == (list(others[0]), list(others[1]), others[2])
