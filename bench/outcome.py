"""The figures of a run, out of what was recorded."""

from math import isnan
from typing import Any

from msgspec import Struct

from bench.drive import Run
from bench.evidence import Evidence
from bench.exactness import Proof
from bench.figures import Trend, between, each, of_buckets, percentile, quantiles, trend

WARM_SHARE, WARM_MOST_S = 0.2, 10.0
"""The beginning of a run is not measured: so large a share, but no more than so many seconds."""
HOPS = ("accepted", "refined", "seen", "counted")


class Outcome(Struct, kw_only=True):
    """A run in figures. Rates in events and requests a second, latencies in seconds, CPU in µs an event, memory in MB."""

    offered: float | None
    accepted_a_second: float
    requests_a_second: float
    accepted: int
    refused: int
    lost: int
    unsent: int
    again: int
    bytes_an_event: float
    accept: dict[str, float]
    """Answer time, from when a request was to be sent."""
    freshness: dict[str, dict[str, float]]
    """From an event sent to it answered, refined, seen by SQL, counted by the API; `stored` of all events, as the sinks tell."""
    lag: Trend
    """By how many seconds of the offered rate the store lies behind what was accepted."""
    behind: Trend
    """By how many seconds sending lies behind the offered rate."""
    is_sustained: bool
    """Whether both are bounded and nothing was refused."""
    hops: dict[str, float]
    """Records each hop lies behind, typically."""
    cpu: dict[str, float]
    cores: dict[str, float]
    memory: dict[str, dict[str, float]]
    drained_after: float | None
    proof: Proof | None
    is_exact: bool | None
    differing_minutes: int | None


def outcome(run: Run) -> Outcome:
    """What came of a run."""
    seconds = min(each.summary.seconds for each in run.loads)
    begin, size = min(seconds * WARM_SHARE, WARM_MOST_S), run.plan.profile.size
    told = accepted_by_time(run)
    events = between(told, begin, seconds)
    rate = events / max(seconds - begin, 1e-9)
    spent = spent_by(run, begin, seconds)
    lag = trend(*lags(run, begin, seconds, rate))
    behind = trend(*behinds(run, begin))
    refused = sum(n for one in run.loads for status, n in one.summary.statuses.items() if status != "202")
    lost = sum(each.summary.lost for each in run.loads)
    answers = [each.summary for each in run.loads]
    return Outcome(
        offered=run.plan.rate * size if run.plan.rate else None,
        accepted_a_second=rate,
        requests_a_second=rate / size,
        accepted=sum(each.accepted for each in answers),
        refused=refused,
        lost=lost,
        unsent=sum(each.unsent for each in answers),
        again=sum(each.again for each in answers),
        bytes_an_event=answers[0].bytes_an_event,
        accept={name: max(each.latency.get(name, 0.0) for each in answers) for name in answers[0].latency},
        freshness=freshness(run, begin, seconds),
        lag=lag,
        behind=behind,
        is_sustained=lag.is_bounded and behind.is_bounded and not refused and not lost,
        hops={name: percentile(found, 0.5) for name, found in hops(run, begin, seconds).items()},
        cpu=each(spent, int(events)),
        cores={name: used / (seconds - begin) for name, used in spent.items()},
        memory=memory(run),
        drained_after=run.drained_after,
        proof=run.proof,
        is_exact=run.proof.is_exact if run.proof else None,
        differing_minutes=run.differing_minutes,
    )


def accepted_by_time(run: Run) -> list[tuple[float, float]]:
    """Events accepted so far, of all generators together, by seconds since the beginning."""
    series = [[(0.0, 0.0), *((s.at, float(s.accepted)) for s in load.seconds)] for load in run.loads]
    ends = [(load.summary.seconds, float(load.summary.accepted)) for load in run.loads]
    full = [one if one[-1][0] >= end[0] else [*one, end] for one, end in zip(series, ends, strict=True)]
    times = [at for at, _ in full[0]]
    return [(at, sum(between(one, 0.0, at) for one in full)) for at in times]


def spent_by(run: Run, begin: float, end: float) -> dict[str, float]:
    """Seconds of CPU of each process between two times."""
    names = {name for sample in run.samples for name in sample.cpu}
    series = {name: [(s.at, s.cpu[name]) for s in run.samples if name in s.cpu] for name in sorted(names)}
    return {name: between(one, begin, end) for name, one in series.items()}


def lags(run: Run, begin: float, end: float, rate: float) -> tuple[list[float], list[float]]:
    """Times, and by how many seconds of a rate the store lies behind what was accepted."""
    told = accepted_by_time(run)
    times, found = [], []
    for sample in run.samples:
        if begin <= sample.at <= end and sample.stored is not None and rate:
            times.append(sample.at)
            found.append(max(between(told, 0, sample.at) - (sample.stored - run.stored_before), 0) / rate)
    return times, found


def behinds(run: Run, begin: float) -> tuple[list[float], list[float]]:
    """Times, and by how many seconds the slowest generator lies behind."""
    longest = max((load.seconds for load in run.loads), key=len)
    told = [second for second in longest if second.at >= begin]
    return [second.at for second in told], [second.behind for second in told]


def hops(run: Run, begin: float, end: float) -> dict[str, list[float]]:
    """Records each hop lay behind, of the samples between two times."""
    found: dict[str, list[float]] = {}
    for sample in run.samples:
        if begin <= sample.at <= end:
            for hop, records in sample.lag.items():
                found.setdefault(hop, []).append(records)
    return found


def freshness(run: Run, begin: float, end: float) -> dict[str, dict[str, float]]:
    """After how long the probe's events had come how far, of those sent between two times."""
    sent = [one for one in run.probes if begin <= one.sent - run.began <= end]
    found: dict[str, dict[str, float]] = {}
    for hop in HOPS:
        values = [value for one in sent if (value := getattr(one, hop)) is not None]
        found[hop] = quantiles(values) | {"lost": len(sent) - len(values)}
    if run.ages and max(run.ages.values()):
        stored = {f"p{share * 100:g}": of_buckets(run.ages, share) for share in (0.5, 0.95, 0.99)}
        found["stored"] = stored | {"count": max(run.ages.values())}
    return found


def memory(run: Run) -> dict[str, dict[str, float]]:
    """MB of each process: at first, at most, at last."""
    names = sorted({name for sample in run.samples for name in sample.memory})
    found = {}
    for name in names:
        series = [(s.at, s.memory[name]) for s in run.samples if name in s.memory]
        sizes = [size for _, size in series]
        found[name] = {"first": sizes[0], "most": max(sizes), "last": sizes[-1]}
    return found


def told(evidence: Evidence, found: Outcome, raw: str, what: str, is_singles: bool = False) -> None:
    """Keep an outcome under the name `raw`, and take those of its figures that reports show, `what` before their names."""
    evidence.raw(raw, found)
    rate, unit = ("requests_a_second", "requests/s") if is_singles else ("accepted_a_second", "events/s")
    evidence.figure(f"{what}: accepted", unit, raw, rate)
    evidence.figure(f"{what}: bounded, nothing refused", "", raw, "is_sustained")
    if found.proof is not None:
        evidence.figure(f"{what}: exact", "", raw, "is_exact")
    for name in found.accept:
        evidence.figure(f"{what}: accept {name}", "s", raw, "accept", name)
    for hop, values in found.freshness.items():
        for name in ("p50", "p95"):
            if name in values:
                evidence.figure(f"{what}: sent → {hop} {name}", "s", raw, "freshness", hop, name)
    for name in found.cpu:
        evidence.figure(f"{what}: CPU, {name}", "µs/event", raw, "cpu", name)


def lines(o: Outcome) -> list[str]:
    """An outcome for people."""
    offered = f" of {o.offered:,.0f} offered" if o.offered else ""
    verdict = "bounded" if o.lag.is_bounded and o.behind.is_bounded else "NOT bounded"
    told = [
        f"accepted {o.accepted_a_second:,.0f} events/s ({o.requests_a_second:,.1f} requests/s){offered};"
        f" refused {o.refused:,}, lost {o.lost:,}, unsent {o.unsent:,}; {o.bytes_an_event:.0f} B an event",
        f"lag {verdict}: median {o.lag.median:.2f} s, most {o.lag.highest:.2f}, last {o.lag.last:.2f}, rise {o.lag.rise:+.2f};"
        f" sending behind {o.behind.last:.2f} s",
        "accept ms " + _ms(o.accept),
        *(f"sent → {hop:8} ms {_ms(found)}" for hop, found in o.freshness.items() if found.get("count")),
        "µs an event " + _named(o.cpu, 2) + f"; cores {sum(o.cores.values()):.2f}",
        "MB " + _named({name: found["most"] for name, found in o.memory.items()}, 0),
    ]
    if o.proof:
        exact = "exact" if o.is_exact and not o.differing_minutes else "NOT EXACT"
        told.append(
            f"{exact}: {o.proof._asdict()}, differing minutes {o.differing_minutes}, drained after {o.drained_after or 0:.1f} s"
        )
    return told


def _ms(found: dict[str, float]) -> str:
    return "  ".join(
        f"{name} {value * 1000:.0f}" for name, value in found.items() if name.startswith("p") and not isnan(value)
    )


def _named(found: dict[str, Any], digits: int) -> str:
    return "  ".join(f"{name} {value:.{digits}f}" for name, value in found.items())
