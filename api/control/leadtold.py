"""What is told of a lead apart from who it is."""

from collections.abc import Mapping
from typing import Any

from api.control.leads import Lead
from pulse.leads.notice import LEAD_ID
from pulse.notice import Notice


def notice_of(
    lead: Lead, notice_id: str, kind: str, suspicion: int | None, reasons: Mapping[str, Any], band: str
) -> Notice:
    """A notice of a lead as it waits: nothing personal stands in it."""
    data = {
        "form": lead.form,
        "page": lead.page,
        "suspicion": suspicion,
        "suspicion_band": band,
        "reasons": sorted(reasons),
        LEAD_ID: lead.id,
        "session_id": lead.session,
        "visitor_id": lead.visitor,
        "status": lead.status,
        "severity": "info",
    }
    return Notice(id=notice_id, kind=kind, site_id=lead.site, at=lead.received, data=data)
