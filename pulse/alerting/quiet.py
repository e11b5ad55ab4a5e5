"""Quiet hours: whether a moment lies within them, by the clock of their time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pulse.alerting.rule import Quiet


def is_quiet(quiet: Quiet | None, ms: int) -> bool:
    """Whether a moment, in ms since the epoch, lies within quiet hours."""
    if quiet is None:
        return False
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(quiet.timezone))
    now, today = local.strftime("%H:%M"), local.isoweekday()
    yesterday = (local - timedelta(days=1)).isoweekday()
    if quiet.start < quiet.end:
        return quiet.start <= now < quiet.end and _on(quiet, today)
    return (now >= quiet.start and _on(quiet, today)) or (now < quiet.end and _on(quiet, yesterday))


def _on(quiet: Quiet, day: int) -> bool:
    return not quiet.days or day in quiet.days
