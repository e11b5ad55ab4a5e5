"""/health, /health/ready and /metrics."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.health import Alive, Readiness
from api.live.routes import With

NEEDED = ("kafka", "store")
"""Without Redis keys are looked up more slowly, and tickets are those of one process."""

router = APIRouter(tags=["health"])


@router.get("/health", summary="Whether the process is alive")
async def health() -> Alive:
    """Always, while it answers."""
    return Alive(status="ok")


@router.get(
    "/health/ready",
    summary="Whether connections are taken",
    response_model=Readiness,
    responses={503: {"model": Readiness}},
)
async def ready(live: With) -> JSONResponse:
    """503 names what is down."""
    redis, store = await live.shared_fault(), await live.store_fault()
    checks = {"kafka": live.fault(), "redis": redis, "store": store}
    is_ready = all(checks[name] == "ok" for name in NEEDED)
    status = "unavailable" if not is_ready else "ok" if set(checks.values()) == {"ok"} else "degraded"
    return JSONResponse({"status": status, "checks": checks}, 200 if is_ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
def metrics() -> Response:
    """In Prometheus' text form."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
