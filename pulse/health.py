"""The health and metrics page of a process that has no web server of its own."""

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from msgspec import json
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from pulse import listening

Checks = Callable[[], dict[str, str]]
"""Names what this process needs, each with ``"ok"`` or what is wrong with it."""


def serve(host: str, port: int, checks: Checks) -> ThreadingHTTPServer:
    """Serve /health (alive), /health/ready (200 or 503 naming what is down) and /metrics from a thread.

    Raises SettingError for a host that is none of this machine.
    """
    listening.demand(host)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = _answer(self.path, checks)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, port), Page)
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _answer(path: str, checks: Checks) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/health":
        return 200, "application/json", b'{"status":"ok"}'
    if path == "/health/ready":
        found = checks()
        ready = all(state == "ok" for state in found.values())
        body = json.encode({"status": "ok" if ready else "unavailable", "checks": found})
        return (200 if ready else 503), "application/json", body
    return 404, "application/json", b'{"status":"not found"}'
