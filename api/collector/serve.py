"""Running the collector: one process, one loop, until SIGTERM or SIGINT."""

import logging
import signal

import uvicorn

from api.collector.app import App
from api.collector.ingest import PATH
from pulse.settings import Settings

KEEP_ALIVE_S = 65
"""Longer than load balancers keep idle connections, so that it is never the collector that hangs up first."""

log = logging.getLogger(__name__)


def serve(app: App, settings: Settings) -> None:
    """Serve until told to stop; then finish what is in flight, and return."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.collector_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.produce_timeout_ms // 1000 + 5,
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped; a clean stop ends with 0.
        signal.signal(stop, lambda *_: None)
    log.info("the collector begins", extra={"url": f"http://{settings.host}:{settings.collector_port}{PATH}"})
    uvicorn.Server(config).run()
    log.info("the collector has stopped")
