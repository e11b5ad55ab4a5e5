"""Leads as they are asked for and answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.control.leads import Lead
from api.query.word import Moment, Reference, WithoutNul
from clickhouse.reports.lead import Activity, Step
from pulse.leads.personal import Personal, Value
from pulse.leads.status import Status

Band = Literal["low", "elevated", "high", "critical"]
Text = Annotated[str, StringConstraints(max_length=320), WithoutNul]

ONE_SITE = "Of this site alone; may be left out."


class AskedLeads(BaseModel):
    """Which leads."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="Of this site; else of all that the key may see.")
    start_date: Moment | None = Field(
        None, description="Received from here on: ms since the epoch, or an ISO 8601 time or date, in UTC."
    )
    end_date: Moment | None = Field(None, description="Received before, likewise; a date is in whole.")
    status: Status | None = Field(None, description="In this status.")
    band: Band | None = Field(None, description="As suspicious as this.")
    form: Text | None = Field(None, description="Of this form.")
    visitor_id: Text | None = Field(None, description="Of the visitor that the lead names.")
    email: Text | None = Field(
        None, description="Of this e-mail address, in whole; takes a key that may see leads unmasked."
    )
    limit: int = Field(50, ge=1, le=200, description="How many to list at most.")
    cursor: str | None = Field(
        None, max_length=500, description="Where to go on: the `next_cursor` of the page before."
    )


class LeadRecord(BaseModel):
    """A lead. Times are ms since the epoch; what was not told is empty."""

    id: str = Field(examples=["0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"])
    site_id: str
    received: int
    changed: int = Field(description="When its status was changed last.")
    status: str = Field(description="`new`, `seen`, `forwarded`, `closed` or `spam`.")
    name: str = Field(examples=["A••• L•••"])
    email: str = Field(examples=["j•••@example.com"])
    phone: str = Field(examples=["•••67"])
    message: str
    fields: dict[str, Value] = Field(description="The form's other fields.")
    masked: bool = Field(description="Whether these five are masked.")
    form: str
    page: str = Field(description="Where it was sent, without query.")
    session_id: str
    visitor_id: str
    suspicion: int | None = Field(None, description="0 to 100; null until it is judged, within a minute.")
    suspicion_band: str = Field(
        description="`low`, `elevated` from 25 on, `high` from 60, `critical` from 85; empty until it is judged."
    )
    reasons: dict[str, int] = Field(description="What speaks against it, with the points of each.")


class ActivityRecord(BaseModel):
    """What the lead's session did; or its visitor, from a day before it to a day after, where it names no session."""

    events: int
    began: int
    ended: int
    pages: int = Field(description="Page views.")
    entry: str = Field(description="Path of the first event.")
    exit: str = Field(description="Path of the last one.")
    channel: str
    referrer_host: str
    utm_source: str
    utm_campaign: str
    country: str
    device_type: str
    browser: str
    os: str
    bot: bool
    risk: int = Field(description="The highest of an event, 0 to 100.")
    risk_vpn: int = Field(description="Likewise, how likely it hides behind a VPN.")
    risk_reasons: list[str]


class StepRecord(BaseModel):
    """One event of it."""

    event: str
    event_id: str
    ts: int
    session_id: str
    path: str
    title: str
    risk: int
    risk_band: str
    risk_vpn: int


class LeadInFull(LeadRecord):
    """A lead with what its session did."""

    activity: ActivityRecord | None = None
    activity_missing: str = Field("", description="Why there is none.")
    events: list[StepRecord] = Field(description="The first 50; `GET …/events` has all.")


class LeadChange(BaseModel):
    """What is to change of a lead."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"status": "seen"}})

    status: Status = Field(description="What has become of it.")


class Forwarding(BaseModel):
    """Where a lead is to go."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"webhook_id": "whk_3f2a9c0d1b4e5f60"}})

    webhook_id: Reference = Field(
        description="A webhook of its site, of e-mail too, whatever kinds of notices it wants; it is told who the lead is as far as `unmasked` says."
    )


def told(lead: Lead, personal: Personal, masked: bool) -> LeadRecord:
    """A lead as it is answered."""
    return LeadRecord(
        id=lead.id,
        site_id=lead.site,
        received=lead.received,
        changed=lead.changed,
        status=lead.status,
        **personal.told(masked),
        masked=masked,
        form=lead.form,
        page=lead.page,
        session_id=lead.session,
        visitor_id=lead.visitor,
        suspicion=lead.suspicion,
        suspicion_band=lead.band,
        reasons=lead.reasons,
    )


def activity_told(found: Activity) -> ActivityRecord:
    """What was done as it is answered."""
    return ActivityRecord(
        events=found.events,
        began=found.began,
        ended=found.ended,
        pages=found.pages,
        entry=found.entry,
        exit=found.exit,
        channel=found.channel,
        referrer_host=found.referrer,
        utm_source=found.source,
        utm_campaign=found.campaign,
        country=found.country,
        device_type=found.device,
        browser=found.browser,
        os=found.os,
        bot=found.bot,
        risk=found.risk,
        risk_vpn=found.vpn,
        risk_reasons=[each for each in found.reasons.split(",") if each],
    )


def step_told(found: Step) -> StepRecord:
    """An event as it is answered."""
    return StepRecord(
        event=found.event,
        event_id=str(found.event_id),
        ts=found.at,
        session_id=found.session,
        path=found.path,
        title=found.title,
        risk=found.risk,
        risk_band=found.band,
        risk_vpn=found.vpn,
    )
