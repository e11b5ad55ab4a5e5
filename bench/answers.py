"""How fast reports are on a hundred million events of five hundred sites, one with 30 %, beside the best SQL by hand.

`python -m bench answers [--events N] [--sites N] [--hot SHARE] [--runs N]`. The events are made inside ClickHouse and go through
all its views; then the query API's own process is asked about the site that is hot, each question of another range each time so
that no answer is kept, in turn with SQL over HTTP that tells the same; once more where it is kept. The stores' caches are warm.
Ends with 1 if a bar is missed.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import httpx
from msgspec import json

from bench.asking import Asker, Measured, measured, timed
from bench.evidence import Evidence, begin
from bench.filling import DAY_MS, Filling, add, fill
from bench.questions import FUNNEL, Request, members, questions, realtime
from bench.stack import Layout, Stack, running
from clickhouse.client import Client
from tests.eventually import eventually

SITE = "hot"
KEPT_BAR_MS = 10.0
OWN_BAR_MS = 15.0
"""What the API may add to what ClickHouse takes."""
MEMBERS = 100_000
MADE_BAR_MS = 2_000.0
WITHIN_DAYS = (7, 14, 30, 60, 90)
READY_S = 600
FRESH_MS = 3_600_000


def main(words: list[str]) -> int:
    """Fill, ask, and keep it; 1 if a bar is missed."""
    asked = options().parse_args(words)
    evidence = begin("answers", asked)
    with running(Layout(embedded=True)) as stack:
        product = stack.product
        product.stop(*product.processes)
        client = Client(f"{product.url('clickhouse')}/pulse", answer_seconds=READY_S)
        wanted = filled(client, asked)
        product.start("query")
        stack.add(SITE)
        key = product.keys["admin_key"]
        asker = Asker(product.url("query"), product.url("clickhouse"), key, client)
        found = []
        for each in results(stack, asker, client, wanted, asked.runs):
            found.append(each)
            print(line(each), flush=True)
        asker.close()
    told(evidence, found)
    wrong = missed(found)
    print(*(f"missed: {each}" for each in wrong), f"evidence: {evidence.folder.name}", sep="\n")
    return 1 if wrong else 0


def options() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--events", type=int, default=100_000_000)
    made.add_argument("--sites", type=int, default=500)
    made.add_argument("--hot", type=float, default=0.3, help="share of the events that the first site has")
    made.add_argument("--visitors", type=int, default=0, help="of that site; one for 50 events if not given")
    made.add_argument("--runs", type=int, default=20)
    made.add_argument("--label", default="", help="added to the evidence's name")
    return made


def filled(client: Client, asked: argparse.Namespace) -> Filling:
    """Store what is asked for, up to now."""
    wanted = Filling(
        events=asked.events,
        sites=asked.sites,
        hot=asked.hot,
        visitors=asked.visitors,
        end_ms=now_ms(),
        site=SITE,
    )
    began = time.monotonic()
    fill(client, wanted)
    took = time.monotonic() - began
    [[rows, hot]] = client.ask("SELECT count(), countIf(site_id = 'hot') FROM events").rows
    print(
        f"{rows:,} events, {hot:,} of them of one site, within {took:.0f} s; all that follows is with warm caches",
        flush=True,
    )
    return wanted


def results(stack: Stack, asker: Asker, client: Client, wanted: Filling, runs: int) -> Iterator[Measured]:
    """Each question's figures, those of a snapshot last, for which the API is started anew."""
    all_of = questions(SITE, wanted.end_ms)
    for name in ("counts", "users", "days", "top", "pages", "funnel", "live"):
        yield measured(asker, all_of[name], runs)
    save(asker)
    yield measured(asker, all_of["saved"], runs)
    yield cohorts(asker, wanted, runs)
    later = Filling(**{name: getattr(wanted, name) for name in ("events", "sites", "hot", "visitors")}, end_ms=now_ms())
    add(client, later, max(wanted.end_ms, later.end_ms - FRESH_MS), later.end_ms)
    yield measured(asker, realtime(SITE, now_ms), runs)
    stack.product.stop("query")
    stack.product.start("query")
    eventually(lambda: is_snapshot(asker.ask(all_of["retention"].asked(-1))), within=READY_S, every=1)
    yield measured(asker, all_of["retention"], runs)


def save(asker: Asker) -> None:
    """Save the funnel, and wait until it has rows of its own."""
    body = json.encode({"site_id": SITE, "name": "bench", **FUNNEL})
    made = asker.ask(Request("POST", "/api/v1/funnels", content=body)).json()
    path = f"/api/v1/funnels/{made['id']}"
    eventually(lambda: asker.ask(Request("GET", path)).json()["rows"] == "ready", within=READY_S, every=0.5)


def cohorts(asker: Asker, wanted: Filling, runs: int) -> Measured:
    """Making a cohort of a hundred thousand members and counting them, each time another cohort."""
    end = wanted.end_ms
    spans = [{"site": SITE, "start": end - days * DAY_MS, "end": end, "event": "purchase"} for days in WITHIN_DAYS]
    sizes = [(asker.by_hand("by_hand_members", each)[0][0], each) for each in spans]
    size, given = next((each for each in sizes if each[0] >= MEMBERS), sizes[-1])
    made = list[str]()

    def make(_: int) -> httpx.Response:
        who = members("purchase") | {"start_date": str(given["start"]), "end_date": str(given["end"])}
        body = json.encode({"site_id": SITE, "name": f"bench {len(made)}", "definition": who})
        made.append(asker.ask(Request("POST", "/api/v1/cohorts", content=body)).json()["id"])
        return asker.ask(Request("GET", f"/api/v1/cohorts/{made[-1]}/size"))

    return timed(
        asker,
        f"a cohort of {size:,} made and counted",
        MADE_BAR_MS,
        runs,
        make,
        lambda _: asker.by_hand("by_hand_members", given),
        lambda answer, rows: bool(answer.json()["members"] == rows[0][0]),
        keeps=False,
    )


def is_snapshot(answer: httpx.Response) -> bool:
    """Whether a retention was answered from what the night has made."""
    return bool(answer.json()["data"]["meta"]["snapshot"])


def missed(found: list[Measured]) -> list[str]:
    """The bars that are missed, in words."""
    wrong = []
    for each in found:
        if each.bar_ms is not None and each.api["p95"] >= each.bar_ms:
            wrong.append(f"{each.name}: p95 {each.api['p95']:.0f} of {each.bar_ms:.0f} ms")
        if each.kept and each.kept.get("p95", 0) >= KEPT_BAR_MS:
            wrong.append(f"{each.name}, kept: p95 {each.kept['p95']:.1f} of {KEPT_BAR_MS:.0f} ms")
        if each.own_ms >= OWN_BAR_MS:
            wrong.append(f"{each.name}: the API adds {each.own_ms:.1f} of {OWN_BAR_MS:.0f} ms")
        if each.is_same is False:
            wrong.append(f"{each.name}: SQL by hand tells something else")
    return wrong


def told(evidence: Evidence, found: list[Measured]) -> None:
    """Keep the figures."""
    evidence.raw("answers", found)
    for n, each in enumerate(found):
        for part in ("p50", "p95"):
            evidence.figure(f"{each.name}: {part}", "ms", "answers", n, "api", part)
            evidence.figure(f"{each.name}, by hand: {part}", "ms", "answers", n, "by_hand", part)
        if each.kept.get("count"):
            evidence.figure(f"{each.name}, kept: p95", "ms", "answers", n, "kept", "p95")
        evidence.figure(f"{each.name}: what the API adds", "ms", "answers", n, "own_ms")
        evidence.figure(f"{each.name}: median beyond that by hand", "ms", "answers", n, "beyond_ms")


def line(each: Measured) -> str:
    """A question's figures for people."""
    bar = "" if each.bar_ms is None else f" of {each.bar_ms:.0f}"
    kept = f", kept {each.kept['p95']:.1f}" if each.kept.get("count") else ""
    same = "" if each.is_same is None else ", the same" if each.is_same else ", NOT THE SAME"
    return (
        f"{each.name}: p50 {each.api['p50']:.0f}, p95 {each.api['p95']:.0f}{bar} ms{kept};"
        f" by hand p50 {each.by_hand['p50']:.0f}, p95 {each.by_hand['p95']:.0f}{same};"
        f" the API adds {each.own_ms:.1f} to {each.asked:.1f} questions; {each.source}"
    )


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
