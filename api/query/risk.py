"""GET /api/v1/reports/risk: how much speaks against a site's visitors, against one of them, a network or a device, and why."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from api.problems import documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.kept import kept
from api.query.params import Listed
from api.query.parts import With
from api.query.reports import Meta
from api.query.scoped import Scoped, scope_of
from clickhouse.reports.filter import AllOf, Condition
from clickhouse.reports.risk import BANDS, SCORES, risk
from pulse.risk.code import CODES
from pulse.risk.pulsegate import VPN_RULES

SUBJECTS = ("visitor_id", "user_id", "session_id", "fingerprint_id", "ip", "asn", "network", "bot_name")
TEXTS = {code: each.text for code, each in CODES.items()} | {rule.code: rule.text for rule in VPN_RULES}

router = APIRouter(prefix="/reports", tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AskedRisk(Listed):
    """Of whom."""

    visitor_id: Id | None = Field(None, description="Of this visitor. Several conditions hold together.")
    user_id: Id | None = Field(None, description="Of this person's events.")
    session_id: Id | None = Field(None, description="Of this session, by the client's own id.")
    fingerprint_id: Id | None = Field(None, description="Of this device.")
    ip: Id | None = Field(None, description="Of this network, as it is stored: `203.0.113.0`.")
    asn: int | None = Field(None, ge=0, le=4_294_967_295, description="Of this autonomous system.")
    network: Id | None = Field(None, description="Of this kind of network: `vpn`, `hosting`, ….")
    bot_name: Id | None = Field(None, description="Of this bot.")

    def scoped(self) -> Scoped:
        """The same as a body; whose events count is part of the filter."""
        whole = super().scoped()
        given = [(name, getattr(self, name)) for name in SUBJECTS if getattr(self, name) is not None]
        conditions = (Condition(name, "eq", (float(value) if name == "asn" else value,)) for name, value in given)
        return whole.model_copy(update={"filter": AllOf((whole.filter, *conditions))}) if given else whole


class ReasonRow(BaseModel):
    """What speaks against them."""

    code: str = Field(examples=["NET_VPN"])
    text: str = Field(description="What it says; empty for a code that is none any more.")
    events: int
    visitors: int


class NetworkRow(BaseModel):
    """A network they came from."""

    network: str = Field(description="Its kind, empty where there were no data.", examples=["eyeball"])
    asn: int
    as_org: str
    country: str
    events: int
    visitors: int
    risk: int = Field(description="The highest there.")
    first_seen: int
    last_seen: int


class BotRow(BaseModel):
    """A bot among them."""

    name: str
    kind: str
    claim: str = Field(description="`verified`, `spoofed`, or empty where it cannot be told.")
    events: int
    visitors: int
    last_seen: int


class LatestRow(BaseModel):
    """The verdict on the latest event."""

    at: int
    risk: int
    confidence: str
    reasons: list[str] = Field(description="The weightiest first.")
    rules: str = Field(description="The rule set and its version.", examples=["pulse-v1/1"])
    data_age_days: int = Field(description="How old the data were that tell networks.")


class RiskResponse(BaseModel):
    """How much speaks against them. Times are ms since the epoch; scores are 0 to 100."""

    events: int
    visitors: int
    bots: int = Field(description="How many of the events are by bots.")
    first_seen: int | None
    last_seen: int | None
    mean: float | None = Field(description="The mean risk of an event.")
    most: dict[str, int] = Field(description=f"The highest {', '.join(SCORES)} of an event.")
    bands: dict[str, int] = Field(description=f"How many events are {', '.join(BANDS)}.")
    latest: LatestRow | None
    reasons: list[ReasonRow] = Field(description="With the most events.")
    networks: list[NetworkRow] = Field(description="With the most events.")
    named: list[BotRow] = Field(description="The bots with the most events.")
    meta: Meta


@router.get("/risk", summary="How much speaks against whom, and why")
@kept()
async def risk_report(request: Request, key: Reader, parts: With, asked: Annotated[AskedRisk, Query()]) -> RiskResponse:
    """Of a site; of a visitor, person, session, device, network, autonomous system or bot, whichever is named; by the verdicts on events."""
    scope = await scope_of(asked.scoped(), key, parts)
    found = asdict(await answered(request, parts, lambda client: risk(client, scope, asked.limit)))
    reasons = [{**each, "text": TEXTS.get(each["code"], "")} for each in found.pop("reasons")]
    meta = Meta(source=found.pop("source"), rows_read=found.pop("rows_read"), ms=found.pop("ms"))
    return RiskResponse(**found, reasons=reasons, meta=meta)
