"""What is told of leads: notices that hold nothing personal while they wait; who it is is put in when they are sent."""

from pulse.leads.personal import Personal
from pulse.notice import Notice

FAMILY = "lead."
CREATED = FAMILY + "created"
FORWARDED = FAMILY + "forwarded"
LEAD_ID = "lead_id"
FIRST = ("form", "page")


def id_of(lead_id: str) -> str:
    """The id of the notice that there is a lead; those of its forwardings begin with it and a hyphen."""
    return f"lead-{lead_id}"


def is_of_lead(notice: Notice) -> bool:
    """Whether a notice tells of a lead."""
    return notice.kind.startswith(FAMILY) and isinstance(notice.data.get(LEAD_ID), str)


def with_personal(notice: Notice, personal: Personal, masked: bool) -> Notice:
    """A notice of a lead as it is sent: who it is and what they wrote first, in whole or masked, then the rest."""
    asked = {name: notice.data[name] for name in FIRST if name in notice.data}
    told = personal.told(masked)
    fields = told.pop("fields")
    data = {**told, **asked, "fields": fields, **notice.data, "masked": masked}
    return Notice(id=notice.id, kind=notice.kind, site_id=notice.site_id, at=notice.at, data=data)
