"""Running the collector until it is told to stop."""

import logging

from api import serving
from api.collector.app import App
from api.collector.form import PATH
from pulse.settings import Settings

log = logging.getLogger(__name__)


def serve(app: App, settings: Settings) -> None:
    """Serve until told to stop; then finish what is in flight, and return."""
    log.info("the collector begins", extra={"url": f"http://{settings.host}:{settings.collector_port}{PATH}"})
    serving.serve(app, settings.host, settings.collector_port, settings.produce_timeout_ms // 1000 + 5)
    log.info("the collector has stopped")
