"""/health, /health/ready and /metrics."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.health import Alive, Readiness
from api.query.parts import With

NEEDED = ("clickhouse", "store")
"""Without Redis every question is still answered."""

router = APIRouter(tags=["health"])


@router.get("/health", summary="Whether the process is alive")
async def health() -> Alive:
    """Always, while it answers."""
    return Alive(status="ok")


@router.get(
    "/health/ready",
    summary="Whether questions are answered",
    response_model=Readiness,
    responses={503: {"model": Readiness}},
)
async def ready(parts: With) -> JSONResponse:
    """503 names what is down."""
    checks = await parts.checks()
    is_ready = all(checks[name] == "ok" for name in NEEDED)
    status = "unavailable" if not is_ready else "ok" if set(checks.values()) == {"ok"} else "degraded"
    return JSONResponse({"status": status, "checks": checks}, 200 if is_ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
def metrics() -> Response:
    """In Prometheus' text form."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
