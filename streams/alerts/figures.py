"""What the evaluation of alert rules measures."""

from prometheus_client import Counter, Gauge, Histogram

RULES = Gauge("pulse_alerts_rules", "Rules that are watched by this process.")
SITES = Gauge("pulse_alerts_sites", "Sites whose minutes are held.")
BYTES = Gauge("pulse_alerts_series_bytes", "Memory of the series of minutes.")
FIRING = Gauge("pulse_alerts_firing", "Rules and groups that fire now.")
LEFT_OUT = Gauge("pulse_alerts_left_out", "Partial aggregates of groups beyond the bound of a rule, not watched.")
PASSED_OVER = Gauge("pulse_alerts_passed_over", "Sites that are not watched, as their minutes cannot be read.")
RECORDS = Counter("pulse_alerts_records", "Records of minute aggregates that were read.")
SKIPPED = Counter("pulse_alerts_skipped", "Lines of records that were counted before.")
NOTICES = Counter("pulse_alerts_notices", "Notices that were written.", ["kind"])
CLOSED = Counter("pulse_alerts_minutes", "Minutes that were closed, over all partitions.")
BEHIND = Gauge("pulse_alerts_behind_seconds", "How long ago the last minute ended that is closed in every partition.")
BEGINNINGS = Counter("pulse_alerts_beginnings", "How often state was read anew.")
QUESTIONS = Gauge("pulse_alerts_questions", "What rules ask of the stored events, each once for all that ask it.")
REFUSED = Gauge("pulse_alerts_questions_refused", "Of these, what the store refuses: rules that are not watched.")
REFUSALS = Counter("pulse_alerts_refusals", "How often the store refused a question that was asked alone.")
LAG = Gauge("pulse_alerts_lag_seconds", "How old the oldest event is that is not stored yet.")
ASKING = Histogram(
    "pulse_alerts_asking_seconds",
    "How long one round of these questions took.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVALUATION = Histogram(
    "pulse_alerts_evaluation_seconds",
    "How long one look at what changed, or at everything once a minute, took.",
    ["what"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
