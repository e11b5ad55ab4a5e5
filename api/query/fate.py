"""GET /api/v1/events/{id}/fate: what became of one event."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.problems import documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.parts import Parts, With
from api.query.sites import found_site
from api.query.word import Reference
from clickhouse import fate as report
from pulse.errors import Unavailable
from pulse.lag import Lag, Log
from pulse.place import Place
from pulse.topics import EVENTS, REFINING, REJECTED

WAYS = (*((group, (lane,)) for lane, group in REFINING.items()), ("pulse-sink", (EVENTS, REJECTED)))
"""Who must have read what before an event is stored or among the refused, in that order."""
ANSWER_S = 5.0

SAID: dict[report.Outcome, str] = {
    "stored": "it is stored, once",
    "collapsed": "it is stored; it came again after its id was forgotten, and ClickHouse merges the rows into one",
    "rejected": "it was accepted and later refused",
    "unknown": "nothing of this id is stored or among the refused of the last 30 days",
}
ON_ITS_WAY = {
    True: "; nothing is on its way, so it was never accepted for this site",
    False: "; but records are on their way, and it may be in them",
    None: "; whether anything is on its way is not known, as Kafka does not answer",
}

router = APIRouter(tags=["events"], responses=documented(400, 401, 403, 404, 503, 504))


class LogPlace(BaseModel):
    """The record of the raw log that it came in, and which part of the output it is in."""

    log: str = Field(examples=["nIJ2bZ2cQ0y6jT3w8c6v1A"])
    partition: int
    offset: int
    part: int


class StoredRow(BaseModel):
    """A row of the event. Times are ms since the epoch."""

    event: str = Field(examples=["page_view"])
    ts: int = Field(description="When it happened.", examples=[1763640000000])
    received_at: int = Field(description="When it was received.", examples=[1763640000120])
    place: LogPlace


class Refusal(BaseModel):
    """Why the event, or one that came under its id, was refused. Times are ms since the epoch."""

    reason: str = Field(examples=["too_old"])
    field: str = Field(examples=["ts"])
    detail: str
    by: Literal["refine", "sink"] = Field(
        description="Refinement, by the contract; the sink, as the store cannot take it."
    )
    received_at: int
    stored_at: int = Field(description="When the refusal was stored.")
    place: LogPlace


class Waiting(BaseModel):
    """Records of one topic, of all sites, that a group has yet to read."""

    group: str = Field(examples=["pulse-sink"])
    topic: str = Field(examples=["pulse.events"])
    records: int


EXAMPLE: dict[str, Any] = {
    "event_id": "0198c0de-0000-7000-8000-000000000001",
    "site_id": "shop",
    "fate": "stored",
    "detail": "it is stored, once",
    "stored": [
        {
            "event": "page_view",
            "ts": 1763640000000,
            "received_at": 1763640000120,
            "place": {"log": "nIJ2bZ2cQ0y6jT3w8c6v1A", "partition": 2, "offset": 8812, "part": 0},
        }
    ],
    "rejected": [],
    "repetitions": 3,
    "settled": True,
    "waiting": [],
}


class EventFate(BaseModel):
    """What became of an event."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    event_id: UUID
    site_id: str
    fate: report.Outcome = Field(description="; ".join(f"`{name}`: {said}" for name, said in SAID.items()))
    detail: str = Field(description="The same in a sentence.")
    stored: list[StoredRow]
    rejected: list[Refusal]
    repetitions: int = Field(
        description="How many repetitions of any of the site's events its ledger counted within the window of deduplication after this one was received."
    )
    settled: bool | None = Field(
        description="Whether this is the last word: false while records are on their way, null where that is not known."
    )
    waiting: list[Waiting] = Field(
        description="What is on its way, asked for where the fate is unknown; empty where Kafka does not answer."
    )


@router.get("/events/{event_id}/fate", summary="What became of an event")
async def fate(
    request: Request,
    key: Reader,
    parts: With,
    event_id: Annotated[UUID, Path(description="The event's id.", examples=[EXAMPLE["event_id"]])],
    site_id: Annotated[Reference | None, Query(description="The site; may be left out where the key has one.")] = None,
) -> EventFate:
    """Stored, collapsed, rejected or unknown; where unknown, whether it may still be on its way."""
    site = await found_site(parts, key, site_id)
    found, waiting, is_asked = await _found(request, parts, site.id, event_id), None, False
    if found.outcome == "unknown":
        waiting, is_asked = await _waiting(parts), True
        found = await _found(request, parts, site.id, event_id)  # what was on its way before may have come
    return told(event_id, site.id, found, waiting, is_asked)


def told(event_id: UUID, site_id: str, found: report.Fate, waiting: list[Waiting] | None, is_asked: bool) -> EventFate:
    """A fate as it is answered."""
    settled: bool | None = True
    detail = SAID[found.outcome]
    if found.outcome == "unknown" and is_asked:
        settled = None if waiting is None else not any(each.records for each in waiting)
        detail += ON_ITS_WAY[settled]
    return EventFate(
        event_id=event_id,
        site_id=site_id,
        fate=found.outcome,
        detail=detail,
        stored=[StoredRow(**_told(row)) for row in found.stored],
        rejected=[Refusal(**_told(row)) for row in found.rejected],
        repetitions=found.repetitions,
        settled=settled,
        waiting=waiting or [],
    )


def _told(row: report.Stored | report.Rejected) -> dict[str, Any]:
    return {name: LogPlace(**asdict(value)) if isinstance(value, Place) else value for name, value in vars(row).items()}


async def _found(request: Request, parts: Parts, site_id: str, event_id: UUID) -> report.Fate:
    return await answered(request, parts, lambda client: report.find(client, site_id, event_id, parts.window_ms))


async def _waiting(parts: Parts) -> list[Waiting] | None:
    try:
        lags = await to_thread.run_sync(lambda: Log(parts.kafka_url).lags(WAYS, ANSWER_S))
    except Unavailable:
        return None
    return [
        Waiting(group=group, topic=topic, records=_records(lags, group, topic))
        for group, topics in WAYS
        for topic in topics
    ]


def _records(lags: list[Lag], group: str, topic: str) -> int:
    return sum(lag.records for lag in lags if (lag.group, lag.topic) == (group, topic))
