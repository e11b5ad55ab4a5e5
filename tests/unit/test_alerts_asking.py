"""Which windows are asked for, which groups are watched, and how far Pulse was behind."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from clickhouse.client import Answer as StoreAnswer
from clickhouse.client import Client
from pulse.alerting.rule import MOST_GROUPS
from pulse.alerting.selector import ALL
from pulse.alerting.site import Site
from pulse.alerting.state import State, Status
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched, watched_of
from pulse.alerting.windows import Answer
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS
from streams.alerts import usual
from streams.alerts.asking import Asking, Sources
from streams.alerts.lags import Lags
from streams.alerts.partition import Counted, Partition
from streams.alerts.reader import Reached
from streams.alerts.refusals import Refusals, pause_s
from streams.alerts.round import Want, Wanted, asked_of, earlier_of, go_round
from tests.alerting import record
from tests.eventually import eventually

MINUTE = 29_600_000
ABOVE: dict[str, Any] = {"kind": "threshold", "operator": ">", "value": 9}
BELOW: dict[str, Any] = {"kind": "threshold", "operator": "<", "value": 5}


def rule(name: str, condition: dict[str, Any] = ABOVE, **more: Any) -> Watched:
    definition = {"metric": "visitors", "window_minutes": 1, "condition": condition} | more
    return watched_of(record(name, "one", definition))


def want(watched: Watched, begins: int = 0) -> Want:
    return Want("one", watched.question, begins, watched.rule.shift, watched.rule.is_instant, frozenset())


def answer(minute: int, **groups: int) -> Answer:
    return Answer(((minute, minute),), {name: {minute: (float(n), n)} for name, n in groups.items()})


DAY_BEFORE = {"kind": "relative", "against": "day", "operator": "<", "percent": -50}


@pytest.mark.parametrize(
    ("condition", "after", "until", "begins", "spans"),
    [
        (ABOVE, MINUTE, MINUTE + 1, 0, [(MINUTE + 1, MINUTE + 2)]),
        (ABOVE, MINUTE + 1, MINUTE + 1, 0, [(MINUTE + 2, MINUTE + 2)]),
        (ABOVE, MINUTE - 90, MINUTE - 90, 0, [(MINUTE, MINUTE + 2)]),
        (ABOVE, MINUTE - 90, MINUTE - 80, 0, [(MINUTE - 89, MINUTE - 80), (MINUTE, MINUTE + 2)]),
        (ABOVE, MINUTE - 9, MINUTE + 1, MINUTE + 2, [(MINUTE + 2, MINUTE + 2)]),
        (BELOW, MINUTE, MINUTE + 1, 0, [(MINUTE + 1, MINUTE + 1)]),
        (BELOW, MINUTE + 1, MINUTE + 1, 0, []),
        (DAY_BEFORE, MINUTE, MINUTE + 1, 0, [(MINUTE + 1, MINUTE + 1), (MINUTE - 1439, MINUTE - 1439)]),
    ],
)
def test_windows_are_asked_for_that_close_that_run_and_that_are_compared_with(
    condition: dict[str, Any], after: int, until: int, begins: int, spans: list[tuple[int, int]]
) -> None:
    asked = asked_of(Wanted(after, [want(rule("a", condition), begins)]), until, MINUTE + 2)
    assert [each.span for each in asked] == spans


@pytest.mark.parametrize(
    ("known", "until", "is_asked"),
    [
        ((1, 0), MINUTE + 1, True),
        ((MINUTE - 58, MINUTE + 1), MINUTE + 1, False),
        ((MINUTE - 59, MINUTE), MINUTE + 1, True),
        ((1, 0), MINUTE, False),
    ],
)
def test_two_weeks_are_asked_for_an_hour_ahead_where_it_is_not_known_what_is_usual(
    known: tuple[int, int], until: int, is_asked: bool
) -> None:
    watched = rule("a", {"kind": "anomaly"}, metric="vpn_share")
    wants = [
        want(watched)._replace(usual=known),
        want(watched),
        want(rule("b", ABOVE | {"value": 0.5}, metric="vpn_share")),
    ]
    spans = [each.span for each in earlier_of(Wanted(MINUTE, wants), until)]
    ahead = [(MINUTE + 1 - 1440 * day - 2, MINUTE + 60 - 1440 * day + 2) for day in range(1, 15)]
    assert spans == (ahead if is_asked else [])
    answered = Answer(spans, begin=MINUTE - 20_000)
    assert usual.known(answered if spans else None) == ((MINUTE + 1, MINUTE + 60) if is_asked else (1, 0))
    assert usual.known(replace(answered, begin=None)) == (1, 0)


def test_the_store_that_refuses_earlier_days_is_asked_for_them_again() -> None:
    class Refusing(Fixed):
        """A store that will not hear of earlier days at first."""

        refused = 0

        def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
            if parameters["end"] < (MINUTE - 700) * MINUTE_MS and not self.refused:
                self.refused += 1
                raise QueryError("too much")
            return super().ask(statement, parameters, **settings)

    store = Refusing()
    watched = rule("a", {"kind": "anomaly"}, metric="vpn_share")
    wanted = Wanted(MINUTE, [want(watched)._replace(usual=(1, 0))])
    first, second = (go_round(store, [wanted], (MINUTE + 2) * MINUTE_MS, None, 0) for _ in range(2))
    assert (first.put_off, first.usual, first.fault) == ([("one", watched.question)], {}, "")
    assert (first.refused, "one" in {site for site, _ in first.answers}) == ([], True), "all else is asked and told"
    assert (second.put_off, len(second.usual["one", watched.question].spans)) == ([], 14)


def test_of_what_is_put_off_no_earlier_days_are_asked_for() -> None:
    watched = rule("a", {"kind": "anomaly"}, metric="vpn_share")
    wanted = Wanted(MINUTE, [want(watched)._replace(usual=(1, 0))], {("one", watched.question)})
    found = go_round(Fixed(), [wanted], (MINUTE + 2) * MINUTE_MS, None, 0)
    assert (found.usual, found.put_off, len(found.answers)) == ({}, [], 1)


def test_rules_that_ask_the_same_ask_once() -> None:
    rules = [rule("a"), rule("b", BELOW), rule("c", window_minutes=2)]
    asked = asked_of(Wanted(MINUTE, [want(each) for each in rules]), MINUTE + 1, MINUTE + 2)
    assert [(each.question.width, each.span) for each in asked] == [
        (1, (MINUTE + 1, MINUTE + 2)),
        (2, (MINUTE + 1, MINUTE + 2)),
    ]


def test_a_minute_of_which_nothing_was_answered_tells_nothing_and_ends_nothing() -> None:
    watched = rule("a", group_by="country")
    fires = {("a", "AT"): State(Status.firing, MINUTE, MINUTE), ("a", "DE"): State(Status.firing, MINUTE, MINUTE)}
    site = Site([watched], fires)
    assert site.close_asked(MINUTE + 1, ("visitors",)) == []
    site.take({watched.question: answer(MINUTE + 2, AT=20, FR=12)})
    told = site.close_asked(MINUTE + 2, ("visitors",))
    assert [(each.group, each.change.kind, each.why) for each in told] == [
        ("FR", "firing", ""),
        ("DE", "resolved", "the group is watched no longer"),
    ]
    site.take({watched.question: answer(MINUTE + 3)})
    over = site.close_asked(MINUTE + 3, ("visitors",))
    assert {(each.group, each.change.kind, each.seen.value) for each in over} == {
        ("AT", "resolved", 0.0),
        ("FR", "resolved", 0.0),
    }


def test_groups_that_fire_stay_when_there_is_no_room() -> None:
    watched = rule("a", group_by="country")
    site = Site([watched])
    site.take({watched.question: answer(MINUTE, **{f"g{n}": 10 if n else 1 for n in range(MOST_GROUPS)})})
    assert len(site.close_asked(MINUTE, ("visitors",))) == MOST_GROUPS - 1
    site.take({watched.question: answer(MINUTE + 1, new=10, newer=10)})
    told = site.close_asked(MINUTE + 1, ("visitors",))
    assert [each.group for each in told if each.change.kind == "firing"] == ["new"]
    assert len(site.asked[watched.question].groups) == MOST_GROUPS


def test_a_rule_that_is_replaced_keeps_what_was_answered_and_one_that_goes_is_told_to_be_over() -> None:
    watched = rule("a")
    site = Site([watched])
    site.take({watched.question: answer(MINUTE, **{"": 10})})
    assert [each.change.kind for each in site.run_asked([MINUTE], 0)] == ["firing"]
    other = Site([watched, rule("b", ABOVE | {"value": 8})], site.states)
    assert other.adopt(site)
    assert [each.watched.id for each in other.run_asked([MINUTE], 0)] == ["b"]
    off = Site([replace(watched, is_on=False)], site.states)
    assert [each.change.kind for each in off.run([MINUTE], MINUTE * MINUTE_MS)] == ["resolved"]


def test_how_far_pulse_is_behind_is_the_longest_of_the_window_and_needs_no_store() -> None:
    watched = rule("lag", metric="lag", window_minutes=2)
    site = Site([watched])
    partition = Partition(0, MINUTE, 0, lagged=MINUTE - 1)
    partition.sites["one"] = Counted(site, {})
    lags, told = Lags(), []
    for ago, lag in enumerate((3.0, 12.5, 1.0, 1.0, 1.0)):
        lags.add((MINUTE + ago) * MINUTE_MS, lag)
        lags.add((MINUTE + ago) * MINUTE_MS + 5_000, 0.5)
        site.take({watched.question: lags.answer(watched.question)})
        told += list(partition.close_lag({"one": site}, MINUTE + ago, "lag"))
    assert [(each.change.kind, each.change.minute - MINUTE, each.seen.value) for each in told] == [
        ("firing", 1, 12.5),
        ("resolved", 3, 1.0),
    ]
    assert notice_of(told[0], 0).data["reason"] == "seconds that Pulse is behind in 2 min: 12.5, > 9"


def test_minutes_are_committed_as_far_as_rules_of_each_kind_are_evaluated() -> None:
    partition = Partition(0, MINUTE, 7, asked=MINUTE - 5)
    partition.follow()
    assert partition.reached == Reached(7, MINUTE, MINUTE)
    partition.sites["one"] = Counted(Site([rule("a")]), {})
    partition.minute = MINUTE + 3
    partition.follow()
    assert partition.reached == Reached(7, MINUTE + 3, MINUTE)
    list(partition.close_asked({}, MINUTE + 2, ("visitors",)))
    assert partition.reached == Reached(7, MINUTE + 3, MINUTE + 2)


def test_what_is_looked_at_again_after_a_start_stays_committed() -> None:
    partition = Partition(0, MINUTE - 9, 7, evaluated=MINUTE, asked=MINUTE - 19, evaluated_asked=MINUTE - 10)
    partition.sites["one"] = Counted(Site([rule("a")]), {})
    assert partition.reached == Reached(7, MINUTE, MINUTE - 10)
    assert list(partition.close(MINUTE - 5, 99)) == []
    assert partition.reached == Reached(7, MINUTE, MINUTE - 10)


def test_where_groups_were_left_out_nothing_is_known_of_those_that_do_not_appear() -> None:
    changed = {"kind": "relative", "against": "previous", "operator": "<", "percent": -50}
    watched = rule("a", changed, group_by="country")
    site, earlier, now = Site([watched]), (MINUTE - 1, MINUTE - 1), (MINUTE, MINUTE)
    groups = {"AT": {MINUTE - 1: (9.0, 9), MINUTE: (2.0, 2)}, "DE": {MINUTE - 1: (9.0, 9)}, "FR": {MINUTE: (3.0, 3)}}
    cut = {now: frozenset({"AT", "FR"}), earlier: frozenset({"AT", "DE"})}
    site.take({watched.question: Answer((earlier, now), groups, MINUTE - 9, cut)})
    told = site.close_asked(MINUTE, ("visitors",))
    assert [(each.group, each.change.kind) for each in told] == [("AT", "firing")]
    data = notice_of(told[0], 0).data
    assert (data["groups_left_out"], data["reason"].partition("; ")[2]) == (
        True,
        "there are more than 100 groups, of the others nothing is known",
    )
    whole = Site([watched])
    whole.take({watched.question: Answer((earlier, now), groups, MINUTE - 9)})
    told = whole.close_asked(MINUTE, ("visitors",))
    assert [each.group for each in told] == ["AT", "DE"]
    assert "groups_left_out" not in notice_of(told[0], 0).data


@pytest.mark.parametrize(("number", "is_cut"), [(MOST_GROUPS, False), (MOST_GROUPS + 1, True)])
def test_groups_are_left_out_too_where_all_spans_together_have_too_many(number: int, is_cut: bool) -> None:
    watched = rule("a", group_by="country")
    site, earlier, now = Site([watched]), (MINUTE - 1, MINUTE - 1), (MINUTE, MINUTE)
    groups = {f"g{n}": {MINUTE - n % 2: (99.0, 99)} for n in range(number)}
    site.take({watched.question: Answer((earlier, now), groups)})
    told = site.close_asked(MINUTE, ("visitors",))
    assert len(told) == MOST_GROUPS // 2
    assert {each.is_cut for each in told} == {is_cut}


def test_what_is_refused_is_asked_again_after_seconds_and_each_time_later() -> None:
    refusals, key, other = Refusals(), ("one", rule("a").question), ("two", rule("a").question)
    moments: list[float] = []
    now = 0.0
    for _ in range(9):
        refusals.note([key], {}, now)
        assert (refusals.waiting(now), len(refusals)) == ({key}, 1)
        until = now + pause_s(len(moments) + 1)
        assert refusals.waiting(until) == set()
        moments.append(until - now)
        now = until
    assert moments == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    refusals.note([other], {key: None}, now)
    assert refusals.waiting(now) == {other}
    refusals.note([], {}, now + 10_000)
    assert len(refusals) == 0


class _Still:
    """Whom a round asks how far others are, where nothing waits."""

    def ask(self) -> None:
        return None

    oldest = ask


def asking(client: Client) -> tuple[Asking, Partition]:
    """Rounds over one partition."""
    still: Any = _Still()
    partition = Partition(0, MINUTE, 0, asked=MINUTE)
    return Asking(Sources(client, still, still), 0.0, 0), partition


def told_of(rounds: Asking, partition: Partition, now_ms: int) -> list[tuple[str, int]]:
    """The rules that are told of first once a round has ended, each with the minute."""
    found = eventually(
        lambda: [told for _, changes in rounds.told({0: partition}, now_ms) for told in changes], every=0.01
    )
    return [(told.watched.id, told.change.minute) for told in found or ()]


class Fixed(Client):
    """A store in which each site had ten visitors in each minute."""

    def __init__(self) -> None:
        self.database = ""

    def ping(self) -> None:
        return None

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        each = [(i, "", q["first"], 10, 10, 0) for i, q in enumerate(json.decode(parameters["asked"]))]
        return StoreAnswer((), each, 0, 0.0)

    def query(self, name: Any, parameters: Any = None, **settings: Any) -> Any:
        return StoreAnswer((), [], 0, 0.0)


def test_a_rule_that_is_changed_during_a_round_voids_nothing_for_the_others() -> None:
    rounds, partition = asking(Fixed())
    now_ms = (MINUTE + 2) * MINUTE_MS
    kept, other = rule("kept"), replace(rule("other"), site_id="two")
    partition.sites = {"one": Counted(Site([kept]), {}), "two": Counted(Site([other]), {})}
    assert list(rounds.told({0: partition}, now_ms)) == []
    wider = replace(rule("wider", window_minutes=30), begins=MINUTE + 2)
    changed = Site([kept, wider], partition.sites["one"].site.states)
    assert changed.adopt(partition.sites["one"].site)
    partition.sites["one"] = Counted(changed, {})
    assert told_of(rounds, partition, now_ms) == [("kept", MINUTE + 1), ("other", MINUTE + 1)]
    assert told_of(rounds, partition, now_ms) == [("wider", MINUTE + 2)]


def test_a_partition_that_was_read_anew_during_a_round_waits_for_the_next() -> None:
    rounds, partition = asking(Fixed())
    partition.sites = {"one": Counted(Site([rule("a", BELOW | {"value": 11})]), {})}
    now_ms = (MINUTE + 2) * MINUTE_MS
    list(rounds.told({0: partition}, now_ms))
    anew = Partition(0, MINUTE - 5, 0, asked=MINUTE - 5, sites=dict(partition.sites))
    assert told_of(rounds, anew, now_ms) == [("a", MINUTE - 4)]


@given(
    st.dictionaries(st.integers(0, 40), st.lists(st.floats(0, 100), min_size=1, max_size=3), min_size=1),
    st.integers(1, 15),
)
def test_the_longest_lag_of_each_window(measured: dict[int, list[float]], width: int) -> None:
    lags = Lags()
    for minute in sorted(measured):
        for lag in measured[minute]:
            lags.add((MINUTE + minute) * MINUTE_MS, lag)
    found = lags.answer(rule("r", metric="lag", window_minutes=width).question)
    assert found.spans == ((MINUTE + min(measured), MINUTE + max(measured)),)
    for last in range(min(measured), max(measured) + 1):
        seen = [lag for minute in range(last - width + 1, last + 1) for lag in measured.get(minute, [])]
        assert found.groups[ALL][MINUTE + last] == (max(seen, default=0.0), len(seen))
