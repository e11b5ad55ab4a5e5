"""What a site had in a period and in the one before it: the numbers of a summary."""

from clickhouse.client import Client
from clickhouse.reports.statement import text_of
from pulse.digest.notice import Digest, Numbers
from pulse.digest.period import Period

LIMITS: dict[str, object] = {
    "max_execution_time": 30,
    "timeout_overflow_mode": "throw",
    "max_memory_usage": 1_000_000_000,
}
"""What one question may take of the store: seconds and bytes."""


def answer(client: Client, site_id: str, period: Period) -> Digest:
    """The numbers, as what is stored says now; sessions are those of the reports. Raises Unavailable, QueryError."""
    bound = {"site": site_id, "start": period.before, "middle": period.start, "end": period.end}
    ranged, sessioned = text_of("ranged"), text_of("sessioned")
    counts = client.ask(text_of("digest_numbers", rows=sessioned), bound, **LIMITS).rows
    earned = client.ask(text_of("digest_revenue", rows=ranged), bound, **LIMITS).rows
    pages = client.ask(text_of("digest_pages", rows=ranged), bound, **LIMITS).rows
    fired = client.ask(text_of("digest_alerts"), bound, **LIMITS).rows

    def numbers(is_now: bool) -> Numbers:
        events, visitors, sessions = next((row[1:] for row in counts if bool(row[0]) is is_now), (0, 0, 0))
        alerts = next((row[1] for row in fired if bool(row[0]) is is_now), 0)
        revenue = {row[1]: row[2] for row in earned if bool(row[0]) is is_now}
        return Numbers(events, visitors, sessions, alerts, revenue)

    return Digest(numbers(True), numbers(False), tuple((row[0], row[1]) for row in pages))
