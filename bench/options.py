"""The options that measurements share."""

import argparse
from typing import Any

from bench.drive import Plan
from bench.load.profile import Profile
from bench.stack import Layout


def parser(about: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """A parser with the shared options; `defaults` are a measurement's own."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    _of_load(made)
    _of_layout(made)
    made.add_argument("--label", default="", help="added to the evidence's name")
    made.set_defaults(**defaults)
    return made


def _of_load(made: argparse.ArgumentParser) -> None:
    made.add_argument("--seconds", type=float, default=30)
    made.add_argument("--rate", type=float, help="events a second in all; without one as fast as answered")
    made.add_argument("--size", type=int, default=500, help="events a request")
    made.add_argument("--connections", type=int, default=16)
    made.add_argument("--generators", type=int, default=1, help="processes that send")
    made.add_argument("--visitors", type=int, default=100_000)
    made.add_argument("--hot", type=float, default=0.0, help="share of requests that go to the first site")
    made.add_argument("--late", type=float, default=0.01, help="share of events up to a day late")
    made.add_argument("--duplicates", type=float, default=0.005, help="share of requests sent again")
    made.add_argument("--no-agents", action="store_true", help="events without address and user agent")
    made.add_argument("--probe-every", type=float, default=0.5, help="seconds between the probe's events; 0: no probe")
    made.add_argument("--seed", type=int, default=1)


def _of_layout(made: argparse.ArgumentParser) -> None:
    made.add_argument("--collectors", type=int, default=1)
    made.add_argument("--streams", type=int, default=1)
    made.add_argument("--sinks", type=int, default=1)
    made.add_argument("--partitions", type=int, default=4)
    made.add_argument("--sites", type=int, default=1)
    made.add_argument("--embedded", action="store_true", help="the embedded log instead of Apache Kafka")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a PULSE_… setting")


def layout(asked: argparse.Namespace) -> Layout:
    """The layout that is asked for."""
    return Layout(
        collectors=asked.collectors,
        streams=asked.streams,
        sinks=asked.sinks,
        partitions=asked.partitions,
        sites=asked.sites,
        embedded=asked.embedded,
        settings=dict(pair.split("=", 1) for pair in asked.set),
    )


def plan(asked: argparse.Namespace, rate: float | None = None) -> Plan:
    """The plan that is asked for, at another rate of events a second if one is given."""
    events = rate or asked.rate
    return Plan(
        profile=Profile(
            size=asked.size,
            visitors=asked.visitors,
            hot_ratio=asked.hot,
            late_ratio=asked.late,
            duplicate_ratio=asked.duplicates,
            with_agents=not asked.no_agents,
            seed=asked.seed,
        ),
        seconds=asked.seconds,
        rate=events / asked.size if events else None,
        connections=asked.connections,
        generators=asked.generators,
        probe_every=asked.probe_every or None,
    )
