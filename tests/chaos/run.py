"""One run: a product of several of everything, a steady load, a plan of faults, and in the end the verdict."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.chaos.load import Load, Tally
from tests.chaos.plan import Fault
from tests.chaos.strike import Say, Striker
from tests.chaos.verdict import WITNESS, Verdict, explain, judge
from tests.eventually import eventually
from tests.exact import Store
from tests.product import DATABASE, Product

PARTITIONS = 6
SETTINGS = {"PULSE_PARTITIONS": str(PARTITIONS), "PULSE_REPLICATION": "3"}
COUNTS = {"kafka": 3, "collector": 2, "streams": 3, "sink": 2}
FUNNEL = {"steps": [{"event": "click"}, {"event": "purchase"}], "window": "7d"}
SETTLED_S = 300
VERDICT_S = 60


@dataclass
class Run:
    """What came of a run: the faults that were done, what should never have happened, and the verdict."""

    faults: int
    errors: list[str]
    verdict: Verdict

    @property
    def is_exact(self) -> bool:
        """Whether all went as it must."""
        return not self.errors and self.verdict.is_exact


def begin(folder: Path, *, counts: dict[str, int] | None = None, static: bool = False) -> Product:
    """A product for a run; `static` gives the stream workers names of their own, so that they keep their partitions."""
    product = Product.begin(
        folder, counts=counts or COUNTS, settings=SETTINGS | ({"PULSE_INSTANCE": "chaos"} if static else {})
    )
    Store(f"{product.url('clickhouse')}/{DATABASE}").rows(WITNESS)
    _save_funnel(product)
    return product


def _save_funnel(product: Product) -> None:
    """One funnel whose rows a view writes."""
    headers = {"authorization": f"Bearer {product.keys['admin_key']}"}
    with httpx.Client(base_url=product.url("query"), headers=headers, timeout=30) as client:
        made = client.post("/api/v1/funnels", json={"site_id": product.site, "name": "bought", **FUNNEL})
        made.raise_for_status()
        path = f"/api/v1/funnels/{made.json()['id']}"
        eventually(lambda: client.get(path).json()["rows"] == "ready", within=VERDICT_S)


def run(product: Product, plan: Iterable[Fault], load: Load, say: Say, until: float = float("inf")) -> Run:
    """Strike while events flow, wait until all is in, and judge."""
    load.start()
    striker = Striker(product, say)
    began = time.monotonic()
    try:
        striker.strike(plan, until)
        time.sleep(1)
    finally:
        tally = load.stop()
    took = time.monotonic() - began
    answers = ", ".join(f"{n} × {status or 'no answer'}" for status, n in sorted(tally.answers.items()))
    say(
        f"{len(tally.sent):,} events sent in {took:.0f} s, {len(tally.accepted):,} of them accepted; answers: {answers}"
    )
    errors = striker.errors + [f"answered {said}" for said in tally.wrong[:5]]
    verdict = _settled(product, tally, say, errors)
    striker.end()
    return Run(striker.done, errors, verdict)


def _settled(product: Product, tally: Tally, say: Say, errors: list[str]) -> Verdict:
    store = Store(f"{product.url('clickhouse')}/{DATABASE}")
    began = time.monotonic()
    try:
        product.ready(within=SETTLED_S)
        product.drained(within=SETTLED_S)
    except Exception as error:
        errors.append(f"not settled after {time.monotonic() - began:.0f} s: {error}")
    say(f"settled after {time.monotonic() - began:.0f} s")
    until = time.monotonic() + (0 if errors else VERDICT_S)
    while not (verdict := judge(store, tally)).is_exact and time.monotonic() < until and verdict.missing:
        time.sleep(2)
    say(str(verdict))
    for line in explain(verdict, product.environment["PULSE_KAFKA_URL"], PARTITIONS):
        say(line)
    return verdict
