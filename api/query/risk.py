"""GET /api/v1/reports/risk: how much speaks against a site's visitors, against one of them, a network or a device, and why."""

from collections.abc import Iterable
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
from clickhouse.reports.risk import BANDS, EDGES, SCORES, risk
from clickhouse.reports.risk_course import Interval, course, risky_sessions
from pulse.risk.code import CODES
from pulse.risk.pulsegate import VPN_RULES

SUBJECTS = ("visitor_id", "user_id", "session_id", "fingerprint_id", "ip", "asn", "network", "bot_name")
TEXTS = {code: each.text for code, each in CODES.items()} | {rule.code: rule.text for rule in VPN_RULES}

router = APIRouter(prefix="/reports", tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AskedOfWhom(Listed):
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


class AskedRisk(AskedOfWhom):
    """Of whom."""


class AskedSessions(AskedOfWhom):
    """Of whom, and from which risk on."""

    least_risk: int = Field(EDGES["high"], ge=0, le=100, description="Only with an event of this risk and above.")


class AskedScores(AskedOfWhom):
    """Of whom, and by what time."""

    interval: Interval = Field("day", description="Stretches of local time: `hour`, `day`, `week`.")


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


class ReasonTold(BaseModel):
    """A reason."""

    code: str = Field(examples=["NET_VPN"])
    text: str = Field(description="What it says; empty for a code that is none any more.")


class EvidenceRow(BaseModel):
    """The event that shows it most, with the verdict on it."""

    at: int
    event_id: str
    event: str
    path: str
    risk: int
    band: str
    confidence: str
    reasons: list[str] = Field(description="The weightiest first.")
    rules: str = Field(examples=["pulse-v1/1"])
    data_age_days: int
    network: str
    asn: int
    as_org: str
    country: str
    fingerprint_id: str
    browser: str
    os: str
    bot: bool
    bot_name: str


class SessionRow(BaseModel):
    """A session of which something speaks against."""

    session_id: str = Field(description="The client's own id, empty where it names none.")
    visitor_id: str
    user_id: str
    began: int
    ended: int
    events: int
    risky_events: int = Field(description="Of a risk of 60 and more.")
    most: dict[str, int] = Field(description=f"The highest {', '.join(SCORES)} of its events.")
    reasons: list[ReasonTold] = Field(description="All that spoke against it.")
    evidence: EvidenceRow


class SessionsResponse(BaseModel):
    """Sessions, those of the highest risk first. Times are ms since the epoch."""

    sessions: list[SessionRow]
    meta: Meta


class ScoreRow(BaseModel):
    """A stretch of time in which there were events of theirs."""

    at: int = Field(description="Its beginning, ms since the epoch.")
    events: int
    visitors: int
    bots: int
    mean: float = Field(description="The mean risk of an event.")
    most: dict[str, int] = Field(description=f"The highest {', '.join(SCORES)} of an event.")
    bands: dict[str, int] = Field(description=f"How many events are {', '.join(BANDS)}.")
    latest: int = Field(description="The risk of the last event in it.")
    reasons: list[ReasonTold]


class ScoresResponse(BaseModel):
    """How much spoke against them over time; stretches without events are left out."""

    scores: list[ScoreRow]
    truncated: bool = Field(description="Whether there are earlier ones: `limit` are told, the newest.")
    meta: Meta


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


@router.get("/risk/sessions", summary="Sessions of which much speaks against")
@kept()
async def risk_sessions(
    request: Request, key: Reader, parts: With, asked: Annotated[AskedSessions, Query()]
) -> SessionsResponse:
    """The highest risk first, each with all reasons and the event that shows it most."""
    scope = await scope_of(asked.scoped(), key, parts)
    found = await answered(request, parts, lambda client: risky_sessions(client, scope, asked.least_risk, asked.limit))
    rows = [SessionRow(**asdict(each) | {"reasons": _told(each.reasons)}) for each in found.sessions]
    return SessionsResponse(sessions=rows, meta=Meta(source=found.source, rows_read=found.rows_read, ms=found.ms))


@router.get("/risk/scores", summary="How much spoke against whom over time")
@kept()
async def risk_scores(
    request: Request, key: Reader, parts: With, asked: Annotated[AskedScores, Query()]
) -> ScoresResponse:
    """Of a site, a visitor, a person, a device or whoever is named, by the verdicts that stand on events."""
    scope = await scope_of(asked.scoped(), key, parts)
    found = await answered(request, parts, lambda client: course(client, scope, asked.interval, asked.limit))
    rows = [ScoreRow(**asdict(each) | {"reasons": _told(each.reasons)}) for each in found.scores]
    meta = Meta(source=found.source, rows_read=found.rows_read, ms=found.ms)
    return ScoresResponse(scores=rows, truncated=found.truncated, meta=meta)


def _told(codes: Iterable[str]) -> list[ReasonTold]:
    return [ReasonTold(code=code, text=TEXTS.get(code, "")) for code in codes]
