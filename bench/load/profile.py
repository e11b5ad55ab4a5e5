"""What is sent: how many sites and visitors, how skewed, how late, how often again, in what batches."""

from msgspec import Struct


class Profile(Struct, frozen=True, kw_only=True):
    """Shares are 0 to 1. The same profile and seed give the same events but for their times."""

    size: int = 500
    """Events a request."""
    visitors: int = 100_000
    hot_ratio: float = 0.0
    """The share of requests that go to the first site; the rest is spread evenly over the others (over all if 0)."""
    late_ratio: float = 0.01
    """The share of events whose time lies up to `late_hours` back."""
    late_hours: float = 24
    duplicate_ratio: float = 0.005
    """The share of requests that were sent before, as they were: what a client does that saw no answer."""
    with_agents: bool = True
    """Whether each event names its visitor's address and user agent, as those sent by a server do."""
    seed: int = 1


class Load(Struct, frozen=True, kw_only=True):
    """What a load generator is asked for. Without a `rate` (requests a second) it sends as fast as it is answered."""

    collectors: list[str]
    """Addresses, `host:port`."""
    keys: list[str]
    """A key for each site."""
    profile: Profile
    seconds: float
    stream: int = 1
    """Tells this load's ids from those of others into the same store."""
    rate: float | None = None
    connections: int = 16
    requests: int | None = None
    """Stop after so many."""
    patient: bool = False
    """Send again what was not answered 202, as a client should, until it is."""
    answers: str = ""
    """The file that the answer to each request is written to."""


class Second(Struct, frozen=True, kw_only=True):
    """What a load generator tells each second, of the time since its start."""

    at: float
    requests: int
    accepted: int
    """Events answered 202, those sent again not counted twice."""
    refused: int
    """Requests answered otherwise."""
    in_flight: int
    behind: float
    """By how many seconds sending lies behind the offered rate."""
    cpu: float
    """Seconds of CPU so far."""


class Summary(Struct, frozen=True, kw_only=True):
    """What came of it in all. Latencies in seconds, from when a request was to be sent."""

    began: float
    """When the first request was to be sent, in seconds since the epoch."""
    seconds: float
    requests: int
    accepted: int
    again: int
    """Requests that were sent before."""
    statuses: dict[str, int]
    lost: int
    """Requests that got no answer."""
    unsent: int
    """Requests that were offered, and not sent for want of a free connection."""
    latency: dict[str, float]
    cpu: float
    bytes_an_event: float
    by_site: list[int]
    """Events answered 202, by site."""
