"""What the collector counts, for Prometheus."""

from collections import Counter as Count

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.collector import lane
from api.collector.judge import Judged
from pulse.rejection import Reason

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
EVENTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)


class Tally:
    """The collector's counters, in a registry of their own."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        name = "pulse_collector_"
        self.accepted = Counter(name + "events_accepted", "Events answered with 202.", registry=r)
        self.yielding = Counter(
            name + "events_yielding", "Accepted events that yield to others, by reason.", ["reason"], registry=r
        )
        self.refused = Counter(name + "events_refused", "Events that are none, by reason.", ["reason"], registry=r)
        self.requests = Counter(name + "requests", "Requests with events, by status.", ["status"], registry=r)
        self.seconds = Histogram(
            name + "request_seconds", "From a request's headers to its answer.", buckets=SECONDS, registry=r
        )
        self.bytes = Counter(name + "body_bytes", "Bytes of bodies after decompression.", registry=r)
        self.records = Counter(name + "records_produced", "Records acknowledged by the log.", registry=r)
        self.errors = Counter(
            name + "produce_errors", "Records that the log did not acknowledge.", ["error"], registry=r
        )
        self.gathered = Histogram(name + "record_events", "Events gathered in a record.", buckets=EVENTS, registry=r)
        self.leads = Counter(
            name + "leads", "Leads: new ones, and repetitions of those that were kept.", ["as"], registry=r
        )
        self.in_flight = Gauge(name + "in_flight_bytes", "Bytes that wait for their acknowledgement.", registry=r)
        self.behind = Gauge(name + "behind_seconds", "How far refinement lies behind, of its work.", registry=r)
        self.slow_behind = Gauge(
            name + "slow_behind_seconds", "How far refinement lies behind with what yields, of its work.", registry=r
        )
        for kept in ("new", "known"):
            self.leads.labels(kept)
        for why in lane.Reason:
            self.yielding.labels(why.value)
        for reason in Reason:
            self.refused.labels(reason.value)
        self._by_status = {
            status: self.requests.labels(str(status)) for status in (202, 204, 400, 401, 403, 413, 415, 429, 431, 503)
        }

    def sent(self, events: int) -> None:
        """A record of so many events is on its way."""
        self.gathered.observe(events)

    def settled(self, error: str | None) -> None:
        """A record is acknowledged, or failed."""
        if error is None:
            self.records.inc()
        else:
            self.errors.labels(error[:100]).inc()

    def answered(self, status: int, seconds: float) -> None:
        """A request is answered."""
        (self._by_status.get(status) or self.requests.labels(str(status))).inc()
        self.seconds.observe(seconds)

    def judged(self, judged: Judged) -> None:
        """A request's events are told from those that are none, and those that yield from the others."""
        self.accepted.inc(judged.accepted)
        for why, count in judged.yielding.items():
            self.yielding.labels(why.value).inc(count)
        if judged.refused:
            for reason, count in Count(each.reason.value for each in judged.refused).items():
                self.refused.labels(reason).inc(count)
