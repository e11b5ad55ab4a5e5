"""A second opinion on what windows hold: brute force over events, written from docs/alerts.md and from nothing of the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

MINUTE_MS = 60_000
SILENCE_MS = 30 * MINUTE_MS


@dataclass(frozen=True)
class Happened:
    """An event; a `vital` is a measured LCP."""

    event: str
    ts: int
    visitor: str
    session: str = ""
    country: str = ""
    device: str = ""
    vital: float | None = None
    bot: bool = False
    risk: int = 0
    vpn: int = 0
    proxy: int = 0
    tor: int = 0

    @property
    def band(self) -> str:
        """As docs/risk.md says."""
        return next(
            name for edge, name in ((85, "critical"), (60, "high"), (25, "elevated"), (0, "low")) if self.risk >= edge
        )


def within(events: Sequence[Happened], rule: dict[str, Any], group: str, end: int) -> list[Happened]:
    """The events of the window that ends with a minute, of a group, that the rule counts."""
    where = rule.get("where", {})
    first = (end - rule["window_minutes"] + 1) * MINUTE_MS
    field = {"event": "event", "country": "country", "device_type": "device"}.get(rule.get("group_by", ""))
    found = [e for e in events if first <= e.ts < (end + 1) * MINUTE_MS]
    found = [e for e in found if field is None or getattr(e, field) == group]
    found = [e for e in found if not where.get("events") or e.event in where["events"]]
    found = [e for e in found if not where.get("countries") or e.country in where["countries"]]
    found = [e for e in found if not where.get("risk") or e.band in where["risk"]]
    return [e for e in found if not where.get("device_types") or e.device in where["device_types"]]


def value_of(events: Sequence[Happened], rule: dict[str, Any], group: str, end: int) -> tuple[float | None, int]:
    """The value of a window, and on how many it is measured."""
    some = within(events, rule, group, end)
    everyone = {e.visitor for e in some}
    metric = rule["metric"]
    if metric == "visitors":
        return len(everyone), len(everyone)
    if metric == "sessions":
        number = _sessions(events, some)
        return number, number
    if metric == "risk_events":
        return len(some), len(some)
    if metric.endswith("_share"):
        those = sum(e.bot or e.risk >= 60 if metric == "risky_share" else getattr(e, metric[:-6]) >= 50 for e in some)
        return (those / len(some) if some else None), len(some)
    if metric == "error_rate":
        hit = {e.visitor for e in some if e.event == "error"}
        return (len(hit) / len(everyone) if everyone else None), len(everyone)
    if metric == "conversion":
        begun = [e for e in some if e.event in rule["over"]]
        done = {
            e.visitor for e in some for b in begun if e.event in rule["of"] and b.visitor == e.visitor and b.ts < e.ts
        }
        number = len({e.visitor for e in begun})
        return (len(done) / number if number else None), number
    measured = sorted(e.vital for e in some if e.event == "web_vitals" and e.vital is not None)
    return (_percentile(measured) if measured else None), len(measured)


def _sessions(events: Sequence[Happened], some: Sequence[Happened]) -> int:
    """Sessions that some events are of: the client's own; else those that 30 minutes of silence part."""
    named = {e.session for e in some if e.session}
    ends: dict[str, tuple[int, int]] = {}
    number: dict[int, tuple[str, int]] = {}
    for e in sorted((e for e in events if not e.session), key=lambda e: e.ts):
        last, count = ends.get(e.visitor, (e.ts, 0))
        count += e.ts - last > SILENCE_MS
        ends[e.visitor] = e.ts, count
        number[id(e)] = e.visitor, count
    return len(named) + len({number[id(e)] for e in some if not e.session})


def _percentile(values: list[float]) -> float:
    """The 75th percentile, with straight lines between the values."""
    at = 0.75 * (len(values) - 1)
    low = floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)
