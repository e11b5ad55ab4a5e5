"""One question asked again and again, of the query API and by hand in turn: how long it takes each, and whether they tell the same.

All caches of the stores are warm: each question is asked once before, and by hand it reads what the API's has just read.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from msgspec import Struct

from bench.figures import quantiles
from bench.questions import Question, Request, Rows
from clickhouse.client import Client, text_of

QUERIES = Path(__file__).parent / "queries"
BY_HAND = "by-hand-"
Got = TypeVar("Got")
Span = tuple[int, int]
"""From when to when, in µs."""

FEWEST, LONGEST_S = 3, 20.0
"""By hand it is asked as often as the API, but not for longer than that."""


class Measured(Struct, kw_only=True):
    """How long a question takes: quantiles in ms of the API's answers, of those kept, and by hand.

    `store_ms` is for how long ClickHouse was at what the API asked for one answer, by its own word, of `asked` questions each,
    several at once counted once; `own_ms` what the API adds to that, on average; `beyond_ms` by how much the API's median lies
    above that by hand. The stores' caches are warm.
    """

    name: str
    bar_ms: float | None
    api: dict[str, float]
    kept: dict[str, float]
    by_hand: dict[str, float]
    store_ms: float
    asked: float
    own_ms: float
    beyond_ms: float
    source: str = ""
    is_same: bool | None = None
    """Whether both told the same each time; None where time goes on between them."""


class Asker:
    """Asks the query API and ClickHouse, both over HTTP with connections that stay."""

    def __init__(self, query: str, clickhouse: str, key: str, client: Client) -> None:
        self._api = httpx.Client(base_url=query, headers={"authorization": f"Bearer {key}"}, timeout=600)
        self._store = httpx.Client(base_url=clickhouse, timeout=600)
        self._client = client

    def close(self) -> None:
        """Give back the connections."""
        self._api.close()
        self._store.close()

    def ask(self, request: Request) -> httpx.Response:
        """The API's answer; raises for one that is none."""
        content = {"content-type": "application/json"} if request.content else {}
        answer = self._api.request(
            request.method, request.path, params=request.params, content=request.content, headers=content
        )
        answer.raise_for_status()
        return answer

    def by_hand(self, name: str, given: Mapping[str, Any]) -> Rows:
        """The rows of a statement by hand."""
        sent = {f"param_{each}": str(value) for each, value in given.items()}
        form = {"database": "pulse", "default_format": "JSONCompact", "output_format_json_quote_64bit_integers": "0"}
        params = form | sent | {"query_id": f"{BY_HAND}{uuid4().hex}"}
        answer = self._store.post("/", content=text_of(QUERIES / f"{name}.sql"), params=params)
        assert answer.status_code == 200, answer.text
        rows: Rows = answer.json()["data"]
        return rows

    def spent(self, asked: Sequence[Span]) -> tuple[float, int]:
        """For how many ms ClickHouse was at what the API asked while it was asked itself, and how many questions that was."""
        self._client.command("SYSTEM FLUSH LOGS query_log")
        given = {"database": "pulse", "by_hand": BY_HAND, "since": asked[0][0], "until": time.time_ns() // 1_000}
        rows = self._client.ask(text_of(QUERIES / "answers_spent.sql"), given).rows
        found = [within([(int(began), int(ended)) for began, ended in rows], each) for each in asked]
        return sum(map(covered, found)) / 1000, sum(map(len, found))


def within(spans: Iterable[Span], whole: Span) -> list[Span]:
    """Those that begin within another one, as far as they lie there."""
    return [(began, min(ended, whole[1])) for began, ended in spans if whole[0] <= began < whole[1]]


def covered(spans: Iterable[Span]) -> int:
    """How much spans cover together; where several lie above one another it counts once."""
    total = reached = 0
    for began, ended in sorted(spans):
        total += max(ended - max(began, reached), 0)
        reached = max(ended, reached)
    return total


def measured(asker: Asker, question: Question, runs: int) -> Measured:
    """Ask so often, after a first time that does not count."""
    told = question.told
    return timed(
        asker,
        question.name,
        question.bar_ms,
        runs,
        lambda n: asker.ask(question.asked(n)),
        lambda n: asker.by_hand(question.by_hand, question.given(n)),
        None if told is None else lambda answer, rows: bool(told(answer.json()) == question.read(rows)),
    )


def timed(
    asker: Asker,
    name: str,
    bar_ms: float | None,
    runs: int,
    ask: Callable[[int], httpx.Response],
    by_hand: Callable[[int], Rows],
    is_same: Callable[[httpx.Response, Rows], bool] | None,
    keeps: bool = True,
) -> Measured:
    """The figures of something that is asked in one way and by hand in turn."""
    walls, hands, same, spans = list[float](), list[float](), list[bool](), list[Span]()
    ask(runs)
    for n in range(runs):
        began = time.time_ns() // 1_000
        answer, wall = clocked(lambda n=n: ask(n))  # type: ignore[misc]
        walls.append(wall)
        spans.append((began, time.time_ns() // 1_000))
        assert answer.headers.get("X-Cache", "miss") == "miss"
        if sum(hands) < LONGEST_S * 1000 or len(hands) < FEWEST:
            rows, hand = clocked(lambda n=n: by_hand(n))  # type: ignore[misc]
            hands.append(hand)
            if is_same is not None:
                same.append(is_same(answer, rows))
    store_ms, asked = asker.spent(spans)
    kept = [clocked(lambda: ask(runs - 1))[1] for _ in range(runs + 1)][1:] if keeps else []
    found, hand_found = quantiles(walls), quantiles(hands)
    return Measured(
        name=name,
        bar_ms=bar_ms,
        api=found,
        kept=quantiles(kept),
        by_hand=hand_found,
        store_ms=store_ms / runs,
        asked=asked / runs,
        own_ms=(sum(walls) - store_ms) / runs,
        beyond_ms=found["p50"] - hand_found["p50"],
        source=_source(answer.json()),
        is_same=all(same) if same else None,
    )


def clocked(work: Callable[[], Got]) -> tuple[Got, float]:
    """What some work brings, and how many ms it took."""
    began = time.perf_counter()
    found = work()
    return found, (time.perf_counter() - began) * 1000


def _source(answer: Any) -> str:
    data = answer.get("data", answer) if isinstance(answer, dict) else {}
    return str(data.get("meta", {}).get("source", "")) if isinstance(data, dict) else ""
