"""What the delivery process measures."""

from prometheus_client import Counter, Gauge, Histogram

NOTICES = Counter("pulse_delivery_notices", "Notices read from the log.", ["as"])
WRITTEN = Counter("pulse_delivery_written", "Deliveries written: one for each notice and endpoint that wants it.")
ATTEMPTS = Counter("pulse_delivery_attempts", "Attempts that were made, by what became of them.", ["verdict"])
SECONDS = Histogram(
    "pulse_delivery_seconds",
    "How long an attempt took.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8),
)
AGE = Histogram(
    "pulse_delivery_age_seconds",
    "Age of a notice when its first attempt began.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600),
)
SUMMARIES = Counter("pulse_delivery_summaries", "Summaries of sites that were put into the log.", ["period"])
LEADS = Counter("pulse_delivery_leads", "Leads that were judged and told of, by how suspicious they are.", ["band"])
RISKS = Counter("pulse_delivery_risks", "Deliveries written of sessions of a high risk.")
DEAD = Counter("pulse_delivery_dead", "Deliveries that are not tried again.")
FLYING = Gauge("pulse_delivery_in_flight", "Attempts that are under way.")
