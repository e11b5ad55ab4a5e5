"""The range of a replay: from when to when events were received, and of which site."""

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pulse.clock import to_ms
from pulse.errors import PulseError

NAME = re.compile(r"[a-z0-9]([a-z0-9_]{0,38}[a-z0-9])?")


class Span(Struct, frozen=True):
    """Events received from `since` on and before `until`, in ms since the epoch, of one site or (empty) of all."""

    since: int
    until: int
    site: str = ""

    def holds(self, received_at: int, margin_ms: int = 0) -> bool:
        """Whether a moment of receipt lies within, give or take."""
        return self.since - margin_ms <= received_at < self.until + margin_ms

    def __str__(self) -> str:
        of = f" of {self.site}" if self.site else ""
        return f"{moment(self.since)} to {moment(self.until)}{of}"


def span_of(first: datetime, last: datetime, site: str = "") -> Span:
    """The range from a moment to a moment (UTC); a last one without a time of day means that whole day.

    Raises PulseError if the range is empty.
    """
    since, end = first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)
    is_day = end.time() == datetime.min.time()
    until = end + timedelta(days=1) if is_day else end
    if since >= until:
        said = f"{end:%Y-%m-%d}, the whole day" if is_day else moment(to_ms(end))
        raise PulseError(f"--from ({moment(to_ms(since))}) must lie before --to ({said}), in UTC")
    return Span(to_ms(since), to_ms(until), site)


def name_at(now: datetime) -> str:
    """The name of a replay that is given none: the moment at which it begins, in UTC."""
    return now.astimezone(UTC).strftime("%Y%m%d_%H%M%S")


def demand_name(name: str) -> str:
    """The name; raises PulseError unless it can be part of a table's name."""
    if not NAME.fullmatch(name):
        raise PulseError(f"{name!r} is no name of a replay: 1 to 40 of a-z, 0-9 and _, beginning and ending with no _")
    return name


def moment(ms: int) -> str:
    """A moment in words, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
