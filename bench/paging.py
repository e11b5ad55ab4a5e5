"""How much memory the query API takes while a million members of a cohort are paged through, and ten million rows exported.

`python -m bench paging [--members N] [--rows N] [--format csv]`. Its own process, over HTTP; the memory is sampled twenty times a
second. The export is a statement to `POST /api/v1/sql`, read as fast as it comes. Ends with 1 if a bar is missed, or if not all came.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from msgspec import Struct

from bench.evidence import begin
from bench.filling import SETTINGS
from bench.stack import Layout, running
from clickhouse.client import Client, text_of
from tests.product import Product

EVENTS = Path(__file__).parent / "queries" / "paging_events.sql"
BAR_MB = 300.0
A_PAGE = 10_000
EVERY_S = 0.05
LONGEST_S = 600
RANGE_MS = 30 * 86_400_000
SITE = "paged"
STATEMENT = "SELECT event_id, ts, event, visitor_id, path, country, device_type, browser, properties FROM events"


class Part(Struct, kw_only=True):
    """What was fetched, how long that took, and how much memory the API took: before, at most and afterwards, in MB."""

    name: str
    fetched: int
    bytes: int
    seconds: float
    before: float
    most: float
    after: float


class Memory:
    """Samples a process's memory for as long as a block lasts."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.sizes = [self.now()]

    def now(self) -> float:
        """MB."""
        return float(self._process.memory_info().rss / 1e6)

    @contextmanager
    def sampled(self) -> Iterator[None]:
        """Sample until the end of the block."""
        ended = threading.Event()
        self.sizes = [self.now()]

        def run() -> None:
            while not ended.wait(EVERY_S):
                self.sizes.append(self.now())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def main(words: list[str]) -> int:
    """Measure; 1 if it takes too much, or not all came."""
    asked = options().parse_args(words)
    evidence = begin("paging", asked)
    with running(Layout(embedded=True, sql=True, settings={"PULSE_QUERY_SECONDS": f"{LONGEST_S}"})) as stack:
        product = stack.product
        key = stack.add(SITE, "sql:read")
        product.stop(*(name for name in product.processes if name != "query"))
        fill(product, asked.members, asked.rows)
        memory = Memory(stack.pids()["query"])
        headers = {"authorization": f"Bearer {product.keys['admin_key']}"}
        with httpx.Client(base_url=product.url("query"), headers=headers, timeout=300) as api:
            parts = [exported(api, memory, asked.format, key)]
            print(line(parts[0]), flush=True)
            parts.append(paged(api, memory))
            print(line(parts[1]), flush=True)
    evidence.raw("paging", parts)
    for n, each in enumerate(parts):
        evidence.figure(f"{each.name}: most memory of the API", "MB", "paging", n, "most")
        evidence.figure(f"{each.name}: fetched", "", "paging", n, "fetched")
        evidence.figure(f"{each.name}: seconds", "s", "paging", n, "seconds")
    wrong = [f"{each.name}: {each.most:.0f} of {BAR_MB:.0f} MB" for each in parts if each.most >= BAR_MB]
    for each, wanted in zip(parts, (asked.rows, asked.members), strict=True):
        if each.fetched != wanted:
            wrong.append(f"{each.name}: {each.fetched:,} of {wanted:,}")
    print(*(f"missed: {each}" for each in wrong), f"evidence: {evidence.folder.name}", sep="\n")
    return 1 if wrong else 0


def line(each: Part) -> str:
    """A part's figures for people."""
    return (
        f"{each.name}: {each.fetched:,} in {each.seconds:.1f} s, {each.bytes / 1e6:.0f} MB;"
        f" memory {each.before:.0f} MB before, {each.most:.0f} at most, {each.after:.0f} afterwards"
    )


def options() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--members", type=int, default=1_000_000)
    made.add_argument("--rows", type=int, default=10_000_000)
    made.add_argument("--format", default="csv", choices=("csv", "ndjson"))
    made.add_argument("--label", default="", help="added to the evidence's name")
    return made


def fill(product: Product, members: int, rows: int) -> None:
    """Store so many events, of as many visitors as there are to be members."""
    client = Client(f"{product.url('clickhouse')}/pulse", answer_seconds=600)
    given = {"site": SITE, "end": time.time_ns() // 1_000_000, "visitors": members, "events": rows}
    client.command(text_of(EVENTS), given | {"apart": max(RANGE_MS // rows, 1)}, **SETTINGS)
    client.close()


def paged(api: httpx.Client, memory: Memory) -> Part:
    """Page through a cohort of everybody who has seen a page."""
    body = {"site_id": SITE, "name": "all", "of": "visitors", "definition": {"did": {"event": "page_view"}}}
    path = f"/api/v1/cohorts/{_ok(api.post('/api/v1/cohorts', json=body)).json()['id']}/members"
    cursor, members, size = "", set[str](), 0
    before, began = memory.now(), time.monotonic()
    with memory.sampled():
        while cursor is not None:
            answer = _ok(api.get(path, params={"limit": A_PAGE} | ({"cursor": cursor} if cursor else {})))
            page = answer.json()
            members |= {each["visitor_id"] for each in page["data"]}
            size += len(answer.content)
            cursor = page["next_cursor"]
    return _part("members paged", len(members), size, began, before, memory)


def exported(api: httpx.Client, memory: Memory, form: str, key: str) -> Part:
    """Export the site's events."""
    body = {"site_id": SITE, "query": STATEMENT, "format": form}
    lines, size = 0, 0
    before, began = memory.now(), time.monotonic()
    headers = {"authorization": f"Bearer {key}"}
    with memory.sampled(), api.stream("POST", "/api/v1/sql", json=body, headers=headers) as answer:
        if answer.is_error:
            answer.read()
        _ok(answer)
        for piece in answer.iter_raw():
            lines += piece.count(b"\n")
            size += len(piece)
    return _part("rows exported", lines - (form == "csv"), size, began, before, memory)


def _part(name: str, fetched: int, size: int, began: float, before: float, memory: Memory) -> Part:
    return Part(
        name=name,
        fetched=fetched,
        bytes=size,
        seconds=time.monotonic() - began,
        before=before,
        most=max(memory.sizes),
        after=memory.now(),
    )


def _ok(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
