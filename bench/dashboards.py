"""Fifty dashboards that refresh every ten seconds while events come in: how long their answers take, and what they cost ClickHouse.

`python -m bench dashboards [--dashboards N] [--every S] [--seconds S] [--rate EVENTS]`. All are of one site and begin evenly spread over
the time between two refreshes; each refresh asks all its questions at once, as a browser does. Before that the same load runs with
no dashboard, which tells how fresh events are otherwise. Ends with 1 if a bar is missed.
"""

import argparse
import sys
import time
from pathlib import Path

from msgspec import Struct, structs
from prometheus_client.parser import text_string_to_metric_families

from bench.drive import drive
from bench.evidence import begin
from bench.figures import quantiles
from bench.filling import Filling, fill
from bench.load.refreshing import Refreshed, Refreshing, in_process
from bench.options import layout, parser, plan
from bench.outcome import Outcome, lines, outcome, told
from bench.stack import Stack, running
from clickhouse.client import Client, text_of

ASKED = Path(__file__).parent / "queries" / "dashboards_asked.sql"
BAR_MS = 300.0
FEWER = 0.9
FRESHER = 1.25
"""By so much longer, and so many seconds, may it take until an event is seen."""
FRESH_S = 0.25
CALM_S = 60
ANSWERS = "pulse_query_answers_total"


class Verdict(Struct, kw_only=True):
    """The figures: ms of an answer, the share of questions that ClickHouse was spared, seconds until an event is seen and counted."""

    api: dict[str, float]
    panels: dict[str, dict[str, float]]
    asked: int
    answered: int
    fewer: float
    kept: dict[str, int]
    wrong: int
    seen: dict[str, float]
    seen_calm: dict[str, float]
    counted: dict[str, float]
    counted_calm: dict[str, float]


def main(words: list[str]) -> int:
    """Measure; 1 if a bar is missed, or what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=20_000, seconds=300, sites=20, hot=0.3)
    options.add_argument("--dashboards", type=int, default=50)
    options.add_argument("--every", type=float, default=10, help="seconds between two refreshes of one")
    options.add_argument("--events", type=int, default=2_000_000, help="stored beforehand, half of them of the site")
    asked = options.parse_args(words)
    evidence = begin("dashboards", asked)
    with running(layout(asked)) as stack:
        _fill(stack, asked.events)
        calm = outcome(drive(stack, structs.replace(plan(asked), seconds=min(asked.seconds, CALM_S))))
        print("== without dashboards", *lines(calm), sep="\n", flush=True)
        refreshed: list[Refreshed] = []
        run = drive(stack, plan(asked), lambda seconds: refreshed.append(_refreshing(stack, asked, seconds)))
    busy, found = outcome(run), refreshed[0]
    print("== with dashboards", *lines(busy), sep="\n", flush=True)
    verdict = judged(found, calm, busy)
    evidence.raw("dashboards", verdict)
    evidence.raw("asked", found.asked)
    told(evidence, calm, "calm", "without dashboards")
    told(evidence, busy, "busy", "with dashboards")
    for part in ("p50", "p95", "p99"):
        evidence.figure(f"answer to a dashboard {part}", "ms", "dashboards", "api", part)
    evidence.figure("fewer questions of ClickHouse", "", "dashboards", "fewer")
    wrong = missed(verdict, busy)
    print(*said(verdict), *(f"missed: {each}" for each in wrong), f"evidence: {evidence.folder.name}", sep="\n")
    return 1 if wrong else 0


def judged(found: Refreshed, calm: Outcome, busy: Outcome) -> Verdict:
    """The figures of what dashboards asked, and of the load without and with them."""
    asked = sum(found.asked.values())
    every = [ms * 1000 for part in found.seconds.values() for ms in part]
    return Verdict(
        api=quantiles(every),
        panels={path: quantiles([ms * 1000 for ms in part]) for path, part in found.seconds.items()},
        asked=asked,
        answered=sum(found.found.values()),
        fewer=1 - asked / max(sum(found.found.values()), 1),
        kept=found.found,
        wrong=found.wrong,
        seen=busy.freshness["seen"],
        seen_calm=calm.freshness["seen"],
        counted=busy.freshness["counted"],
        counted_calm=calm.freshness["counted"],
    )


def missed(verdict: Verdict, busy: Outcome) -> list[str]:
    """The bars that are missed, in words."""
    wrong = []
    if not verdict.api.get("p95", BAR_MS) < BAR_MS:
        wrong.append(f"p95 {verdict.api.get('p95', 0):.0f} of {BAR_MS:.0f} ms")
    if verdict.fewer < FEWER:
        wrong.append(f"{verdict.fewer:.1%} fewer questions of ClickHouse, not {FEWER:.0%}")
    allowed = verdict.seen_calm["p95"] * FRESHER + FRESH_S
    if verdict.seen["p95"] > allowed:
        wrong.append(f"an event is seen within {verdict.seen['p95']:.2f} s, not {allowed:.2f}")
    if verdict.wrong:
        wrong.append(f"{verdict.wrong} answers were none")
    if not busy.is_exact or busy.differing_minutes:
        wrong.append("what was accepted is not exactly what is stored")
    return wrong


def said(verdict: Verdict) -> list[str]:
    """The figures for people."""
    return [
        *(
            f"  {path}: p50 {found['p50']:.0f}, p95 {found['p95']:.0f} ms of {found['count']}"
            for path, found in verdict.panels.items()
        ),
        f"{verdict.answered:,} answers: p50 {verdict.api['p50']:.0f}, p95 {verdict.api['p95']:.0f}, p99 {verdict.api['p99']:.0f} ms; {verdict.kept}",
        f"{verdict.asked:,} questions of ClickHouse: {verdict.fewer:.1%} fewer",
        f"an event is seen by SQL within p95 {verdict.seen['p95']:.2f} s (without dashboards {verdict.seen_calm['p95']:.2f}),"
        f" counted within {verdict.counted['p95']:.2f} ({verdict.counted_calm['p95']:.2f})",
    ]


def _fill(stack: Stack, events: int) -> None:
    client = Client(f"{stack.product.url('clickhouse')}/pulse", answer_seconds=600)
    wanted = Filling(events=events, sites=10, hot=0.5, end_ms=time.time_ns() // 1_000_000, site=stack.sites[0])
    if events:
        fill(client, wanted)
    client.close()


def _refreshing(stack: Stack, asked: argparse.Namespace, seconds: float) -> Refreshed:
    began = time.time()
    before = _answers(stack)
    wanted = Refreshing(
        query=stack.product.url("query"),
        key=stack.product.keys["admin_key"],
        site=stack.sites[0],
        dashboards=asked.dashboards,
        every=asked.every,
        seconds=seconds,
    )
    found = in_process(wanted)
    found.found = {how: count - before.get(how, 0) for how, count in _answers(stack).items()}
    client = Client(f"{stack.product.url('clickhouse')}/pulse")
    client.command("SYSTEM FLUSH LOGS query_log")
    given = {"since": int(began * 1e6), "until": int(time.time() * 1e6)}
    found.asked = dict(client.ask(text_of(ASKED), given).rows)  # type: ignore[arg-type]
    client.close()
    return found


def _answers(stack: Stack) -> dict[str, int]:
    """How many answers the query API has given so far, those to the load's probe too, by whether they were kept."""
    families = text_string_to_metric_families(stack.metrics("query"))
    samples = [sample for family in families for sample in family.samples if sample.name == ANSWERS]
    return {sample.labels["found"]: int(sample.value) for sample in samples}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
