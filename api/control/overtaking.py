"""What is not to be sent any more: the beginning of an alert whose end was delivered, for it would open again what is over."""

from typing import Any

from msgspec import json
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.control.outgoing import DELIVERED, Delivery, Endpoint
from pulse.notice import Notice

STATEFUL = frozenset({"pagerduty", "opsgenie"})
"""Templates by which a notice opens something that stays open until another closes it."""
BEGINNINGS = frozenset({"alert.firing", "alert.no_data"})
END = "alert.resolved"
APART_MS = 60_000
"""By so much the clocks of those who write deliveries may differ."""


def is_overtaken(session: Session, endpoint: Endpoint, delivery: Delivery, notice: Notice) -> bool:
    """Whether the end of what a notice begins was delivered to the endpoint."""
    if endpoint.template not in STATEFUL or notice.kind not in BEGINNINGS:
        return False
    ends = select(Delivery.record).where(
        Delivery.endpoint == endpoint.id,
        Delivery.state == DELIVERED,
        Delivery.kind == END,
        Delivery.created >= delivery.created - APART_MS,
    )
    return any(ends_what(json.decode(record, type=Notice), notice) for record in session.scalars(ends))


def ends_what(end: Notice, beginning: Notice) -> bool:
    """Whether an end is of the same rule and group as a beginning, and later: told later, or of a later window."""
    return _about(end) == _about(beginning) and (end.at, _until(end)) > (beginning.at, _until(beginning))


def _about(notice: Notice) -> tuple[Any, Any]:
    return notice.data.get("rule_id"), notice.data.get("group")


def _until(notice: Notice) -> int:
    window = notice.data.get("window")
    end = window.get("end") if isinstance(window, dict) else 0
    return end if isinstance(end, int) else 0
