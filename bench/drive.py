"""One run: a load on a stack, sampled and probed, then drained and proven; and the figures that come of it."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from msgspec import Struct, json, structs

from bench.exactness import Proof, prove, together
from bench.load.profile import Load, Profile, Second, Summary
from bench.probe import Followed, Probe
from bench.sampling import Sample, Sampling
from bench.scrape import Buckets, ages, since
from bench.stack import PROBE_SITE, Stack
from pulse.errors import Unavailable
from tests.exact import Store
from tests.product import ROOT

DRAIN_S = 600


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be sent: requests a second in all (none: as fast as answered), by so many generators."""

    profile: Profile
    seconds: float
    rate: float | None = None
    connections: int = 16
    generators: int = 1
    requests: int | None = None
    patient: bool = False
    sites: int | None = None
    """How many of the stack's sites are loaded, if not all."""
    probe_every: float | None = 0.5
    """Seconds between events of the probe; none without a probe."""


class Told(Struct, kw_only=True):
    """What one generator told."""

    stream: int
    seconds: list[Second]
    summary: Summary


class Run(Struct, kw_only=True):
    """All that was recorded of a run. Times are seconds since `began`, when the load did, in seconds since the epoch."""

    plan: Plan
    began: float
    loads: list[Told]
    samples: list[Sample]
    probes: list[Followed]
    stored_before: int
    ages: Buckets = {}
    """How old events were when they were stored, as the sinks tell: counts by upper bound in seconds."""
    drained_after: float | None = None
    proof: Proof | None = None
    differing_minutes: int | None = None


@dataclass
class Generator:
    """A load generator under way."""

    load: Load
    process: "subprocess.Popen[str]"
    seconds: list[Second] = field(default_factory=list)

    def told(self) -> Told:
        """Wait for the end and what it tells; raises RuntimeError if it fails."""
        assert self.process.stdout is not None
        last = ""
        for line in self.process.stdout:
            if '"by_site"' in line:
                last = line
            else:
                self.seconds.append(json.decode(line, type=Second))
        if self.process.wait() or not last:
            raise RuntimeError(f"the load generator failed with {self.process.returncode}")
        return Told(stream=self.load.stream, seconds=self.seconds, summary=json.decode(last, type=Summary))


def drive(stack: Stack, plan: Plan, meanwhile: Callable[[float], object] | None = None, prove_it: bool = True) -> Run:
    """Run a plan. `meanwhile` is called with the seconds of the load once it has begun, and may do what it likes."""
    before, younger = stack.stored(), ages(stack)
    probe = _probe(stack, plan)
    generators = [generate(stack, plan, n) for n in range(plan.generators)]
    extra = {f"generator-{n + 1}": each.process.pid for n, each in enumerate(generators)}
    if probe:
        extra["probe"] = probe.pid
    with Sampling(stack, extra) as sampling, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(each.told) for each in generators]
        if meanwhile:
            meanwhile(plan.seconds)
        loads = [each.result() for each in waiting]
        ended = time.time()
        probes = _probed(probe)
        began = min(each.summary.began for each in loads)
        run = Run(plan=plan, began=began, loads=loads, samples=[], probes=probes, stored_before=before)
        if prove_it:
            _drain(stack)
            run.drained_after = time.time() - ended
        run.ages = since(younger, ages(stack))
    run.samples = sampling.since(began)
    if prove_it:
        prove_run(stack, run)
    return run


def prove_run(stack: Stack, run: Run) -> None:
    """Compare the store with what was answered, and the minutes with the events."""
    size = run.plan.profile.size
    proofs = [
        prove(stack.ask, stack.folder / f"{each.stream}.npz", size, each.stream, PROBE_SITE) for each in run.loads
    ]
    run.proof = together(proofs)
    run.differing_minutes = Store(f"{stack.product.url('clickhouse')}/pulse").differing_minutes()


def accepted(run: Run) -> int:
    """Events that were answered 202."""
    return sum(each.summary.accepted for each in run.loads)


def generate(stack: Stack, plan: Plan, number: int = 0) -> Generator:
    """Start one of a plan's load generators."""
    stream, many = stack.next_stream(), plan.generators
    load = Load(
        collectors=stack.collectors,
        keys=stack.keys[: plan.sites],
        profile=structs.replace(plan.profile, seed=plan.profile.seed * 100 + number),
        seconds=plan.seconds,
        stream=stream,
        rate=plan.rate / many if plan.rate else None,
        connections=max(plan.connections // many, 1),
        requests=plan.requests // many if plan.requests else None,
        patient=plan.patient,
        answers=str(stack.folder / f"{stream}.npz"),
    )
    return Generator(load, _python("bench.load", load))


def _probe(stack: Stack, plan: Plan) -> "subprocess.Popen[str] | None":
    """A probe that has begun."""
    if plan.probe_every is None:
        return None
    product = stack.product
    probe = Probe(
        collector=product.url("collector"),
        query=product.url("query"),
        clickhouse=product.url("clickhouse"),
        kafka=product.url("kafka"),
        key=stack.probe_key,
        site=PROBE_SITE,
        partitions=stack.layout.partitions,
        every=plan.probe_every,
    )
    made = _python("bench.probe", probe)
    assert made.stdout is not None
    made.stdout.readline()
    return made


def _probed(probe: "subprocess.Popen[str] | None") -> list[Followed]:
    if probe is None:
        return []
    probe.terminate()
    said, _ = probe.communicate(timeout=120)
    return json.decode(said, type=list[Followed])


def _drain(stack: Stack) -> None:
    deadline = time.time() + DRAIN_S
    while True:
        try:
            return stack.drained(deadline - time.time())
        except (Unavailable, httpx.HTTPError):
            if time.time() > deadline:
                raise


def _python(module: str, asked: Struct) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", module, json.encode(asked).decode()]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
