"""How fast a backlog is worked off: events sent while the streams are stopped, then the streams are started.

`python -m bench catchup [--events N]`.
"""

import sys

from msgspec import Struct, structs

from bench.drive import accepted, drive, prove_run
from bench.evidence import begin
from bench.figures import between, each
from bench.options import layout, parser, plan
from bench.sampling import Sample, Sampling
from bench.stack import Stack, running
from tests.eventually import eventually

DRAIN_S = 3_600
HOURS = 24.0
MIDDLE = (0.1, 0.9)
"""Which part of the backlog is counted for the rate."""


class Caught(Struct, kw_only=True):
    """What a catch-up came to."""

    backlog: int
    seconds: float
    events_a_second: float
    cpu: dict[str, float]
    memory: dict[str, float]
    is_exact: bool


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=None, seconds=HOURS * 3600, probe_every=0)
    options.add_argument("--events", type=int, default=1_000_000)
    asked = options.parse_args(words)
    evidence = begin("catchup", asked)
    with running(layout(asked)) as stack:
        streams = stack.product.all_of("streams")
        stack.product.stop(*streams)
        sent = structs.replace(plan(asked), requests=max(asked.events // asked.size, 1))
        run = drive(stack, sent, prove_it=False)
        print(f"{accepted(run):,} events wait", flush=True)
        samples = catch_up(stack, streams, run.stored_before + accepted(run))
        prove_run(stack, run)
    found = caught(samples, run.stored_before, accepted(run), bool(run.proof and run.proof.is_exact))
    evidence.raw("samples", samples)
    evidence.raw("caught", found)
    for name, unit in (("events_a_second", "events/s"), ("seconds", "s"), ("backlog", "events"), ("is_exact", "")):
        evidence.figure(f"catch-up: {name.replace('_', ' ')}", unit, "caught", name)
    print(f"caught up with {found.backlog:,} in {found.seconds:.1f} s: {found.events_a_second:,.0f} events/s")
    print("µs an event " + "  ".join(f"{name} {us:.2f}" for name, us in found.cpu.items()))
    print("exact" if found.is_exact else f"NOT EXACT: {run.proof}")
    return 0 if found.is_exact else 1


def catch_up(stack: Stack, streams: list[str], until: int) -> list[Sample]:
    """Start the streams, and sample until all is stored."""
    with Sampling(stack) as sampling:
        stack.product.start(*streams)
        eventually(lambda: stack.stored() >= until, within=DRAIN_S, every=0.2)
    stack.drained(DRAIN_S)
    return sampling.samples


def caught(samples: list[Sample], before: int, backlog: int, is_exact: bool) -> Caught:
    """The figures: from the first row to the last, the rate over the middle."""
    stored = [(s.at, float(s.stored - before)) for s in samples if s.stored is not None]
    first = next((at for at, rows in stored if rows), 0.0)
    begin, end = (next((at for at, rows in stored if rows >= share * backlog), stored[-1][0]) for share in MIDDLE)
    events = between(stored, begin, end)
    names = samples[-1].cpu
    spent = {name: between([(s.at, s.cpu[name]) for s in samples if name in s.cpu], begin, end) for name in names}
    return Caught(
        backlog=backlog,
        seconds=stored[-1][0] - first,
        events_a_second=events / (end - begin) if end > begin else backlog / max(stored[-1][0], 1e-9),
        cpu=each(spent, int(events)),
        memory={name: max(s.memory.get(name, 0.0) for s in samples) for name in names},
        is_exact=is_exact,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
