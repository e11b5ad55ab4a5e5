"""Figures out of a recorded run."""

from math import inf
from pathlib import Path

import pytest
from msgspec import structs

from bench.catchup import caught
from bench.drive import Plan, Run, Told
from bench.evidence import Evidence
from bench.exactness import Proof
from bench.load.profile import Profile, Second, Summary
from bench.outcome import lines, outcome, told
from bench.overload import recovered_after
from bench.probe import Followed
from bench.sampling import Sample
from bench.scrape import buckets, since
from bench.short import last

RATE = 10_000
SECONDS = 40


def second(at: int) -> Second:
    return Second(at=at, requests=at * 20, accepted=at * RATE, refused=0, in_flight=1, behind=0.0, cpu=at * 0.01)


def summary(**changed: object) -> Summary:
    fresh = Summary(
        began=1000.0,
        seconds=float(SECONDS),
        requests=SECONDS * 20,
        accepted=SECONDS * RATE,
        again=1,
        statuses={"202": SECONDS * 20},
        lost=0,
        unsent=0,
        latency={"p50": 0.01, "p95": 0.02, "p99": 0.03},
        cpu=0.4,
        bytes_an_event=500,
        by_site=[SECONDS * RATE],
    )
    return structs.replace(fresh, **changed)


def sample(at: int, lag_s: float) -> Sample:
    stored = 100 + max(int((at - lag_s) * RATE), 0)
    return Sample(
        at=at,
        cpu={"sink": at * 0.05, "collector": at * 0.04},
        memory={"sink": 100 + at},
        stored=stored,
        lag={"refine": 3},
    )


def run(growing: float = 0.0, **changed: object) -> Run:
    probes = [
        Followed(id=str(n), sent=1000 + n, accepted=0.01, refined=0.2, seen=0.5 + 0.001 * n, counted=0.9)
        for n in range(SECONDS)
    ]
    return Run(
        plan=Plan(profile=Profile(), seconds=SECONDS, rate=RATE / 500),
        began=1000.0,
        loads=[Told(stream=1, seconds=[second(n) for n in range(1, SECONDS)], summary=summary(**changed))],
        samples=[sample(at, 1 + growing * at) for at in range(SECONDS + 1)],
        probes=probes,
        stored_before=100,
        ages={0.5: 100.0, 1.0: 300.0, inf: 300.0},
        drained_after=1.0,
        proof=Proof(accepted=SECONDS * RATE, stored=SECONDS * RATE),
        differing_minutes=0,
    )


def test_a_steady_run() -> None:
    found = outcome(run())
    assert found.accepted_a_second == pytest.approx(RATE)
    assert found.requests_a_second == pytest.approx(RATE / 500)
    assert found.lag.median == pytest.approx(1.0)
    assert found.is_sustained
    assert found.is_exact
    assert found.cpu == pytest.approx({"collector": 4.0, "sink": 5.0, "all": 9.0})
    assert found.cores == pytest.approx({"collector": 0.04, "sink": 0.05})
    assert found.memory["sink"] == {"first": 100, "most": 100 + SECONDS, "last": 100 + SECONDS}
    assert found.freshness["seen"]["p50"] == pytest.approx(0.524, abs=0.005)
    assert found.freshness["counted"]["lost"] == 0
    assert found.hops == {"refine": 3}
    assert found.freshness["stored"]["p50"] == pytest.approx(0.5 + 0.5 * 50 / 200)


def test_a_lag_that_grows_is_not_sustained() -> None:
    found = outcome(run(growing=0.1))
    assert not found.lag.is_bounded
    assert not found.is_sustained


def test_refused_requests_are_not_sustained() -> None:
    found = outcome(run(statuses={"202": 700, "503": 100}))
    assert found.refused == 100
    assert not found.is_sustained


def test_what_is_not_exact_is_said_to_be_so() -> None:
    one = run()
    one.proof = Proof(accepted=10, stored=9, missing=1)
    found = outcome(one)
    assert not found.is_exact
    assert any("NOT EXACT" in line for line in lines(found))


def test_figures_are_kept_with_where_they_stand(tmp_path: Path) -> None:
    evidence = Evidence("x", {}, tmp_path)
    told(evidence, outcome(run()), "outcome", "sustained")
    kept = (tmp_path / "figures.json").read_text()
    assert '"sustained: sent → seen p95"' in kept
    assert '"sustained: CPU, sink"' in kept


def test_the_last_lines_say_what_is_sustained() -> None:
    good, bad = outcome(run()), outcome(run(growing=0.1))
    found = last({"batches": good, "singles": good, "lone": good, "10%": good, "50%": good})
    assert found[0] == "sustained batches: 10,000 events/s"
    assert found[1] == "sustained singles: 20 requests/s"
    assert any(line.startswith("freshness at 10%: by SQL p50 52") for line in found)
    assert "accept latency, lone: p50 10 p95 20 p99 30 ms" in found
    worse = last({"batches": bad, "singles": good, "lone": good, "10%": good, "50%": good})
    assert worse[0] == "not sustained batches: 10,000 events/s"


def probes(*seen: float | None) -> list[Followed]:
    return [Followed(id=str(n), sent=100.0 + n, seen=each) for n, each in enumerate(seen)]


def test_it_is_as_before_once_all_later_events_are_fresh() -> None:
    assert recovered_after(probes(9, 8, 1, 5, 1, 1), 99.0, 2.0) == 5.0
    assert recovered_after(probes(1, 1), 99.0, 2.0) == 1.0
    assert recovered_after(probes(1, 9), 99.0, 2.0) is None
    assert recovered_after(probes(1, None), 99.0, 2.0) is None
    assert recovered_after([], 99.0, 2.0) is None


def test_the_rate_of_catching_up_is_that_of_the_middle() -> None:
    samples = [sample(at, 10) for at in range(60)]
    found = caught(samples, 100, 40 * RATE, True)
    assert found.events_a_second == pytest.approx(RATE, rel=0.01)
    assert found.cpu["sink"] == pytest.approx(5.0)


def test_the_ages_of_all_sinks_add_up() -> None:
    page = """# TYPE pulse_sink_freshness_seconds histogram
pulse_sink_freshness_seconds_bucket{le="0.1"} 5.0
pulse_sink_freshness_seconds_bucket{le="+Inf"} 9.0
pulse_sink_freshness_seconds_count 9.0
pulse_sink_freshness_seconds_sum 3.0
"""
    assert buckets([page, page]) == {0.1: 10.0, inf: 18.0}
    assert since({0.1: 5.0}, {0.1: 10.0, inf: 18.0}) == {0.1: 5.0, inf: 18.0}
