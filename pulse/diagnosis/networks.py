"""What is known of networks: whether there are data, how old they are, and what is wrong with the operator's files."""

from pathlib import Path

from pulse.diagnosis.finding import Finding, ok, warning
from pulse.errors import PulseError
from pulse.network.finder import packages, taken
from pulse.network.source import AGED_DAYS, days_old

WHAT = "networks"


def look(folder: Path, now_ms: int) -> list[Finding]:
    """Pulse runs without them, and says so here; `now_ms` in ms since the epoch."""
    try:
        known = packages(folder)
    except PulseError as error:
        return [warning(WHAT, str(error), "`pulse geo update`")]
    faults = [warning(WHAT, fault, "correct the file, or `pulse geo update`") for fault in taken(folder).faults]
    if not known:
        return [warning(WHAT, f"no data in {folder}", "`pulse geo update`, for country, network and crawlers"), *faults]
    oldest = max(known, key=lambda each: days_old(each.made_ms, now_ms))
    days = days_old(oldest.made_ms, now_ms)
    if days > AGED_DAYS:
        return [
            warning(WHAT, f"{oldest.name} is {days} days old", "`pulse geo update`, if there is a newer one"),
            *faults,
        ]
    return [ok(WHAT, f"at most {days} days old"), *faults]
