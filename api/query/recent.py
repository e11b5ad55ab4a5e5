"""GET /api/v1/events/recent: the latest stored events of a site."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import With, now_ms
from api.query.sites import found_site
from api.query.word import Reference
from pulse import nesting
from pulse.clock import to_ms
from pulse.event import MAX_MS, MAX_NESTING

DAY_MS = 86_400_000
SQL = Path(__file__).parent / "recent.sql"
LAST_ID = UUID(int=2**128 - 1)

router = APIRouter(tags=["events"], responses=documented(400, 401, 403, 404, 503, 504))


class StoredEvent(BaseModel):
    """An event as it is stored. Times are ms since the epoch."""

    event: str = Field(examples=["page_view"])
    event_id: UUID
    ts: int = Field(description="When it happened.", examples=[1763640000000])
    received_at: int = Field(description="When it was received.", examples=[1763640000120])
    visitor_id: str
    user_id: str
    session_id: str
    url: str
    referrer_host: str
    channel: str
    country: str
    device_type: str
    browser: str
    os: str
    bot: bool
    risk: int = Field(description="How much speaks against the device, 0 to 100.")
    risk_band: str = Field(description="`low`, `elevated`, `high`, `critical`; empty where nothing was told.")
    revenue: float
    currency: str
    properties: dict[str, Any] | str = Field(
        description="As they were sent; as their JSON text where they are nested too deeply to be read."
    )


@router.get("/events/recent", summary="The latest events of a site")
async def recent(
    request: Request,
    key: Reader,
    parts: With,
    site_id: Annotated[Reference | None, Query(description="The site; may be left out where the key has one.")] = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[StoredEvent]:
    """Those received within a day, the latest first; the next page holds older ones."""
    before, last_id = place_of(decode(cursor))
    site = await found_site(parts, key, site_id)
    asked = {"site": site.id, "since": now_ms() - DAY_MS, "before": before, "id": str(last_id), "limit": limit + 1}
    found = await answered(request, parts, lambda client: client.query(SQL, asked))
    events = [told(dict(zip(found.columns, row, strict=True))) for row in found.rows]
    return page_of(events, limit, lambda event: f"{event.received_at}:{event.event_id}")


def place_of(text: str) -> tuple[int, UUID]:
    """The moment and id that a page ended with; raises BadParameter."""
    if not text:
        return MAX_MS, LAST_ID
    try:
        ms, _, event_id = text.partition(":")
        place = int(ms), UUID(event_id)
    except ValueError:
        raise BadParameter("cursor", "is not one that a page gave") from None
    if not 0 <= place[0] <= MAX_MS:
        raise BadParameter("cursor", "is not one that a page gave")
    return place


def told(row: dict[str, Any]) -> StoredEvent:
    """A row as it is answered."""
    plain = {name: _plain(value) for name, value in row.items()}
    return StoredEvent(**plain | {"properties": _properties(row["properties"])})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_ms(value)
    return float(value) if isinstance(value, Decimal) else value


def _properties(text: str) -> dict[str, Any] | str:
    """What was stored before, or past, the limit of nesting would break whoever reads it: it stays text."""
    if not nesting.is_within(text.encode(), MAX_NESTING):
        return text
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
