"""GET /api/v1/live as an event stream, and POST /api/v1/live/ticket."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, Security
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel, Field

from api.live.live import Live
from api.live.position import LONGEST, BadId, position_of
from api.live.stream import streaming
from api.live.ticket import VALID_S
from api.live.want import Want
from api.problems import BadParameter, documented

_BEARER = HTTPBearer(auto_error=False, description="A secret key: `Authorization: Bearer pulse_prod_…`.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in a header of its own.")

router = APIRouter(
    tags=["live"],
    responses=documented(400, 401, 403, 404, 503),
    dependencies=[Security(_BEARER), Security(_HEADER)],
)


class Ticket(BaseModel):
    """A ticket: it opens one connection, once."""

    ticket: str = Field(examples=["pulse_ticket_1b2c…"])
    expires_in: int = Field(description="Seconds for which it is valid.", examples=[VALID_S])
    shared: bool = Field(description="Whether every process takes it; else, while Redis is away, this one alone.")


def _of(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


With = Annotated[Live, Depends(_of)]


@router.get(
    "/live",
    summary="What happens now",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Messages, until either side ends it."}},
)
async def live_stream(
    request: Request,
    live: With,
    want: Annotated[Want, Query()],
    last_event_id: Annotated[str, Header(max_length=LONGEST)] = "",
) -> Response:
    """Messages as `text/event-stream`; the same over a WebSocket where the request asks to upgrade."""
    live.demand_room()
    last_id = want.last_id or last_event_id
    try:
        position_of(last_id) if last_id else None
    except BadId as error:
        raise BadParameter("last_id", str(error)) from None
    admitted = await live.admission.admit(request.headers, want)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(streaming(live, admitted, want, last_id), headers=headers, media_type="text/event-stream")


@router.post("/live/ticket", summary="A ticket for one connection", status_code=201)
async def make_ticket(request: Request, response: Response, live: With) -> Ticket:
    """For who cannot set a header, as pages in a browser: `?ticket=…`, valid once, within seconds, for what the key may see."""
    key = await live.admission.key(request.headers)
    ticket, is_shared = await live.tickets.make(key)
    response.headers["cache-control"] = "no-store"
    return Ticket(ticket=ticket, expires_in=VALID_S, shared=is_shared)
