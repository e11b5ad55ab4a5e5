"""The bench itself: a short run on the whole product, with two workers, leaves evidence that is good."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import validate
from bench.drive import drive
from bench.evidence import Evidence
from bench.hotdb import books
from bench.options import parser, plan
from bench.outcome import outcome
from bench.stack import Layout, Stack, running
from bench.sustained import measure, verdict

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running(Layout(embedded=True, streams=2, collectors=2, sites=3)) as found:
        yield found


def asked(*words: str) -> Namespace:
    return parser("", search=False).parse_args(["--seconds", "5", "--connections", "8", *words])


def test_a_short_run_is_exact_and_leaves_evidence(stack: Stack, tmp_path: Path) -> None:
    evidence = Evidence("sustained", {}, tmp_path / "run")
    options = asked("--rate", "2000", "--size", "50", "--duplicates", "0.05", "--hot", "0.6")
    found = measure(stack, options, evidence, "batches")
    assert found.is_exact
    assert found.differing_minutes == 0
    assert found.accepted > 1_000
    assert found.again > 0
    assert found.freshness["counted"]["count"] > 0
    assert {"collector", "collector 2", "streams", "streams 2", "sink", "kafka", "clickhouse", "generator-1"} < set(
        found.cpu
    )
    assert validate.faults(evidence.folder) == []
    assert "sustained batches: " in verdict(found, "batches")


def test_single_events_over_many_connections_are_exact_and_the_books_balance(stack: Stack) -> None:
    before = {each.site: each for each in books(stack, drive(stack, plan(asked("--rate", "10", "--seconds", "1"))))}
    run = drive(stack, plan(asked("--rate", "200", "--size", "1", "--connections", "64", "--late", "0")))
    found = outcome(run)
    assert found.is_exact
    assert found.differing_minutes == 0
    after = {each.site: each for each in books(stack, run)}
    for site, account in after.items():
        assert account.rows - before[site].rows == account.accepted
        assert account.rows == account.minutes


def test_a_worker_more_and_less_loses_nothing(stack: Stack) -> None:
    def change(_: float) -> None:
        name = stack.product.add("streams")
        stack.product.remove(name)

    assert outcome(drive(stack, plan(asked("--rate", "1000", "--size", "20")), meanwhile=change)).is_exact
