"""A notice that is told to try out who is told."""

from uuid import uuid4

from pulse.minute import MINUTE_MS
from pulse.notice import Notice


def notice_of(site_id: str, rule_id: str, name: str, severity: str, window_minutes: int, now: int) -> Notice:
    """A notice as if a rule fired, marked as a test; `now` in ms since the epoch.

    It has a key of its own, so that no receiver takes it for the rule's real alert, or that one's end for its own.
    """
    data = {
        "rule_id": rule_id,
        "dedup_key": f"{rule_id}:test",
        "rule": f"{name} (test)",
        "severity": severity,
        "group": None,
        "value": None,
        "expected": {"low": None, "high": None},
        "window": {"start": now - window_minutes * MINUTE_MS, "end": now},
        "began": now,
        "reason": "a test: nothing has happened",
        "test": True,
    }
    return Notice(id=f"alert-test-{uuid4().hex}", kind="alert.firing", site_id=site_id, at=now, data=data)
