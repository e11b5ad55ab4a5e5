"""What an analyst may read, and which rows of it: the one list from which users are made, in SQL and in XML."""

from collections.abc import Mapping
from typing import NamedTuple

HEADER = "Pulse-Site"
"""The header that names the site of a question by the query API's own user."""

VIEWS = (
    *("alerts", "config", "events", "fingerprints", "identity", "identity_network", "ledger", "metrics_minute"),
    *("rejected", "risk_scores", "sessions", "users", "visitors", "webhook_deliveries"),
)
"""The views of the database `analytics` that analysts see; `ledger_checked` needs what is of no site."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "alert_history": (
        *("site_id", "id", "at", "kind", "rule_id", "rule", "severity", "group", "value", "low", "high"),
        *("window_start", "window_end", "reason", "test"),
    ),
    "config": ("kind", "id", "value", "deleted", "stored_at"),
    "events": (
        *("site_id", "event", "ts", "received_at", "sent_at", "event_id", "visitor_id", "user_id", "session_id"),
        *("url", "host", "path", "referrer", "referrer_host", "channel", "title"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
        *("screen", "language", "timezone", "country", "region", "city"),
        *("device_type", "browser", "browser_version", "os", "os_version", "asn", "ip", "fingerprint_id"),
        *("as_org", "as_entropy", "network", "network_source", "network_days", "bot_name", "bot_kind", "bot_claim"),
        *("risk", "risk_band", "risk_vpn", "risk_proxy", "risk_tor", "risk_relay", "risk_bot", "risk_tamper"),
        *("risk_confidence", "risk_reasons", "risk_rules"),
        *("bot", "revenue", "currency", "consent", "clock", "imported", "properties"),
    ),
    "events_rejected": ("site_id", "received_at", "reason", "field", "detail", "event_id", "line", "stored_at"),
    "fingerprints": (
        *("site_id", "fingerprint_id", "first_seen", "last_seen", "events", "visitors", "sessions", "ips"),
        *("asns", "countries", "risk", "risk_vpn", "latest"),
    ),
    "identity_corrections": ("site_id", "visitor_id", "user_id", "unlinked", "changed"),
    "identity_links": ("site_id", "visitor_id", "user_id", "first"),
    "ledger_minute": ("site_id", "minute", "received", "kept", "duplicates", "rejected", "unstorable"),
    "metrics_minute": ("site_id", "minute", "event", "country", "device_type", "currency", "events", "bots", "revenue"),
    "webhook_deliveries": (
        *("site_id", "at", "delivery_id", "attempt", "endpoint_id", "notice_id", "kind"),
        *("verdict", "status", "ms", "error"),
    ),
}
"""The tables behind the views, and which of their columns: none that serves the machinery, whose places count all sites."""


class Limits(NamedTuple):
    """What one question may take of ClickHouse."""

    seconds: int
    mb: int
    rows: int


class Allowance(NamedTuple):
    """What the questions of a user or site may take in an hour."""

    questions: int = 10_000
    busy_seconds: int = 7_200


ALLOWANCE = Allowance()


def analytics_of(database: str) -> str:
    """The database of the views that analysts see."""
    return "analytics" if database == "pulse" else f"{database}_analytics"


def of_site(site: str) -> str:
    """The value that rows must name: a site, as a text of SQL. Site ids hold no quotes, see `pulse.event.SITE`."""
    return f"'{site}'"


def of_header() -> str:
    """The same of the query API's own user: the site that the request's header names, which no SQL can change.

    Without one it is no site's: lines that name none are not for analysts.
    """
    named = f"getClientHTTPHeader('{HEADER}')"
    return f"if({named} = '', ' ', {named})"


def conditions(value: str, database: str, analytics: str) -> dict[tuple[str, str], str]:
    """Which rows are seen, by database and table. System tables tell of the views alone: how large a table is would tell of all sites."""
    rows = {(database, table): f"site_id = {value}" for table in TABLES if table != "config"}
    rows[database, "config"] = f"kind = 'site' AND id = {value}"
    shown = f"database = '{analytics}'"
    rows |= {
        ("system", "tables"): shown,
        ("system", "columns"): shown,
        ("system", "databases"): f"name = '{analytics}'",
    }
    return rows


def grants(database: str, analytics: str) -> list[str]:
    """What a user may do, as GRANT has it before TO."""
    found = [f"SELECT ON {analytics}.{view}" for view in VIEWS]
    return found + [f"SELECT({', '.join(columns)}) ON {database}.{table}" for table, columns in TABLES.items()]


def settings(limits: Limits) -> dict[str, int]:
    """The settings of an analyst's questions. None of them can be changed but those of `changeable`."""
    return {
        "readonly": 1,
        "allow_ddl": 0,
        "allow_get_client_http_header": 1,
        "use_query_condition_cache": 0,
        "max_execution_time": limits.seconds,
        "max_memory_usage": limits.mb * 1_000_000,
        "max_rows_to_read": limits.rows,
        "max_concurrent_queries_for_user": 20,
        "cancel_http_readonly_queries_on_client_close": 1,
    }


def changeable(limits: Limits) -> dict[str, tuple[int, int] | None]:
    """Settings that tools send along, and which bound or format an answer: with their least and most, None for any value."""
    return {
        "max_execution_time": (1, limits.seconds),
        "max_result_rows": None,
        "result_overflow_mode": None,
        "max_block_size": (1, 1_000_000),
        "session_timezone": None,
        "join_use_nulls": None,
        "date_time_output_format": None,
        "output_format_json_quote_64bit_integers": None,
        "output_format_native_write_json_as_string": None,
    }
