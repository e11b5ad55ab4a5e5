"""What is told of a period: the numbers, those of the period before, and both in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from xxhash import xxh3_128_hexdigest

from pulse.digest.period import Period
from pulse.notice import Notice

PREFIX = "summary."
COUNTED = ("events", "visitors", "sessions")
IN_WORDS = 3
"""Pages that are named in words."""


@dataclass(frozen=True)
class Numbers:
    """What a site had in a period; revenue by currency, in its units."""

    events: int = 0
    visitors: int = 0
    sessions: int = 0
    alerts: int = 0
    revenue: Mapping[str, float] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """The same as JSON."""
        counts = {name: getattr(self, name) for name in (*COUNTED, "alerts")}
        return counts | {"revenue": dict(self.revenue)}


@dataclass(frozen=True)
class Digest:
    """A period's numbers, those of the period before, and the pages that were seen most with how often."""

    now: Numbers
    before: Numbers
    pages: Sequence[tuple[str, int]] = ()


def notice_of(site_id: str, timezone: str, period: Period, digest: Digest, missed: int = 0) -> Notice:
    """The notice of a period; its id follows from the site, the kind and the period. `missed` ones before it are not told."""
    named = f"{site_id}\0{period.kind}\0{period.start}"
    data: dict[str, Any] = {
        "title": f"{site_id}, {_when(period, timezone)}",
        "reason": _words(digest, missed),
        "severity": "info",
        "period": period.kind,
        "timezone": timezone,
        "window": {"start": period.start, "end": period.end},
        **digest.now.told(),
        "pages": [{"path": path, "views": views} for path, views in digest.pages],
        "before": digest.before.told(),
        "change": {name: change(getattr(digest.now, name), getattr(digest.before, name)) for name in COUNTED},
        "missed": missed,
    }
    made = f"summary-{xxh3_128_hexdigest(named.encode())}"
    return Notice(id=made, kind=PREFIX + period.kind, site_id=site_id, at=period.end, data=data)


def change(now: float, before: float) -> float | None:
    """By how many percent it is more than before, None where there was nothing."""
    return round((now - before) / before * 100, 1) if before else None


def _words(digest: Digest, missed: int) -> str:
    now, before = digest.now, digest.before
    parts = [_count(name, getattr(now, name), getattr(before, name)) for name in COUNTED]
    parts += [f"{now.revenue[currency]:,.2f} {currency}" for currency in sorted(now.revenue)[:IN_WORDS]]
    parts += [f"{now.alerts} alerts"] if now.alerts else []
    parts += [f"pages: {', '.join(f'{path} {views:,}' for path, views in digest.pages[:IN_WORDS])}"] * bool(
        digest.pages
    )
    return "; ".join([*parts, *([f"{missed} before it were missed"] if missed else [])])


def _count(name: str, now: int, before: int) -> str:
    more = change(now, before)
    return f"{now:,} {name}" + ("" if more is None else f" ({more:+g} %)")


def _when(period: Period, timezone: str) -> str:
    local = datetime.fromtimestamp(period.start // 1000, UTC).astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d}" if period.kind == "day" else f"{local:%Y-%m-%d %H:%M} {timezone}"
