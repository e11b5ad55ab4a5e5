"""What a notice says to people: a title, facts, how grave it is, and whether it is over."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pulse.notice import Notice

NAMES = ("rule", "rule_name", "name", "title")
KEYS = ("dedup_key", "alert_id", "rule_id")
REASON = "reason"
"""What people are told first."""
UNTOLD = ("rule_id",)
"""What says nothing to people."""
LAST = ("metric", "group_by")
"""What the reason says too, and what may be left out first."""
MOMENTS = ("began", "window.start", "window.end")
"""Times in ms since the epoch, which people read as dates."""
MOST_FACTS = 10
LONGEST_FACT, LONGEST_NAME = 250, 60
"""Short enough for every receiver, also once each character of it has become five."""


class Summary(NamedTuple):
    """`key` is the same for all notices about one thing, so that its end is told to belong to its beginning."""

    title: str
    facts: list[tuple[str, str]]
    severity: str
    resolved: bool
    key: str
    at: str


def summary_of(notice: Notice, most: int = MOST_FACTS, longest: int = LONGEST_FACT) -> Summary:
    """The summary of a notice of any kind, of whatever its data holds, in so many facts of so many characters."""
    name = next((str(notice.data[each]) for each in NAMES if notice.data.get(each)), "")
    resolved = notice.kind.endswith(".resolved")
    title = f"{notice.kind}: {name}" if name else notice.kind
    told = dict(_facts(notice.data, longest))
    first = {REASON: told.pop(REASON)} if REASON in told else {}
    last = {name: told.pop(name) for name in LAST if name in told}
    facts = [*first.items(), ("site", notice.site_id), *told.items(), *last.items()][:most]
    return Summary(title, facts, _severity(notice.data), resolved, _key(notice), iso(notice.at))


def iso(ms: int) -> str:
    """A moment in ISO 8601, UTC; the nearest that there is for one beyond the calendar."""
    bounded = min(max(ms, 0), 253_402_300_799_999)
    return datetime.fromtimestamp(bounded / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facts(data: Mapping[str, Any], longest: int, within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        path = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from _facts(value, longest, f"{path}.")
        elif value not in (None, "", []) and path not in (*NAMES, *UNTOLD):
            is_moment = path in MOMENTS and isinstance(value, int)
            yield path[-LONGEST_NAME:] or "-", iso(value) if is_moment else _short(value, longest)


def _short(value: Any, longest: int) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _severity(data: Mapping[str, Any]) -> str:
    said = str(data.get("severity", "")).lower()
    return said if said in ("critical", "error", "warning", "info") else "warning"


def _key(notice: Notice) -> str:
    known = next((str(notice.data[each]) for each in KEYS if notice.data.get(each)), None)
    if known is None:
        return notice.id
    group = notice.data.get("group")
    return f"{notice.site_id}:{known}:{group}" if group else f"{notice.site_id}:{known}"
