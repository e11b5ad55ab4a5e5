"""Writes skewed events into a file: hot, medium and quiet tenants, bursts, late arrivals, events sent twice; the same seed, the same bytes.

`python -m bench skew --tenants 100 --events 100000 --days 30 --hot-tenant-ratio 0.6 --late-arrival-ratio 0.05
--duplicate-ratio 0.01 --output events.jsonl`. A line is an event with its `site_id`, in the order of arrival; `arrived_at`, in
ms, says when. Prints what was written as JSON: shares as they came out, tenants by class, events of the last 7, 30, 90 days.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct, json

from bench.load.people import ADDRESS, PERSONAS, Persona, personas
from pulse.demo.journey import CHAIN, PAGES, landing, step

DAY_MS = 86_400_000
END_MS = 1_767_225_600_000
"""When the last event arrives, unless told otherwise: 2026-01-01."""
MEDIUM_SHARE, MEDIUM_WEIGHT = 0.1, 8
"""So many of the tenants are medium, each with so many times the events of a quiet one."""
BURST_SHARE, BURSTS, BURST_MS = 0.2, 12, 600_000
RECENT = 1_000
MOST_LATE_MS = 3 * DAY_MS
LATE_FROM_MS = 10 * 60_000
WINDOWS = (7, 30, 90)


class Skew(Struct, frozen=True, kw_only=True):
    """What is to be written; ratios are shares of all lines."""

    tenants: int = 100
    events: int = 100_000
    days: int = 30
    hot_tenant_ratio: float = 0.6
    late_arrival_ratio: float = 0.05
    duplicate_ratio: float = 0.01
    seed: int = 1
    end_ms: int = END_MS


class Line(Struct, frozen=True):
    """A line, and what is known of it."""

    text: bytes
    tenant: int
    name: str
    ts: int
    arrived: int
    is_again: bool = False


def lines(skew: Skew) -> Iterator[Line]:
    """All lines in the order of arrival."""
    random = Random(f"{skew}")
    those, weights = personas(skew.seed, True), _weights(skew)
    recent: list[Line] = []
    for arrived in arrivals(random, skew):
        if recent and random.random() < skew.duplicate_ratio:
            old = random.choice(recent)
            text = _arriving(old.text, arrived)
            yield Line(text, old.tenant, old.name, old.ts, arrived, True)
            continue
        tenant = random.choices(range(skew.tenants), weights)[0]
        is_late = random.random() < skew.late_arrival_ratio
        ts = arrived - (random.randrange(LATE_FROM_MS, MOST_LATE_MS) if is_late else random.randrange(5_000))
        line = _event(random, those, tenant, ts, arrived)
        recent = [*recent[-RECENT:], line] if len(recent) > 2 * RECENT else recent
        recent.append(line)
        yield line


def arrivals(random: Random, skew: Skew) -> list[int]:
    """When each line arrives: over all days, and a share of them in a few bursts."""
    begin = skew.end_ms - skew.days * DAY_MS
    bursts = [random.randrange(begin, skew.end_ms - BURST_MS) for _ in range(BURSTS)]
    found = [
        random.choice(bursts) + random.randrange(BURST_MS)
        if random.random() < BURST_SHARE
        else random.randrange(begin, skew.end_ms)
        for _ in range(skew.events)
    ]
    return sorted(found)


def class_of(tenant: int, tenants: int) -> str:
    """A tenant's class: the first is hot, the next tenth medium, the rest quiet."""
    if tenant == 0:
        return "hot"
    return "medium" if tenant <= tenants * MEDIUM_SHARE else "quiet"


def summary(skew: Skew, written: Iterator[Line]) -> dict[str, Any]:
    """What some lines hold, as measured."""
    tenants, names = Counter[int](), Counter[str]()
    again = late = 0
    within = Counter[int]()
    for line in written:
        tenants[line.tenant] += 1
        names[line.name] += 1
        again += line.is_again
        late += not line.is_again and line.arrived - line.ts >= LATE_FROM_MS
        within.update(days for days in WINDOWS if line.ts >= skew.end_ms - days * DAY_MS)
    classes = Counter[str]()
    for tenant, count in tenants.items():
        classes[class_of(tenant, skew.tenants)] += count
    events = max(sum(tenants.values()), 1)
    return {
        "events": sum(tenants.values()),
        "tenants": len(tenants),
        "hot": tenants[0] / events,
        "late": late / max(events - again, 1),
        "duplicates": again / events,
        "by_class": dict(classes),
        "by_event": dict(names.most_common()),
        "within_days": {str(days): within[days] for days in WINDOWS},
    }


def _weights(skew: Skew) -> list[float]:
    """Of each tenant; the hot one's is the share that is asked for."""
    others = [float(MEDIUM_WEIGHT if class_of(n, skew.tenants) == "medium" else 1) for n in range(1, skew.tenants)]
    rest = 1 - skew.hot_tenant_ratio if others else 0.0
    return [skew.hot_tenant_ratio or 1e-9, *(weight / sum(others) * rest for weight in others)]


def _event(random: Random, those: list[Persona], tenant: int, ts: int, arrived: int) -> Line:
    number = random.randrange(PERSONAS)
    if random.random() < 0.4:
        did = landing(random.randrange(len(PAGES)), random.randrange(5))
    else:
        did = step(random.choice(CHAIN["product_view"]), random.getrandbits(8), those[number].currency)
    visitor = f"{tenant}-{number + PERSONAS * int(50 * random.random() ** 2)}"
    address = f"{1 + number % 223}.{tenant % 256}.{number // 223}.{random.randrange(1, 255)}"
    own = f'"site_id":"tenant-{tenant}","event_id":"{UUID(int=random.getrandbits(128), version=4)}","ts":{ts}'
    text = f'{{"event":"{did.event}",{own},"visitor_id":"{visitor}",{those[number].fields.replace(ADDRESS, address)},{did.rest}'
    return Line(f'{text},"arrived_at":{arrived}}}'.encode(), tenant, did.event, ts, arrived)


def _arriving(text: bytes, arrived: int) -> bytes:
    return text[: text.rindex(b":") + 1] + b"%d}" % arrived


def main(words: list[str]) -> int:
    """Write the file, and print what it holds."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("tenants", 100), ("events", 100_000), ("days", 30), ("seed", 1), ("end-ms", END_MS)):
        options.add_argument(f"--{name}", type=int, default=default)
    for name, share in (("hot-tenant-ratio", 0.6), ("late-arrival-ratio", 0.05), ("duplicate-ratio", 0.01)):
        options.add_argument(f"--{name}", type=float, default=share)
    options.add_argument("--output", type=Path, required=True)
    asked = vars(options.parse_args(words))
    output: Path = asked.pop("output")
    skew = Skew(**asked)
    with output.open("wb") as out:
        found = summary(skew, _written(out, lines(skew)))
    print(json.format(json.encode(found)).decode())
    return 0


def _written(out: Any, some: Iterator[Line]) -> Iterator[Line]:
    for line in some:
        out.write(line.text + b"\n")
        yield line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
