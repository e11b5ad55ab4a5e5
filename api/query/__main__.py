"""`python -m api.query`: the query API as a process."""

import signal
import sys
from logging import getLogger

import uvicorn
from fastapi import FastAPI

from api.query.app import create_app
from pulse import log, settings
from pulse.errors import PulseError
from pulse.settings import Settings

FINISH_S = 30
KEEP_ALIVE_S = 65
"""Longer than load balancers keep idle connections, so that it is never the API that hangs up first."""


def main() -> int:
    """Run until stopped; 2 for settings that cannot be."""
    try:
        given = settings.load()
        log.configure(given.log_level)
        app = create_app(given)
    except PulseError as error:
        sys.stderr.write(f"query: {error}\n")
        return 2
    serve(app, given)
    return 0


def serve(app: FastAPI, given: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, and return."""
    config = uvicorn.Config(
        app,
        host=given.host,
        port=given.query_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_S,
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped; a clean stop ends with 0.
        signal.signal(stop, lambda *_: None)
    getLogger(__name__).info("the query API begins", extra={"url": f"http://{given.host}:{given.query_port}"})
    uvicorn.Server(config).run()


if __name__ == "__main__":
    sys.exit(main())
